// Where the numbers come from: settings that differ, and the manifest of each run.

function settingsCard(doc, section) {
  if (!section.differ || !section.differ.length) return null;
  return el("section", { class: "card" }, el("details", {}, el("summary", {}, el("h3", {}, `Settings that differ (${section.differ.length})`)),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Settings that differ" }, el("table", { class: "settings" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Setting"), section.series.map((s) => el("th", { scope: "col" }, swatch(colorOf(doc, s.style), dashOf(doc, s.style)), el("bdi", {}, s.label))))),
      el("tbody", {}, section.differ.map((key, i) => el("tr", {}, el("th", { scope: "row" }, el("bdi", {}, key)), section.settings.map((row) => el("td", {}, row[i] === "" ? "–" : el("bdi", {}, row[i])))))))),
    el("p", { class: "notes" }, "– where a run does not have the setting.")));
}

const facts = [["dgn_version", "dgn"], ["commit", "commit"], ["cpu", "processor"], ["isa", "instruction set"], ["threads", "threads"], ["jobs", "jobs"], ["precision", "precision"], ["start", "begun"], ["end", "ended"]];

function runsCard(doc, section, state) {
  const rows = section.runs.map((run) => {
    const s = section.series[run.series], m = run.manifest || {};
    const body = el("div", {});
    const key = `${s.label} ${run.seed}`;
    const details = el("details", { open: state.open.has(key), "data-run": key, ontoggle: () => {
      if (!details.open) { state.open.delete(key); return; }
      state.open.add(key);
      if (body.childNodes.length) return;
      body.append(el("dl", {}, facts.filter(([k]) => m[k] !== undefined && m[k] !== "").flatMap(([k, name]) => [el("dt", {}, name), el("dd", {}, String(m[k]))])),
        (m.choices || []).length ? el("p", {}, "Chosen automatically: " + m.choices.join("; ")) : "",
        el("pre", { tabindex: "0" }, JSON.stringify(m, null, 2)));
    } }, el("summary", {}, swatch(colorOf(doc, s.style), dashOf(doc, s.style)), el("bdi", {}, s.label), ` seed ${run.seed} `, el("span", { class: "state " + (run.complete ? "well" : "ill") }, run.state), run.note ? el("bdi", { class: "why" }, run.note) : null, run.written ? el("small", {}, ` last evaluation written at ${new Date(run.written).toLocaleTimeString()}`) : null),
    el("p", { class: "where" }, el("bdi", {}, run.dir)), body);
    return details;
  });
  return el("section", { class: "card" }, el("details", { open: section.runs.some((r) => r.note), class: "runs", "data-run": "all" }, el("summary", {}, el("h3", {}, `Runs and manifests (${rows.length})`)), rows));
}
