// What a chart says of the point under the mouse, or of the one that the arrow keys went to.

// nearest is the last place in sorted xs with a value not above x, or the closest one.
function nearest(xs, x, closest) {
  let lo = 0, hi = xs.length - 1;
  if (hi < 0) return -1;
  while (lo < hi) {
    const middle = (lo + hi + 1) >> 1;
    if (xs[middle] <= x) lo = middle; else hi = middle - 1;
  }
  if (closest && lo + 1 < xs.length && Math.abs(xs[lo + 1] - x) < Math.abs(xs[lo] - x)) return lo + 1;
  return lo;
}

// find returns the curve and point closest to a place in the plot, in pixels of the screen.
function find(chart, left, top) {
  const { u, spec } = chart;
  const [px, py] = placesOnScreen(chart);
  const x = u.posToVal(left, "x");
  let best = null;
  spec.curves.forEach((c, i) => {
    const candidates = [];
    if (c.unsorted) for (let j = 0; j < c.xs.length; j++) candidates.push(j);
    else {
      const j = nearest(c.xs, x, false);
      for (const k of [j - 1, j, j + 1]) if (k >= 0 && k < c.xs.length) candidates.push(k);
    }
    for (const j of candidates) {
      const dx = px(c.xs[j]) - left, dy = py(c.ys[j]) - top;
      let distance = Math.hypot(dx, dy);
      // On a line that holds its value, the distance to the line counts.
      if (!c.scatter && j + 1 < c.xs.length && px(c.xs[j]) <= left && left <= px(c.xs[j + 1])) distance = Math.min(distance, Math.abs(dy) + 2);
      if (!Number.isNaN(distance) && (!best || distance < best.distance)) best = { curve: i, point: j, distance };
    }
  });
  return best && best.distance < 60 ? best : null;
}

function placesOnScreen(chart) {
  const { u, spec } = chart;
  const ratio = devicePixelRatio, [px, py] = places(u, spec);
  return [(v) => (px(v) - u.bbox.left) / ratio, (v) => (py(v) - u.bbox.top) / ratio];
}

function hover(chart) {
  const over = chart.u.over;
  chart.dot = el("div", { class: "dot", hidden: true });
  chart.tip = el("div", { class: "tip", hidden: true, role: "status" });
  over.append(chart.dot, chart.tip);
  over.addEventListener("mousemove", (e) => {
    const box = over.getBoundingClientRect();
    show(chart, find(chart, e.clientX - box.left, e.clientY - box.top));
  });
  over.addEventListener("mouseleave", () => show(chart, null));
}

// show says what is at a point of a curve.
function show(chart, at) {
  chart.at = at;
  chart.dot.hidden = chart.tip.hidden = !at;
  if (!at) { chart.light(-1); return; }
  const { spec, u } = chart;
  const c = spec.curves[at.curve], i = at.point;
  chart.light(at.curve);
  const [px, py] = placesOnScreen(chart);
  const width = u.over.clientWidth, height = u.over.clientHeight;
  const x = clamp(px(c.xs[i]), 0, width), y = clamp(py(c.ys[i]), 0, height);
  chart.dot.style.left = x + "px";
  chart.dot.style.top = y + "px";
  chart.dot.style.background = c.color;
  const name = (axis) => (axis.label || "").replace(/ \[.*/, "");
  const rows = [[name(spec.x), spec.xText ? spec.xText(c, i) : exact(c.xs[i])]];
  if (!spec.rows) rows.push([name(spec.y), exact(c.ys[i])]);
  if (c.lo && !c.bare && c.lo[i] !== c.hi[i]) rows.push([c.bandName || "from, to", `${short(c.lo[i])}, ${short(c.hi[i])}`]);
  for (const extra of (c.say ? c.say(i) : [])) rows.push(extra);
  chart.tip.replaceChildren(el("strong", {}, c.label), ...rows.map(([k, v]) => el("div", {}, el("span", {}, k), " ", el("b", {}, v))));
  chart.tip.style.left = chart.tip.style.right = "";
  if (x > width / 2) chart.tip.style.right = width - x + 12 + "px"; else chart.tip.style.left = x + 12 + "px";
  chart.tip.style.top = clamp(y - 20, 0, Math.max(0, height - chart.tip.offsetHeight)) + "px";
}

// listen has the keys: arrows go along a curve and from curve to curve, + and - zoom, 0 shows
// all, Escape ends.
function listen(chart) {
  chart.frame.addEventListener("keydown", (e) => {
    const n = chart.spec.curves.length;
    const at = chart.at || { curve: 0, point: -1 };
    const points = (i) => chart.spec.curves[i].xs.length;
    const go = (curve, point) => { if (points(curve)) show(chart, { curve, point: clamp(point, 0, points(curve) - 1) }); };
    switch (e.key) {
      case "ArrowRight": if (n) go(at.curve, at.point + (e.shiftKey ? 10 : 1)); break;
      case "ArrowLeft": if (n) go(at.curve, at.point - (e.shiftKey ? 10 : 1)); break;
      case "ArrowDown": case "ArrowUp": {
        if (!n) break;
        const curve = (at.curve + (e.key === "ArrowDown" ? 1 : n - 1)) % n;
        const x = at.point >= 0 ? chart.spec.curves[at.curve].xs[at.point] : -Infinity;
        go(curve, nearest(chart.spec.curves[curve].xs, x, true));
        break;
      }
      case "+": case "=": chart.zoomBy(0.6); break;
      case "-": chart.zoomBy(1 / 0.6); break;
      case "0": chart.reset(); break;
      case "Escape": show(chart, null); break;
      default: return;
    }
    e.preventDefault();
  });
}
