// The curves of a section: any quantity against any other, means or every seed.

const many = 10; // curves that a reader can follow
const muchLonger = 5; // how many times as far as others curves go before their axis is a log one

// newState is what the reader has chosen of a section.
function newState(section) {
  const has = (name) => section.y.some((y) => y.name === name);
  const right = ["test_accuracy", "test_rmse", "test_loss", "valid_accuracy", "valid_loss", "train_accuracy"].find(has);
  const left = has("train_loss") ? "train_loss" : section.y.length ? section.y[0].name : null;
  return {
    x: section.x.some((x) => x.name === "wall") ? "wall" : section.x.length ? section.x[0].name : null,
    logX: null, y: [left, right && right !== left ? right : null], logY: [null, null], mode: "mean",
    hidden: new Set(), sweep: {}, all: false, goal: section.goal, sort: null, filter: "", stepX: "step", open: new Set(),
  };
}

// candidates are the series that the sliders leave: of many, the best setting of each method.
function candidates(section, state) {
  const chosen = Object.entries(state.sweep);
  const list = section.series.filter((s) => chosen.every(([key, value]) => s.varied[key] === undefined || s.varied[key] === value));
  return chosen.length || state.all || list.length <= many ? list : list.filter((s) => s.best);
}
const visible = (section, state) => candidates(section, state).filter((s) => !state.hidden.has(s.label));

// pointsOf are the evaluations of a run that have a number.
function pointsOf(section, run, x, y) {
  const xs = column(section, run.rows, x), ys = column(section, run.rows, y), steps = section.columns[run.rows.step];
  if (!xs || !ys) return { xs: [], ys: [], steps: [] };
  const keep = [];
  for (let i = 0; i < xs.length; i++) if (!Number.isNaN(xs[i]) && !Number.isNaN(ys[i])) keep.push(i);
  return { xs: keep.map((i) => xs[i]), ys: keep.map((i) => ys[i]), steps: keep.map((i) => (steps ? steps[i] : i)) };
}

// average is the mean over runs: at the steps that all have in common, of the values there, at
// the mean of the x; after these, at each x of any run, of the last values. It ends where the
// first run does; or, where all end at about the same x, at the mean of their ends.
function average(runs, draws) {
  const out = { xs: [], ys: [], lo: [], hi: [] };
  const at = runs.map(() => 0);
  const add = (x) => {
    const v = runs.map((r, i) => r.ys[at[i]]);
    const [lo, hi] = interval(v, draws);
    out.xs.push(x); out.ys.push(mean(v)); out.lo.push(lo); out.hi.push(hi);
  };
  let same = 0;
  while (runs.every((r) => same < r.steps.length && r.steps[same] === runs[0].steps[same])) same++;
  for (let i = 0; i < same; i++) {
    at.fill(i);
    add(mean(runs.map((r) => r.xs[i])));
  }
  const ends = runs.map((r) => r.xs[r.xs.length - 1]);
  const start = Math.max(...runs.map((r) => r.xs[Math.max(same - 1, 0)])), end = Math.min(...ends);
  const rest = [...new Set(runs.flatMap((r) => r.xs.slice(same)))].sort((a, b) => a - b);
  const ended = rest.length > 0 && start < end && Math.max(...ends) - end <= 0.05 * end;
  let grid = rest.filter((x) => !(x < start || x > end || (same > 0 && x === start) || (ended && x === end)));
  if (same === 0 && grid.length === 0 && !ended) grid = [start];
  for (const x of grid) {
    runs.forEach((r, i) => { while (at[i] + 1 < r.xs.length && r.xs[at[i] + 1] <= x) at[i]++; });
    add(x);
  }
  if (ended) {
    runs.forEach((r, i) => { at[i] = r.xs.length - 1; });
    add(mean(ends));
  }
  out.tails = runs.map((r, i) => ({ xs: r.xs.slice(at[i]), ys: r.ys.slice(at[i]) })).filter((r) => r.xs.length > 1);
  return out;
}

const sound = (run) => run.state !== "damaged";

// curvesOf makes what a chart shows of some series.
function curvesOf(doc, section, list, x, y, mode) {
  const cache = (section.cache ||= new Map());
  const out = [];
  for (const s of list) {
    const color = colorOf(doc, s.style), style = { color, paper: doc.styles[s.style].light, dash: dashOf(doc, s.style), group: s.index };
    const key = `${s.index} ${x.name} ${y.name}`;
    if (!cache.has(key)) {
      const points = s.runs.filter(sound).map((run) => ({ run, ...pointsOf(section, run, x, y) })).filter((p) => p.xs.length);
      const complete = points.filter((p) => p.run.complete);
      cache.set(key, { points, complete, mean: complete.length ? average(complete, doc.draws) : null });
    }
    const { points, complete, mean: average_ } = cache.get(key);
    const seeds = mode === "seeds" ? points : points.filter((p) => !p.run.complete);
    if (mode !== "seeds" && average_) {
      const n = complete.length;
      out.push({ ...style, label: n > 1 ? `${s.label}: mean of ${n}` : s.label, ...average_, lo: n > 1 ? average_.lo : undefined, hi: n > 1 ? average_.hi : undefined, thin: average_.tails, width: 2.2, well: true,
        bandName: n < 4 ? "least, largest" : "95 % interval" });
    }
    for (const p of seeds) {
      const diverged = p.run.state === "diverged", end = p.xs.length - 1;
      out.push({ ...style, label: `${s.label}, seed ${p.run.seed}${p.run.complete ? "" : ", " + p.run.state}`, xs: p.xs, ys: p.ys, width: mode === "seeds" ? 1.3 : 1.1,
        alpha: p.run.complete ? 0.9 : 0.65, crosses: diverged ? [[p.xs[end], p.ys[end]]] : [], well: p.run.complete, say: (i) => [["step", String(p.steps[i])]] });
    }
  }
  return out;
}

// rangesOf are what the axes must show: means and bands, and of runs that did not end well what
// is not far beyond. Of accuracies, what comes after a tenth of the way is enough, if the start
// would squeeze it into less than half of the height.
function rangesOf(curves, x, y) {
  const range = () => ({ lo: Infinity, hi: -Infinity, add(v) { this.lo = Math.min(this.lo, v); this.hi = Math.max(this.hi, v); }, get some() { return this.lo <= this.hi; } });
  const xr = range(), all = range(), later = range(), single = range();
  for (const c of curves) {
    for (const v of c.xs) if (shows(x.log, v)) xr.add(v);
    for (const t of c.thin || []) for (const v of t.xs) if (shows(x.log, v)) xr.add(v);
  }
  const start = x.log ? xr.lo : xr.lo + (xr.hi - xr.lo) / 10;
  for (const c of curves) {
    for (let i = 0; i < c.xs.length; i++) {
      for (const v of c.lo ? [c.ys[i], c.lo[i], c.hi[i]] : [c.ys[i]]) {
        if (!shows(y.log, v)) continue;
        (c.well ? all : single).add(v);
        if (c.xs[i] > start) later.add(v);
      }
    }
  }
  if (!all.some) Object.assign(all, { lo: single.lo, hi: single.hi });
  else if (single.some && y.log) {
    const room = Math.max(10, all.hi / all.lo) ** (1 / 3);
    all.add(Math.max(single.lo, all.lo / room)); all.add(Math.min(single.hi, all.hi * room));
  } else if (single.some) {
    const room = (all.hi - all.lo) / 2;
    all.add(Math.max(single.lo, all.lo - room)); all.add(Math.min(single.hi, all.hi + room));
  }
  if (y.cut && later.hi > later.lo && later.hi - later.lo < (all.hi - all.lo) / 2) return [[xr.lo, xr.hi], [later.lo, later.hi]];
  return [[xr.lo, xr.hi], [all.lo, all.hi]];
}

// spread is how many times as far the longest curve goes as the shortest.
function spread(curves) {
  const ends = curves.filter((c) => c.xs.length).map((c) => c.xs[c.xs.length - 1]).filter((v) => v > 0);
  return ends.length ? Math.max(...ends) / Math.min(...ends) : 1;
}

// edges counts the values that a log axis has no place for.
function edges(curves, x, y) {
  let zero = 0, infinite = 0;
  for (const c of curves) {
    for (const v of c.ys) {
      if (y.log && v <= leastLog) zero++;
      if (v === Infinity || (v === -Infinity && !y.log)) infinite++;
    }
  }
  const parts = [];
  if (zero) parts.push(`▼ ${zero} values of ${y.label} are 0 or less, for which a log axis has no place: they stand at its lower edge`);
  if (infinite) parts.push(`▲ ${infinite} values of ${y.label} are infinite: they stand at the edge`);
  return parts;
}

function option(value, text, chosen) { return el("option", { value, selected: value === chosen }, text); }
function choice(name, label, list, chosen, changed) {
  return el("label", { class: "field" }, el("span", {}, label), el("select", { name, onchange: (e) => changed(e.target.value) }, list.map((q) => option(q.name, q.label.replace(/ \[.*/, ""), chosen))));
}
function check(name, label, on, changed) {
  return el("label", { class: "check" }, el("input", { type: "checkbox", name, checked: on, onchange: (e) => changed(e.target.checked) }), label);
}

// Explorer is the curves of a section with their controls and legend.
class Explorer {
  constructor(doc, section, state, changed) {
    Object.assign(this, { doc, section, state, changed, charts: [] });
    this.controls = el("div", { class: "controls" });
    this.grid = el("div", { class: "pair" });
    this.list = el("ul", { class: "legend", "aria-label": "Curves" });
    this.notes = el("div", { class: "notes" });
    this.node = el("section", { class: "card", id: "curves-" + section.dataset }, el("h3", {}, "Curves"), this.controls, this.grid, this.list, this.notes);
  }

  start() { this.buildControls(); this.update(); }

  x() { return this.section.x.find((q) => q.name === this.state.x); }
  ys() { return this.state.y.map((name) => this.section.y.find((q) => q.name === name)).filter(Boolean); }

  buildControls() {
    const { section, state } = this;
    if (!section.x.length || !section.y.length) return;
    const update = () => this.update();
    const parts = [choice("x", "Horizontal", section.x, state.x, (v) => { state.x = v; state.logX = null; update(); })];
    this.logX = check("log-x", "log", false, (on) => { state.logX = on; update(); });
    parts.push(this.logX);
    this.logY = [];
    this.ys().forEach((y, i) => {
      parts.push(choice("y" + (i + 1), this.ys().length > 1 ? ["Left", "Right"][i] : "Vertical", section.y, y.name, (v) => { state.y[i] = v; state.logY[i] = null; update(); }));
      this.logY.push(check(`log-y${i + 1}`, "log", false, (on) => { state.logY[i] = on; update(); }));
      parts.push(this.logY[i]);
    });
    const mode = (value, label) => el("label", { class: "check" }, el("input", { type: "radio", name: "mode-" + section.dataset, value, checked: state.mode === value, onchange: () => { state.mode = value; update(); } }), label);
    parts.push(el("span", { class: "choice", role: "radiogroup", "aria-label": "What lines are" }, mode("mean", "mean and interval"), mode("seeds", "every seed")));
    parts.push(el("button", { type: "button", class: "reset", title: "Show all again (double click on the figure, or key 0)", onclick: () => this.charts.forEach((c) => c.reset()) }, "Reset zoom"));
    parts.push(downloads(() => `${section.dataset}_${this.ys().map((y) => y.name).join("_")}_vs_${state.x}`, () => this.file()));
    const sliders = this.sliders();
    this.controls.replaceChildren(...parts, ...(sliders ? [sliders] : []));
  }

  // sliders choose values of swept settings.
  sliders() {
    const { section, state } = this;
    const rows = section.swept.map((w) => {
      const at = state.sweep[w.key] === undefined ? 0 : w.values.indexOf(state.sweep[w.key]) + 1;
      const text = (i) => (i === 0 ? "any" : w.values[i - 1]);
      const output = el("output", {}, text(at));
      const slider = el("input", { type: "range", min: "0", max: String(w.values.length), step: "1", value: String(at), name: "sweep-" + w.key, "aria-label": w.key, "aria-valuetext": text(at) });
      slider.addEventListener("input", () => {
        const i = Number(slider.value);
        output.textContent = plain(text(i));
        slider.setAttribute("aria-valuetext", plain(text(i)));
        if (i === 0) delete state.sweep[w.key]; else state.sweep[w.key] = w.values[i - 1];
        this.update();
        this.changed();
      });
      return el("label", { class: "slider", title: w.key }, el("bdi", {}, w.short), slider, output);
    });
    if (section.series.length > many && section.series.some((s) => !s.best)) rows.push(check("all", `all ${section.series.length} settings`, state.all, (on) => { state.all = on; this.update(); this.changed(); }));
    return rows.length ? el("div", { class: "sliders" }, rows) : null;
  }

  update() {
    const { doc, section, state } = this;
    if (!section.x.length || !section.y.length) {
      this.notes.replaceChildren(el("p", { class: "empty" }, "No run has been evaluated yet: there is nothing to draw."));
      return;
    }
    const base = this.x();
    const shown = visible(section, state);
    const remarks = [];
    const specs = this.ys().map((y, i) => {
      const logY = state.logY[i] === null ? y.log : state.logY[i];
      const curves = curvesOf(doc, section, shown, base, y, state.mode);
      return { y: { ...y, log: logY }, curves };
    });
    const logX = state.logX === null ? base.log || (base.spent && specs.some((s) => spread(s.curves) > muchLonger)) : state.logX;
    specs.forEach((s, i) => {
      const x = { ...base, log: logX };
      const [xRange, yRange] = rangesOf(s.curves, x, s.y);
      remarks.push(...edges(s.curves, x, s.y));
      const spec = {
        name: `${s.y.label} against ${base.label}`, aria: `Figure: ${s.y.label} against ${base.label}. Arrow keys go along curves, + and - zoom, 0 shows all.`,
        x: { ...x, range: xRange, pad: logX ? [0.04, 0.02] : [0, 0.02] }, y: { ...s.y, range: yRange }, curves: s.curves, zoomed: (from) => this.together(from),
      };
      const same = this.charts[i] && this.charts[i].spec.x.name === x.name && this.charts[i].spec.x.log === x.log && this.charts[i].spec.y.name === s.y.name && this.charts[i].spec.y.log === s.y.log;
      if (this.charts[i]) this.charts[i].set(spec, same);
      else {
        const host = el("div", { class: "host" });
        this.grid.append(host);
        this.charts[i] = new Chart(host, spec);
      }
    });
    this.grid.classList.toggle("one", specs.length === 1);
    this.logX.querySelector("input").checked = logX;
    specs.forEach((s, i) => { this.logY[i].querySelector("input").checked = s.y.log; });
    legend(this.list, this.entries(), state.hidden, () => { this.update(); this.changed(); });
    this.notes.replaceChildren(...this.remarks(shown).concat(remarks).map((text) => el("p", {}, text)));
    if (section.timing && base.name === "wall") this.notes.prepend(el("p", { class: "alert" }, section.timing));
  }

  // together gives both figures the same part of their common axis.
  together(from) {
    for (const chart of this.charts) {
      if (chart === from) continue;
      const x = from.zoom ? from.zoom[0] : null, mine = chart.zoom ? chart.zoom[0] : null;
      if (String(x) === String(mine)) continue;
      chart.zoom = x ? [x, chart.zoom ? chart.zoom[1] : null] : null;
      chart.apply();
    }
  }

  entries() {
    const { doc, section, state } = this;
    return candidates(section, state).map((s) => {
      const well = s.runs.filter((r) => r.complete).length;
      return { key: s.label, label: s.label, color: colorOf(doc, s.style), paper: doc.styles[s.style].light, dash: dashOf(doc, s.style), note: well === s.runs.length ? `n = ${well}` : `${well}/${s.runs.length} ended well` };
    });
  }

  remarks(shown) {
    const { section, state } = this;
    const out = [];
    const ns = [...new Set(shown.map((s) => s.runs.filter((r) => r.complete).length))].filter((n) => n > 1);
    if (state.mode === "mean" && ns.length) {
      const bands = [];
      if (ns.some((n) => n < 4)) bands.push("the least and the largest of less than four seeds");
      if (ns.some((n) => n >= 4)) bands.push("the 95 % bootstrap interval of the mean of more");
      out.push(`Lines are means over the seeds that ended well, bands ${bands.join(", ")}. A value holds until the next evaluation.`);
    } else if (shown.length) out.push("Every line is one run. A value holds until the next evaluation.");
    const bad = shown.flatMap((s) => s.runs).filter((r) => !r.complete);
    if (bad.length) out.push(`${bad.length} ${bad.length === 1 ? "run" : "runs"} did not end well and ${bad.length === 1 ? "is" : "are"} in no mean: ${count(bad.map((r) => r.state))}. They are thin lines${bad.some((r) => r.state === "diverged") ? ", with × where they diverged" : ""}${bad.some((r) => r.state === "damaged") ? "; damaged logs are not drawn" : ""}.`);
    const all = candidates(section, state);
    if (all.length < section.series.length) out.push(`${all.length} of ${section.series.length} settings${Object.keys(state.sweep).length ? ", as the sliders choose" : `: of each method the one with the least final ${section.chooser.replace("_", " ")}; sliders choose others`}.`);
    return out;
  }

  file() {
    const entries = this.entries().filter((e) => !this.state.hidden.has(e.key)).map((e) => ({ ...e, color: e.paper, label: `${e.label} (${e.note})` }));
    return svgOf(this.charts, { title: this.section.dataset, legend: entries, caption: [...this.notes.children].map((p) => p.textContent) });
  }
}

// count says how often each of some words is there.
function count(words) {
  const n = new Map();
  for (const w of words) n.set(w, (n.get(w) || 0) + 1);
  return [...n].map(([w, k]) => `${k} ${w}`).join(", ");
}
