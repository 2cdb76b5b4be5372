// Figures that dgn made: inner solves, dual weights, targets, profiles, sensitivities.

function lineOf(points) {
  return { xs: numbers((points || []).map((p) => p[0])), ys: numbers((points || []).map((p) => p[1])) };
}

// panelSpec makes a chart of a panel.
function panelSpec(doc, panel) {
  const styled = (index) => ({ color: colorOf(doc, index), paper: doc.styles[index % doc.styles.length].light, dash: dashOf(doc, index), group: index, well: true });
  const curves = [];
  for (const c of panel.curves || []) {
    const thin = [...(c.thin || []), ...(c.tails || [])].map(lineOf);
    const crosses = (c.crosses || []).map((p) => [Number(p[0]), Number(p[1])]);
    if (!(c.mean || []).length && !thin.length && !crosses.length) continue;
    curves.push({ ...styled(c.style), label: c.label, ...lineOf(c.mean), lo: c.lo ? numbers(c.lo) : undefined, hi: c.hi ? numbers(c.hi) : undefined, bars: c.bars, scatter: c.scatter, straight: c.straight, points: c.straight && (c.mean || []).length < 40, thin, crosses,
      say: (i) => (c.notes && c.notes[i] ? [["note", c.notes[i]]] : []) });
  }
  for (const h of panel.histograms || []) {
    const xs = numbers(h.edges), share = numbers(h.share);
    curves.push({ ...styled(h.style), label: h.label, xs, ys: Float64Array.from([...share, share[share.length - 1] || 0]), area: true, width: 1.6 });
    if (h.below) curves.push({ ...styled(h.style), label: `${h.label}: too small for the axis`, xs: numbers([h.below.from, h.below.to]), ys: numbers([h.below.share, h.below.share]), area: true, width: 1.6 });
  }
  const spec = { title: panel.title, curves };
  const axis = (a) => ({ ...a, range: a.range ? a.range.map(Number) : [Infinity, -Infinity] });
  spec.x = axis(panel.x);
  spec.y = axis(panel.y);
  if (panel.rows && panel.rows.length) rowsInto(doc, spec, panel.rows, styled);
  spec.name = [panel.title, spec.y.label, spec.x.label].filter(Boolean).join(", ");
  return spec;
}

// rowsInto shows when runs reach a goal: a row for each series, a point for each run, a bar
// for the median; those that never do stand at the right edge.
function rowsInto(doc, spec, rows, styled) {
  const n = rows.length;
  rows.forEach((row, i) => {
    const xs = numbers(row.at), ys = Float64Array.from(xs, () => n - i);
    const never = [...xs].filter((v) => v === Infinity).length;
    spec.curves.push({ ...styled(row.style), label: row.label, xs, ys, scatter: true, unsorted: true, say: () => [["reach it", `${xs.length - never} of ${xs.length}`], ["median", exact(Number(row.median))]] });
    if (Number.isFinite(Number(row.median))) spec.curves.push({ ...styled(row.style), label: `${row.label}: median`, xs: numbers([row.median]), ys: numbers([n - i]), lo: [n - i - 0.3], hi: [n - i + 0.3], bars: true, bare: true, scatter: true, unsorted: true });
  });
  spec.rows = true;
  spec.xText = (c, i) => (c.xs[i] === Infinity ? "never" : exact(c.xs[i]));
  spec.y = { label: "", range: [0.5, n + 0.5], pad: [0, 0], ticks: rows.map((row, i) => ({ value: n - i, label: row.label })) };
  spec.height = Math.min(700, 90 + 34 * n);
}

const headings = [[/^inner/, "Inner solves"], [/^solvers/, "Compared solvers"], [/^duals/, "Dual weights"], [/^target/, "Time to a target"], [/^profile/, "Performance profiles"], [/^sensitivity/, "Sensitivity to settings"], [/^formulations/, "Primal and dual"]];
const headingOf = (name) => (headings.find(([re]) => re.test(name)) || [null, name])[1];

// figureNode shows one figure. Its charts are made when it comes near the screen.
function figureNode(doc, figure, dataset) {
  const grid = el("div", { class: figure.columns > 1 ? "pair" : "pair one" });
  const made = [];
  const panels = figure.panels.map((panel) => el("div", { class: "panel" }, panel.title ? el("h5", {}, panel.title) : null, el("div", { class: "host" })));
  grid.append(...panels);
  const key = el("ul", { class: "legend" });
  const off = new Set();
  const entries = () => (figure.legend || []).map((e) => ({ key: e.label, label: e.label, color: colorOf(doc, e.style), paper: doc.styles[e.style % doc.styles.length].light, dash: dashOf(doc, e.style), style: e.style }));
  const specs = () => figure.panels.map((panel) => {
    const spec = panelSpec(doc, panel);
    if (figure.legend) {
      const hide = new Set(entries().filter((e) => off.has(e.key)).map((e) => e.style));
      spec.curves = spec.curves.filter((c) => !hide.has(c.group));
    }
    return spec;
  });
  const refresh = () => {
    const list = specs();
    panels.forEach((node, i) => { if (made[i]) made[i].set(list[i], true); else made[i] = new Chart(node.querySelector(".host"), list[i]); });
    legend(key, entries(), off, refresh);
  };
  const node = el("div", { class: "figure" }, grid, figure.legend ? key : null,
    el("div", { class: "notes" }, (figure.caption || []).map((r) => el("p", { class: r.alert ? "alert" : null }, r.text))),
    downloads(() => `${dataset}_${figure.name}`, () => { if (!made.length) refresh(); return svgOf(made, { title: dataset, legend: entries().filter((e) => !off.has(e.key)).map((e) => ({ ...e, color: e.paper })), caption: (figure.caption || []).map((r) => r.text) }); }));
  node.refresh = () => { if (made.length) refresh(); };
  node.discard = () => made.forEach((c) => c.destroy());
  near(node, refresh);
  return node;
}

// near calls a function when a node comes near the screen, once.
function near(node, then) {
  const watch = new IntersectionObserver((list) => {
    if (!list.some((e) => e.isIntersecting)) return;
    watch.disconnect();
    then();
  }, { rootMargin: "600px" });
  watch.observe(node);
}

// figureCards groups figures by kind.
function figureCards(doc, figures, dataset) {
  const groups = new Map();
  for (const f of figures || []) {
    const h = headingOf(f.name);
    if (!groups.has(h)) groups.set(h, []);
    groups.get(h).push(f);
  }
  return [...groups].map(([heading, list]) => el("section", { class: "card" }, el("h3", {}, heading), list.map((f) => figureNode(doc, f, dataset))));
}

// partCards shows tables of scores.
function partCards(parts) {
  return (parts || []).map((part) => el("section", { class: "card scores" }, el("h3", {}, part.title ? `Scores: ${part.title}` : "Scores over all tasks"),
    (part.alerts || []).map((a) => el("p", { class: "alert" }, a)),
    (part.tables || []).map((t, i) => {
      const table = t.head ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t.title }, el("table", {}, el("thead", {}, el("tr", {}, t.head.map((h) => el("th", { scope: "col" }, h)))),
        el("tbody", {}, (t.rows || []).map((row) => el("tr", {}, row.map((c, j) => (j ? el("td", {}, c) : el("th", { scope: "row" }, el("bdi", {}, c))))))))) : null;
      const notes = (t.notes || []).map((n, k) => el("p", { class: "notes" }, `(${k + 1}) ${n}`));
      const [name, ...rest] = t.title.split(/(?<=[;:]) /);
      return el("details", { open: i === 0 }, el("summary", {}, name.replace(/[;:]$/, "")), rest.length ? el("p", { class: "notes" }, rest.join(" ")) : null, table, notes);
    })));
}
