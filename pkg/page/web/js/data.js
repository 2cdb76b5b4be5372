// The data of the page, and how texts and numbers are shown.

// unpack turns BASE64 of gzipped JSON into what it holds.
async function unpack(text) {
  const raw = atob(text.trim());
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// decode makes numbers of the columns: null is NaN, and infinities are texts.
function decode(doc) {
  for (const list of ["sections", "alerts", "figures", "parts"]) doc[list] ||= []; // of Go's nil
  for (const section of doc.sections) {
    for (const list of ["alerts", "x", "y", "stepX", "stepY", "series", "runs", "columns", "swept", "differ", "settings", "figures", "parts"]) section[list] ||= []; // of Go's nil
    section.columns = section.columns.map(numbers);
    section.runs.forEach((run, i) => { run.index = i; });
    section.series.forEach((series, i) => {
      series.index = i;
      series.runs = section.runs.filter((run) => run.series === i);
    });
  }
  return doc;
}

// numbers are those of a list, in which null stands for NaN and infinities are texts.
function numbers(list) {
  const out = new Float64Array(list ? list.length : 0);
  for (let i = 0; i < out.length; i++) {
    const v = list[i];
    out[i] = typeof v === "number" ? v : v === null ? NaN : Number(v);
  }
  return out;
}

// column returns the numbers of a run, scaled as an axis asks; undefined if it has none.
function column(section, places, axis) {
  const place = places[axis.column];
  if (place === undefined) return undefined;
  const values = section.columns[place];
  return axis.scale === 1 ? values : values.map((v) => v * axis.scale);
}

// Characters that are not seen, or that turn the direction of others, are shown as escapes.
const hidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
function plain(text) {
  return String(text).replace(hidden, (c) => (c === "\n" || c === "\t" ? c : "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")));
}

// el makes an element. Children that are texts become text nodes, so that nothing in them is
// taken for HTML.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, plain(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(plain(child)));
  }
  return node;
}

// short writes a number in a few digits, exact with all that the page has.
function short(v) {
  if (Number.isNaN(v)) return "–";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const size = Math.abs(v);
  if (v === 0) return "0";
  if (size >= 1e5 || size < 1e-3) return v.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e").replace("-", "−");
  return String(Number(v.toPrecision(4))).replace("-", "−");
}
function exact(v) {
  if (Number.isNaN(v)) return "no number";
  if (!Number.isFinite(v)) return v > 0 ? "infinite" : "−infinite";
  return String(v);
}

// reduced tells whether the reader asks for no motion, narrow whether the screen is a phone's.
const narrow = () => window.innerWidth < 640;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => css("--ground-is") === "dark";

// colorOf and dashOf are the style of an index.
function colorOf(doc, index) {
  const s = doc.styles[index % doc.styles.length];
  return isDark() ? s.dark : s.light;
}
const dashOf = (doc, index) => doc.styles[index % doc.styles.length].dash;

// fileName makes the name of a file of some words.
const fileName = (...words) => words.join("_").toLowerCase().replace(/[^a-z0-9.+-]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 80) || "figure";

// save hands a file to the browser's downloads.
function save(name, blob) {
  const a = el("a", { download: name });
  a.href = URL.createObjectURL(blob);
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}
