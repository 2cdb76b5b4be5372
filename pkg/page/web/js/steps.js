// What was logged of single steps: a panel for each quantity, and why inner solves ended.

class Steps {
  constructor(doc, section, state) {
    Object.assign(this, { doc, section, state, charts: [] });
    this.grid = el("div", { class: "panels" });
    this.controls = el("div", { class: "controls" });
    this.stops = el("div", { class: "stops" });
    this.node = el("section", { class: "card", id: "steps-" + section.dataset }, el("h3", {}, "Steps"), this.controls, this.grid, this.stops);
  }

  start() {
    const { section, state } = this;
    this.controls.replaceChildren(choice("step-x", "Horizontal", section.stepX, state.stepX, (v) => { state.stepX = v; this.update(); }),
      el("p", { class: "notes" }, "Every line is one run. The legend of the curves hides these lines too."));
    this.update();
  }

  curves(y) {
    const { doc, section, state } = this;
    const x = section.stepX.find((q) => q.name === state.stepX);
    const out = [];
    for (const s of visible(section, state)) {
      for (const run of s.runs.filter(sound)) {
        if (!run.steps) continue;
        const xs = column(section, run.steps, x), ys = column(section, run.steps, y);
        if (!xs || !ys || !ys.some((v) => !Number.isNaN(v))) continue;
        const alone = s.runs.length === 1;
        out.push({ label: alone ? s.label : `${s.label}, seed ${run.seed}`, xs, ys, straight: true, color: colorOf(doc, s.style), paper: doc.styles[s.style].light, dash: dashOf(doc, s.style), width: 1.2, alpha: alone ? 1 : 0.75, group: s.index, well: true });
      }
    }
    return out;
  }

  update() {
    const { section, state } = this;
    const base = section.stepX.find((q) => q.name === state.stepX);
    section.stepY.forEach((y, i) => {
      const curves = this.curves(y);
      const log = y.log && curves.some((c) => c.ys.some((v) => v > leastLog));
      const x = { ...base, log: base.spent && spread(curves) > muchLonger };
      const [xRange, yRange] = rangesOf(curves, x, y.log ? { ...y, log } : y);
      const spec = { name: y.label, aria: `Figure: ${y.label} against ${base.label}`, height: narrow() ? 210 : 230, x: { ...x, range: xRange, pad: [0.02, 0.02] }, y: { ...y, log, range: yRange }, curves };
      if (this.charts[i]) this.charts[i].set(spec, true);
      else {
        const host = el("div", { class: "host" });
        const panel = el("div", { class: "panel" }, host, downloads(() => `${section.dataset}_${y.name}_vs_${state.stepX}`, () => svgOf([this.charts[i]], { title: section.dataset, legend: this.legend(curves) })));
        this.grid.append(panel);
        this.charts[i] = new Chart(host, spec);
      }
    });
    this.updateStops();
  }

  legend() {
    const { doc, section, state } = this;
    return visible(section, state).map((s) => ({ label: s.label, color: doc.styles[s.style].light, dash: dashOf(doc, s.style) }));
  }

  // counts are, for each series that is shown, how many inner solves ended for each reason.
  counts() {
    const { section, state } = this;
    const reasons = [], rows = [];
    for (const s of visible(section, state)) {
      const n = new Map();
      for (const run of s.runs) for (const [reason, k] of Object.entries(run.stops || {})) n.set(reason, (n.get(reason) || 0) + k);
      const total = [...n.values()].reduce((a, b) => a + b, 0);
      for (const reason of n.keys()) if (!reasons.includes(reason)) reasons.push(reason);
      if (total) rows.push({ s, n, total });
    }
    return { reasons, rows };
  }

  updateStops() {
    const { reasons, rows } = this.counts();
    if (!rows.length || (reasons.length === 1 && reasons[0] === "")) { this.stops.replaceChildren(); return; }
    const text = (reason) => reason || "no inner solve";
    this.stops.replaceChildren(
      el("h4", {}, "Why inner solves ended"),
      ...rows.map(({ s, n, total }) => el("div", { class: "stop" }, el("bdi", {}, s.label),
        bar(reasons.map((r) => ({ share: (n.get(r) || 0) / total, text: `${text(r)}: ${n.get(r) || 0} of ${total}`, fill: fillOf(this.doc, reasons.indexOf(r)) }))))),
      el("ul", { class: "key" }, reasons.map((r, i) => { const box = el("i", {}); box.style.background = fillOf(this.doc, i); return el("li", {}, box, text(r)); })),
      downloads(() => `${this.section.dataset}_stop_reasons`, () => this.file()));
  }

  file() {
    const { reasons, rows } = this.counts(), out = [];
    const text = (r) => r || "no inner solve";
    rows.forEach(({ s, n, total }, i) => {
      let x = 240;
      out.push(`<text x="230" y="${44 + 26 * i}" text-anchor="end">${xml(s.label)}</text>`);
      reasons.forEach((r, j) => { const w = 420 * (n.get(r) || 0) / total; out.push(`<rect x="${round(x)}" y="${30 + 26 * i}" width="${round(w)}" height="20" fill="${this.doc.styles[j % 7].light}"/>`); x += w; });
    });
    const y = 44 + 26 * rows.length;
    reasons.forEach((r, j) => out.push(`<rect x="${20 + 160 * (j % 4)}" y="${y + 20 * Math.floor(j / 4)}" width="12" height="12" fill="${this.doc.styles[j % 7].light}"/><text x="${38 + 160 * (j % 4)}" y="${y + 10 + 20 * Math.floor(j / 4)}">${xml(text(r))}</text>`));
    const height = y + 20 * Math.ceil(reasons.length / 4) + 10;
    return { width: 680, height, text: `<svg xmlns="http://www.w3.org/2000/svg" width="680" height="${height}" font-family="Helvetica, Arial, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="20" y="18" font-weight="600">Why inner solves ended</text>${out.join("")}</svg>\n` };
  }
}

const fillOf = (doc, i) => colorOf(doc, i % 7);

function bar(parts) {
  return el("div", { class: "bar" }, parts.filter((p) => p.share > 0).map((p) => {
    const piece = el("span", { title: p.text, tabindex: "0", role: "img", "aria-label": p.text });
    piece.style.flexGrow = p.share;
    piece.style.background = p.fill;
    return piece;
  }));
}
