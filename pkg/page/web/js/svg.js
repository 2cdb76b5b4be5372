// Figures as files: SVG made of what charts show, zoom and all, on white; and PNG drawn from it.

const xml = (text) => plain(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const measure = document.createElement("canvas").getContext("2d");
const fontOf = (size, bold) => `${bold ? "600 " : ""}${size}px Helvetica, Arial, sans-serif`;
function widthOf(text, size, bold) {
  measure.font = fontOf(size, bold);
  return measure.measureText(plain(text)).width;
}

// wrapped cuts a text into lines of a width.
function wrapped(text, size, width) {
  const lines = [""];
  for (const word of plain(text).split(/\s+/)) {
    const longer = (lines[lines.length - 1] + " " + word).trim();
    if (widthOf(longer, size) > width && lines[lines.length - 1]) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

// Path2D as the text of an SVG path.
class PathText {
  constructor() { this.parts = []; }
  moveTo(x, y) { this.parts.push(`M${round(x)} ${round(y)}`); }
  lineTo(x, y) { this.parts.push(`L${round(x)} ${round(y)}`); }
  closePath() { this.parts.push("Z"); }
  toString() { return this.parts.join(""); }
}
const round = (v) => Math.round(clamp(v, -1e5, 1e5) * 100) / 100;

// placesIn maps values to a box, as places does to a canvas.
function placesIn(spec, [x, y], box) {
  const of = ([min, max], log, lo, hi) => {
    const f = log ? Math.log10 : (v) => v;
    return (v) => (Number.isNaN(v) ? NaN : v === Infinity ? hi : (log ? v <= leastLog : v === -Infinity) ? lo : lo + ((f(v) - f(min)) / (f(max) - f(min))) * (hi - lo));
  };
  return [of(x, spec.x.log, box.left, box.right), of(y, spec.y.log, box.bottom, box.top)];
}

function markText(m, color) {
  const r = 4, { x, y } = m, pen = `stroke="${color}" stroke-width="1.5" fill="none"`;
  const d = (text) => round(text);
  switch (m.kind) {
    case "cross": return `<path d="M${d(x - r)} ${d(y - r)}L${d(x + r)} ${d(y + r)}M${d(x - r)} ${d(y + r)}L${d(x + r)} ${d(y - r)}" ${pen}/>`;
    case "bar": return `<path d="M${d(x)} ${d(y)}V${d(m.to)}" ${pen}/>`;
    case "point": return `<circle cx="${d(x)}" cy="${d(y)}" r="3.4" fill="${color}"/>`;
    case "ring": return `<circle cx="${d(x)}" cy="${d(y)}" r="3.4" ${pen}/>`;
    case "right": return `<path d="M${d(x - r)} ${d(y - r)}L${d(x + 2)} ${d(y)}L${d(x - r)} ${d(y + r)}Z" ${pen}/>`;
  }
  const s = m.kind === "down" ? 1 : -1;
  return `<path d="M${d(x - r)} ${d(y - s * 6)}H${d(x + r)}L${d(x)} ${d(y)}Z" fill="${color}"/>`;
}

function panelText(chart, box, id) {
  const { spec } = chart, view = chart.view();
  const [px, py] = placesIn(spec, view, box);
  const out = [`<clipPath id="${id}"><rect x="${box.left}" y="${box.top}" width="${box.right - box.left}" height="${box.bottom - box.top}"/></clipPath>`];
  for (const t of ticksOf(spec.x, ...view[0])) {
    const x = round(px(t.value));
    if (t.label) out.push(`<path d="M${x} ${box.top}V${box.bottom}" stroke="#e3e3e3"/>`);
    if (t.label) out.push(`<text x="${x}" y="${box.bottom + 15}" text-anchor="middle">${xml(t.label)}</text>`);
  }
  for (const t of ticksOf(spec.y, ...view[1])) {
    const y = round(py(t.value));
    out.push(t.label ? `<path d="M${box.left} ${y}H${box.right}" stroke="#e3e3e3"/>` : `<path d="M${box.left} ${y}h-3" stroke="#444"/>`);
    if (t.label) out.push(`<text x="${box.left - 6}" y="${y + 4}" text-anchor="end">${xml(t.label.length > 24 ? t.label.slice(0, 23) + "…" : t.label)}</text>`);
  }
  out.push(`<path d="M${box.left} ${box.top}V${box.bottom}H${box.right}" stroke="#444" fill="none"/>`);
  out.push(`<text x="${(box.left + box.right) / 2}" y="${box.bottom + 34}" text-anchor="middle" font-weight="600">${xml(spec.x.label || "")}</text>`);
  if (spec.y.label) out.push(`<text transform="translate(${box.label} ${(box.top + box.bottom) / 2}) rotate(-90)" text-anchor="middle" font-weight="600">${xml(spec.y.label)}</text>`);
  if (spec.title) out.push(`<text x="${box.left}" y="${box.top - 8}" font-weight="600">${xml(spec.title)}</text>`);
  out.push(`<g clip-path="url(#${id})">`);
  for (const c of spec.curves) {
    const color = c.paper || c.color, line = new PathText(), fill = new PathText();
    if (c.lo && !c.bars) band(fill, c.xs, c.lo, c.hi, px, py, c.straight);
    else if (c.area) band(fill, c.xs, c.ys.map(() => view[1][0]), c.ys, px, py, false);
    if (fill.parts.length) out.push(`<path d="${fill}" fill="${color}" fill-opacity="0.16"/>`);
    if (!c.scatter) trace(line, c.xs, c.ys, px, py, c.straight);
    for (const t of c.thin || []) trace(line, t.xs, t.ys, px, py, c.straight);
    if (line.parts.length) out.push(`<path d="${line}" fill="none" stroke="${color}" stroke-width="${c.width || 2}" stroke-opacity="${c.alpha || 1}"${dashText(c.dash)}/>`);
  }
  out.push("</g>");
  for (const c of spec.curves) {
    for (const m of marksOf(c, spec, px, py, box)) {
      if (m.x >= box.left - 1 && m.x <= box.right + 1 && m.y >= box.top - 1 && m.y <= box.bottom + 1) out.push(markText(m, c.paper || c.color));
    }
  }
  return out.join("");
}
const dashText = (dash) => (dash && dash.length ? ` stroke-dasharray="${dash.map((d) => d * 1.3).join(" ")}"` : "");

// svgOf draws charts beside each other, their legend and caption. Legend entries have a label,
// a color and a dash.
function svgOf(list, { title, legend, caption }) {
  const wide = list.length === 1 ? 640 : 470, high = list.length === 1 ? 380 : 320;
  const columns = Math.min(2, list.length), width = 20 + columns * wide;
  const out = [];
  let top = 14;
  if (title) { out.push(`<text x="20" y="${top + 12}" font-size="15" font-weight="600">${xml(title)}</text>`); top += 26; }
  list.forEach((chart, i) => {
    const left = 10 + (i % columns) * wide, y = top + Math.floor(i / columns) * high;
    const room = Math.max(...ticksOf(chart.spec.y, ...chart.view()[1]).map((t) => widthOf(t.label.slice(0, 24), 12)), 20);
    out.push(panelText(chart, { left: left + room + 36, label: left + 16, right: left + wide - 16, top: y + 24, bottom: y + high - 48 }, "clip" + i));
  });
  top += Math.ceil(list.length / columns) * high;
  let x = 20;
  for (const e of legend || []) {
    const need = 44 + widthOf(e.label, 12);
    if (x + need > width - 10 && x > 20) { x = 20; top += 18; }
    out.push(`<path d="M${x} ${top}h26" stroke="${e.color}" stroke-width="2.4"${dashText(e.dash)}/><text x="${x + 32}" y="${top + 4}">${xml(e.label)}</text>`);
    x += need + 10;
  }
  top += 22;
  for (const text of caption || []) {
    for (const line of wrapped(text, 10.5, width - 40)) {
      out.push(`<text x="20" y="${top}" font-size="10.5" fill="#555">${xml(line)}</text>`);
      top += 14;
    }
  }
  top += 6;
  return { width, height: Math.ceil(top), text: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${Math.ceil(top)}" viewBox="0 0 ${width} ${Math.ceil(top)}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222"><rect width="100%" height="100%" fill="#fff"/>${out.join("")}</svg>\n` };
}

const saveSVG = (name, figure) => save(name + ".svg", new Blob([figure.text], { type: "image/svg+xml" }));

// savePNG draws the SVG at twice its size.
async function savePNG(name, figure) {
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(figure.text);
  await image.decode();
  const canvas = el("canvas", { width: 2 * figure.width, height: 2 * figure.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  save(name + ".png", await new Promise((done) => canvas.toBlob(done, "image/png")));
}

// downloads are the two buttons of a figure, which is made when one is used.
function downloads(name, make) {
  return el("span", { class: "downloads" },
    el("button", { type: "button", "data-save": "svg", title: "Download this figure as SVG", onclick: () => saveSVG(fileName(name()), make()) }, "SVG"),
    el("button", { type: "button", "data-save": "png", title: "Download this figure as PNG", onclick: () => savePNG(fileName(name()), make()) }, "PNG"));
}
