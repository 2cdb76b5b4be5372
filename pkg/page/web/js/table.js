// The summary of a section: a line for each method and setting, to sort and to filter.

const better = (y) => (y.higher ? (a, b) => a > b : (a, b) => a < b);

// lastOf and bestOf are of one run, NaN without a number; a run that ended well alone counts.
function lastOf(section, run, axis) {
  const v = column(section, run.rows, axis);
  return v && v.length ? v[v.length - 1] : NaN;
}
function bestOf(section, run, axis) {
  const v = column(section, run.rows, axis);
  let best = NaN;
  for (const x of v || []) if (!Number.isNaN(x) && (Number.isNaN(best) || better(axis)(x, best))) best = x;
  return best;
}

// reached is what a run had spent at its first evaluation that meets a goal, infinite if none
// does; ended is what it had spent at its end.
function reached(section, run, goal, axis) {
  const values = section.columns[run.rows[goal.metric]], spent = column(section, run.rows, axis);
  if (!sound(run) || !values || !spent) return Infinity;
  const higher = goal.metric.endsWith("accuracy");
  for (let i = 0; i < values.length; i++) if (higher ? values[i] >= goal.value : values[i] <= goal.value) return spent[i];
  return Infinity;
}

// cellOf has the mean of some numbers of n runs, with its interval: {sort, main, more}.
function cellOf(values, n, draws) {
  const v = values.filter((x) => Number.isFinite(x));
  if (!v.length) return { sort: NaN, main: "–", more: "" };
  const [lo, hi] = interval(v, draws), m = mean(v);
  return { sort: m, main: short(m), more: (v.length > 1 ? `[${short(lo)}, ${short(hi)}]` : "") + (v.length < n ? ` ${v.length}/${n}` : "") };
}

// goalCell is the median of what all runs spend, never being infinite, and how many get there.
function goalCell(section, s, goal, axis) {
  const all = s.runs.map((run) => reached(section, run, goal, axis));
  const n = all.filter(Number.isFinite).length, m = median(all);
  const ends = s.runs.filter((run, i) => !Number.isFinite(all[i]) && run.state !== "diverged" && sound(run)).map((run) => lastOf(section, run, axis)).filter(Number.isFinite);
  const main = Number.isFinite(m) ? short(m) : ends.length ? `> ${short(Math.min(...ends))}` : "never";
  const least = Math.min(...all), most = Math.max(...all);
  const range = all.length > 1 && n ? `[${short(least)}, ${Number.isFinite(most) ? short(most) : "never"}] ` : "";
  return { sort: m, main, more: `${range}${n}/${all.length} reach it` };
}

// summaryColumns are the columns of the table: each has a title, and a cell for a series.
function summaryColumns(doc, section, state) {
  const columns = [
    { key: "method", title: "Method", cell: (s) => ({ sort: s.label, main: s.label, series: s }) },
    { key: "outcome", title: "Runs", cell: (s) => ({ sort: s.runs.filter((r) => r.complete).length, main: count(s.runs.map((r) => r.state)), more: "" }) },
  ];
  const of = (name, title, axis, value) => columns.push({ key: `${name} ${axis.column}`, title: `${title} ${axis.label.replace(/\[%\]/, "%").replace(/ \[unit of the target\]/, "")}`, number: true,
    hint: axis.column.startsWith("test") && name === "best" ? "looks at test data" : "", best: axis.higher === undefined ? null : axis,
    cell: (s) => cellOf(s.runs.filter((r) => r.complete).map((r) => value(section, r, axis)), s.runs.length, doc.draws) });
  const wall = section.x.find((x) => x.name === "wall"), cost = section.x.find((x) => x.name === "cost");
  if (state.goal && Number.isFinite(state.goal.value)) {
    for (const [axis, title] of [[wall, "Seconds to target"], [cost, "Cost to target"]]) {
      if (axis) columns.push({ key: "goal " + axis.name, title, number: true, hint: "median of all runs; never is infinite", cell: (s) => goalCell(section, s, state.goal, axis) });
    }
  }
  const what = state.values || "both";
  for (const y of section.y) {
    if (what !== "best") of("final", "Final", y, lastOf);
    if (what !== "final") of("best", "Best", y, bestOf);
  }
  if (wall) of("end", "Seconds:", { ...wall, label: "all", higher: undefined }, lastOf);
  if (cost) of("end", "Cost:", { ...cost, label: "all", higher: undefined }, lastOf);
  return columns;
}

class Summary {
  constructor(doc, section, state) {
    Object.assign(this, { doc, section, state });
    this.scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Summary table" });
    this.controls = el("div", { class: "controls" });
    this.node = el("section", { class: "card", id: "summary-" + section.dataset }, el("h3", {}, "Summary"), this.controls, this.scroll,
      el("p", { class: "notes" }, "Means over the runs that ended well, with an interval: the least and the largest of less than four seeds, the 95 % bootstrap interval of more. What a target takes is the median over all runs, which are counted as never where they did not get there, with the least and the largest; > is where runs ended without it."));
  }

  start() { this.buildControls(); this.update(); }

  buildControls() {
    const { state, section } = this;
    const goal = state.goal || { metric: section.y.length ? section.y[0].column : "", value: NaN };
    const set = () => { state.goal = goal.metric && Number.isFinite(goal.value) ? { ...goal } : null; this.update(); };
    const value = el("input", { type: "number", step: "any", name: "target-value", value: Number.isFinite(goal.value) ? goal.value : "", "aria-label": "Value of the target", oninput: (e) => { goal.value = e.target.value === "" ? NaN : Number(e.target.value); set(); } });
    this.controls.replaceChildren(
      el("label", { class: "field grow" }, el("span", {}, "Filter"), el("input", { type: "search", name: "filter", value: state.filter, placeholder: "method, setting, outcome", oninput: (e) => { state.filter = e.target.value; this.update(); } })),
      el("label", { class: "field" }, el("span", {}, "Target"), el("select", { name: "target-metric", onchange: (e) => { goal.metric = e.target.value; set(); } }, section.y.map((y) => option(y.column, y.label.replace(/ \[.*/, ""), goal.metric)))),
      el("label", { class: "field" }, el("span", {}, goal.metric.endsWith("accuracy") ? "at least" : "reached at"), value),
      el("label", { class: "field" }, el("span", {}, "Values"), el("select", { name: "values", onchange: (e) => { state.values = e.target.value; this.update(); } },
        option("both", "final and best", state.values || "both"), option("final", "final", state.values), option("best", "best", state.values))));
  }

  update() {
    const { doc, section, state } = this;
    const columns = summaryColumns(doc, section, state);
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = Object.entries(state.sweep);
    let rows = section.series.filter((s) => chosen.every(([k, v]) => s.varied[k] === undefined || s.varied[k] === v)).map((s) => ({ s, cells: columns.map((c) => c.cell(s)) }));
    const total = rows.length;
    rows = rows.filter((r) => words.every((w) => `${r.s.label} ${r.cells[1].main}`.toLowerCase().includes(w)));
    const at = state.sort ? columns.findIndex((c) => c.key === state.sort.key) : -1;
    if (at >= 0) {
      const sign = state.sort.down ? -1 : 1;
      rows.sort((a, b) => {
        const x = a.cells[at].sort, y = b.cells[at].sort;
        if (typeof x === "string") return sign * x.localeCompare(y, undefined, { numeric: true });
        if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
        return x === y ? 0 : sign * (x < y ? -1 : 1);
      });
    }
    const focused = document.activeElement && this.scroll.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const head = el("tr", {}, columns.map((c) => {
      const on = state.sort && state.sort.key === c.key;
      return el("th", { scope: "col", "aria-sort": on ? (state.sort.down ? "descending" : "ascending") : "none", class: c.number ? "number" : null },
        el("button", { type: "button", "data-key": c.key, title: c.hint || "Sort", onclick: () => { state.sort = { key: c.key, down: on ? !state.sort.down : false }; this.update(); } }, c.title, el("i", { "aria-hidden": "true" }, on ? (state.sort.down ? " ▼" : " ▲") : "")));
    }));
    const leading = columns.map((c, i) => {
      if (!c.number || rows.length < 2) return NaN;
      const v = rows.map((r) => r.cells[i].sort).filter(Number.isFinite);
      return !v.length ? NaN : c.best && c.best.higher ? Math.max(...v) : Math.min(...v);
    });
    const body = rows.map((r) => el("tr", {}, r.cells.map((cell, i) => (i === 0
      ? el("th", { scope: "row" }, swatch(colorOf(doc, cell.series.style), dashOf(doc, cell.series.style)), el("bdi", {}, cell.main))
      : el("td", { class: (columns[i].number ? "number" : "") + (cell.sort === leading[i] ? " lead" : "") }, cell.main, cell.more ? el("small", {}, cell.more) : null)))));
    this.scroll.replaceChildren(el("table", { class: "summary" }, el("thead", {}, head), el("tbody", {}, body)));
    if (!rows.length) this.scroll.append(el("p", { class: "empty" }, total ? `None of ${total} lines fits the filter.` : "There are no runs."));
    if (focused) for (const b of this.scroll.querySelectorAll("thead button")) if (b.dataset.key === focused) b.focus();
  }
}
