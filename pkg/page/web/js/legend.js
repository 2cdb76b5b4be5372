// A legend names curves. A click on an entry hides its curve, or shows it; "only" hides all
// others, and shows them again.

function swatch(color, dash) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("viewBox", "0 0 30 10");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", "M0 5H30");
  line.setAttribute("stroke", color);
  line.setAttribute("stroke-width", "3");
  if (dash && dash.length) line.setAttribute("stroke-dasharray", dash.join(" "));
  svg.append(line);
  return svg;
}

// legend fills a list with entries {key, label, color, dash, note}. Hidden keys are in a Set,
// which it changes before it calls changed.
function legend(list, entries, hiddenKeys, changed) {
  const only = (key) => {
    const alone = entries.every((e) => hiddenKeys.has(e.key) === (e.key !== key));
    hiddenKeys.clear();
    if (!alone) for (const e of entries) if (e.key !== key) hiddenKeys.add(e.key);
    changed();
  };
  const focus = document.activeElement && list.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  list.replaceChildren(...entries.map((e) => {
    const off = hiddenKeys.has(e.key);
    return el("li", { class: off ? "off" : null },
      el("button", {
        type: "button", class: "entry", "data-focus": "entry " + e.key, "aria-pressed": String(!off), title: off ? "Show this curve" : "Hide this curve (shift-click: all others)",
        onclick: (click) => {
          if (click.shiftKey) { only(e.key); return; }
          if (!hiddenKeys.delete(e.key)) hiddenKeys.add(e.key);
          changed();
        },
      }, swatch(e.color, e.dash), el("bdi", {}, e.label), e.note ? el("small", {}, e.note) : null),
      entries.length > 1 ? el("button", { type: "button", class: "only", "data-focus": "only " + e.key, title: "Show this curve alone, or all again", onclick: () => only(e.key) }, "only") : null);
  }));
  if (focus) for (const b of list.querySelectorAll("button")) if (b.dataset.focus === focus) b.focus();
}
