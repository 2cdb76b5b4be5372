// A chart is a panel of curves that uPlot draws: its axes, lines and zoom. A curve has xs and
// ys, perhaps a band from lo to hi, a color, a dash, and crosses where runs diverged. What a
// log axis has no place for stands at the edge beyond which it lies, with a triangle.

const charts = new Set();

class Chart {
  constructor(host, spec) {
    Object.assign(this, { host, spec, zoom: null, hot: -1, u: null });
    this.frame = el("div", { class: "plot", tabindex: "0", role: "group" });
    host.append(this.frame);
    charts.add(this);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(host);
    listen(this);
    this.draw();
  }

  destroy() {
    this.observer.disconnect();
    if (this.u) this.u.destroy();
    this.frame.remove();
    charts.delete(this);
  }

  // set replaces parts of what is shown; the zoom stays unless axes change.
  set(spec, keepZoom) {
    Object.assign(this.spec, spec);
    if (!keepZoom) this.zoom = null;
    this.hot = -1;
    this.draw();
  }

  size() {
    return { width: Math.max(220, Math.floor(this.host.clientWidth)), height: this.spec.height || (narrow() ? 260 : 340) };
  }

  resize() {
    const size = this.size();
    if (this.u && (this.u.width !== size.width || this.u.height !== size.height)) this.u.setSize(size);
  }

  // reset shows all again.
  reset() {
    this.zoom = null;
    this.apply();
  }

  apply() {
    const [x, y] = this.view();
    this.u.batch(() => {
      this.u.setScale("x", { min: x[0], max: x[1] });
      this.u.setScale("y", { min: y[0], max: y[1] });
    });
    if (this.spec.zoomed) this.spec.zoomed(this);
  }

  // view are the ends of both axes.
  view() {
    const { x, y } = this.spec;
    const all = [padded(x.range, x.log, x.pad || [0.02, 0.02]), padded(y.range, y.log, y.pad || [0.04, 0.04])];
    return this.zoom ? [this.zoom[0] || all[0], this.zoom[1] || all[1]] : all;
  }

  // zoomBy makes the part that is shown smaller about its middle, or larger.
  zoomBy(factor) {
    const [x, y] = this.view();
    const scaled = ([lo, hi], log) => {
      const f = log ? Math.log10 : (v) => v, g = log ? (v) => 10 ** v : (v) => v;
      const middle = (f(lo) + f(hi)) / 2, half = ((f(hi) - f(lo)) / 2) * factor;
      return [g(middle - half), g(middle + half)];
    };
    this.zoom = [scaled(x, this.spec.x.log), scaled(y, this.spec.y.log)];
    this.apply();
  }

  draw() {
    if (this.u) this.u.destroy();
    const { spec } = this;
    const drawn = spec.curves.length ? spec.curves : [{ label: "", color: "#000000", xs: [], ys: [] }]; // uPlot takes its axes from a series
    this.frame.setAttribute("aria-label", plain(spec.aria || spec.name));
    const [xView, yView] = this.view();
    const ink = css("--ink-soft"), line = css("--line");
    const font = (narrow() ? "11px " : "12px ") + css("--font");
    const axis = (of, scale, side, size) => ({
      scale, side, size, stroke: ink, font, labelFont: "600 " + font, label: of.label, labelSize: side === 2 ? 22 : 20, labelGap: 0, gap: 4,
      grid: { stroke: line, width: 1, filter: (u, splits) => splits.map((v, i) => (u[scale + "Ticks"][i].label ? v : null)) }, ticks: { stroke: line, width: 1, size: 5 },
      splits: (u, i, lo, hi) => { const t = ticksOf(of, lo, hi); u[scale + "Ticks"] = t; return t.map((v) => v.value); },
      filter: (u, splits) => splits,
      values: (u) => u[scale + "Ticks"].map((t) => (side === 3 && t.label.length > 24 ? t.label.slice(0, 23) + "…" : t.label)),
    });
    const labels = Math.max(...ticksOf(spec.y, ...yView).map((t) => Math.min(24, t.label.length)), 2);
    const opts = {
      mode: 2, ...this.size(), pxAlign: false, legend: { show: false },
      padding: [10, 14, 0, 0],
      cursor: { drag: { x: true, y: true, uni: 30, dist: 6, setScale: false }, points: { show: false }, bind: { dblclick: () => () => { this.reset(); return null; } }, y: !spec.rows },
      scales: {
        x: { time: false, distr: spec.x.log ? 3 : 1, range: () => this.view()[0] },
        y: { distr: spec.y.log ? 3 : 1, range: () => this.view()[1] },
      },
      axes: [axis(spec.x, "x", 2, 30), axis(spec.y, "y", 3, 12 + 7 * labels)],
      series: [null, ...drawn.map((c, i) => ({
        label: c.label, auto: false, facets: [{ scale: "x", auto: false }, { scale: "y", auto: false }],
        stroke: c.color, width: (c.width || 2), dash: c.dash && c.dash.length ? c.dash.map((d) => d * 1.3) : undefined,
        fill: c.fill || fade(c.color, 0.16), points: { show: false }, pxAlign: 0, alpha: spec.curves.length ? this.alpha(i) : 1,
        paths: (u) => pathsOf(u, c, spec),
      }))],
      hooks: {
        draw: [(u) => drawMarks(u, this)],
        setSelect: [(u) => {
          const { left, top, width, height } = u.select;
          if (width < 6 && height < 6) return;
          const [x, y] = this.view();
          this.zoom = [
            width > 5 ? [u.posToVal(left, "x"), u.posToVal(left + width, "x")] : x,
            height > 5 ? [u.posToVal(top + height, "y"), u.posToVal(top, "y")] : y,
          ];
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          this.apply();
        }],
      },
    };
    this.u = new uPlot(opts, [null, ...drawn.map((c) => [c.xs, c.ys])], this.frame);
    hover(this);
  }

  alpha(i) {
    const base = this.spec.curves[i].alpha || 1;
    if (this.hot < 0 || this.hot === i) return base;
    return base * (this.spec.curves[this.hot].group !== undefined && this.spec.curves[this.hot].group === this.spec.curves[i].group ? 0.8 : 0.25);
  }

  // light makes one curve stand out, -1 for none.
  light(i) {
    if (this.hot === i || this.spec.curves.length < 2) { this.hot = i; return; }
    this.hot = i;
    this.spec.curves.forEach((c, j) => { this.u.series[j + 1].alpha = this.alpha(j); });
    this.u.redraw(false, false);
  }
}

// fade makes a color of the form #RRGGBB transparent.
function fade(color, alpha) {
  const n = parseInt(color.slice(1), 16);
  return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${alpha})`;
}

// places returns functions from values to pixels of a chart: what a log axis cannot show, and
// what is infinite, is at an edge; NaN for what is no number.
function places(u, spec) {
  const of = (key, log) => {
    const { min, max } = u.scales[key];
    const lo = u.valToPos(min, key, true), hi = u.valToPos(max, key, true);
    if (log) {
      const from = Math.log10(min), rate = (hi - lo) / (Math.log10(max) - from);
      return (v) => (Number.isNaN(v) ? NaN : v <= leastLog ? lo : v === Infinity ? hi : lo + (Math.log10(v) - from) * rate);
    }
    const rate = (hi - lo) / (max - min);
    return (v) => (v === Infinity ? hi : v === -Infinity ? lo : lo + (v - min) * rate);
  };
  return [of("x", spec.x.log), of("y", spec.y.log)];
}

// trace goes along a curve: straight from point to point or, as values hold until the next
// evaluation, in steps. Where there is no number, the line has a gap.
function trace(path, xs, ys, px, py, straight) {
  let down = false, before = 0;
  for (let i = 0; i < xs.length; i++) {
    const x = px(xs[i]), y = py(ys[i]);
    if (Number.isNaN(x) || Number.isNaN(y)) { down = false; continue; }
    if (!down) path.moveTo(x, y);
    else {
      if (!straight) path.lineTo(x, before);
      path.lineTo(x, y);
    }
    down = true;
    before = y;
  }
}

function band(path, xs, lo, hi, px, py, straight) {
  const upper = [], lower = [];
  for (let i = 0; i < xs.length; i++) {
    const x = px(xs[i]), a = py(lo[i]), b = py(hi[i]);
    if (Number.isNaN(x) || Number.isNaN(a) || Number.isNaN(b)) continue;
    if (!straight && upper.length) {
      upper.push([x, upper[upper.length - 1][1]]);
      lower.push([x, lower[lower.length - 1][1]]);
    }
    upper.push([x, b]);
    lower.push([x, a]);
  }
  if (!upper.length) return;
  path.moveTo(...upper[0]);
  for (const p of upper) path.lineTo(...p);
  for (const p of lower.reverse()) path.lineTo(...p);
  path.closePath();
}

function pathsOf(u, c, spec) {
  const [px, py] = places(u, spec);
  const stroke = new Path2D();
  let fill = null;
  if (c.lo && !c.bars) {
    fill = new Path2D();
    band(fill, c.xs, c.lo, c.hi, px, py, c.straight);
  } else if (c.area) {
    fill = new Path2D();
    band(fill, c.xs, c.ys.map(() => u.scales.y.min), c.ys, px, py, false);
  }
  if (!c.scatter) trace(stroke, c.xs, c.ys, px, py, c.straight);
  for (const line of c.thin || []) trace(stroke, line.xs, line.ys, px, py, c.straight);
  return { stroke, fill, clip: null, flags: 1 };
}

// marksOf lists the marks of a curve, in pixels: crosses where runs diverged, points, bars, and
// triangles at edges.
function marksOf(c, spec, px, py, box) {
  const marks = [];
  for (const [x, y] of c.crosses || []) marks.push({ kind: "cross", x: px(x), y: clamp(py(y), box.top, box.bottom) });
  const few = !c.bare && (c.scatter || c.points || c.xs.length === 1);
  let last = -Infinity;
  for (let i = 0; i < c.xs.length; i++) {
    const x = px(c.xs[i]), v = c.ys[i];
    if (Number.isNaN(v) || Number.isNaN(x)) continue;
    if (c.bars && c.lo) marks.push({ kind: "bar", x, y: py(c.lo[i]), to: py(c.hi[i]) });
    if (c.xs[i] === Infinity) marks.push({ kind: "right", x: box.right, y: py(v) });
    else if ((spec.y.log && v <= leastLog) || v === -Infinity) {
      if (x - last > 9) { marks.push({ kind: "down", x, y: box.bottom }); last = x; }
    } else if (v === Infinity) marks.push({ kind: "up", x, y: box.top });
    else if (few) marks.push({ kind: (c.hollow && c.hollow[i]) ? "ring" : "point", x, y: py(v) });
  }
  return marks;
}
const clamp = (v, lo, hi) => Math.min(Math.max(v, lo), hi);

function drawMarks(u, chart) {
  const { ctx, bbox } = u;
  const box = { left: bbox.left, top: bbox.top, right: bbox.left + bbox.width, bottom: bbox.top + bbox.height };
  const [px, py] = places(u, chart.spec);
  const r = 4 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left - r, box.top - r, bbox.width + 2 * r, bbox.height + 2 * r);
  ctx.clip();
  ctx.lineWidth = 1.6 * devicePixelRatio;
  chart.spec.curves.forEach((c, i) => {
    ctx.globalAlpha = chart.alpha(i);
    ctx.strokeStyle = ctx.fillStyle = c.color;
    for (const m of marksOf(c, chart.spec, px, py, box)) {
      if (m.x < box.left - 1 || m.x > box.right + 1) continue;
      ctx.beginPath();
      switch (m.kind) {
        case "cross":
          ctx.moveTo(m.x - r, m.y - r); ctx.lineTo(m.x + r, m.y + r); ctx.moveTo(m.x - r, m.y + r); ctx.lineTo(m.x + r, m.y - r); ctx.stroke(); break;
        case "bar": ctx.moveTo(m.x, m.y); ctx.lineTo(m.x, m.to); ctx.stroke(); break;
        case "point": ctx.arc(m.x, m.y, r * 0.85, 0, 7); ctx.fill(); break;
        case "ring": ctx.arc(m.x, m.y, r * 0.85, 0, 7); ctx.stroke(); break;
        case "right": ctx.moveTo(m.x - r, m.y - r); ctx.lineTo(m.x + r * 0.4, m.y); ctx.lineTo(m.x - r, m.y + r); ctx.closePath(); ctx.stroke(); break;
        default: {
          const s = m.kind === "down" ? 1 : -1;
          ctx.moveTo(m.x - r, m.y - s * 1.6 * r); ctx.lineTo(m.x + r, m.y - s * 1.6 * r); ctx.lineTo(m.x, m.y); ctx.closePath(); ctx.fill();
        }
      }
    }
  });
  ctx.restore();
}
