// Ticks of axes, as package figure of dgn has them.

const leastLog = 1e-300;
const shows = (log, v) => Number.isFinite(v) && (!log || v > leastLog);

function scientific(v, digits) {
  let [mantissa, exponent] = v.toExponential(digits).split("e");
  if (mantissa.includes(".")) mantissa = mantissa.replace(/\.?0+$/, "");
  return mantissa + "e" + exponent.replace("+", "");
}
const tickLabel = (v) => (v >= 1e-3 && v < 1e4 ? String(Number(v.toPrecision(4))) : scientific(v, 0));

function logTicks(lo, hi) {
  const decades = Math.log10(hi) - Math.log10(lo);
  const labelled = new Set([1]);
  if (decades < 0.6) for (let i = 0; i < 10; i++) labelled.add(i);
  else if (decades < 2.2) labelled.add(2).add(5);
  else if (decades < 3.5) labelled.add(3);
  const every = decades >= 8 ? 2 * Math.ceil(decades / 30) : 1;
  const ticks = [];
  let numbers = 0;
  for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e++) {
    for (let i = 1; i < 10; i++) {
      const v = Number(i + "e" + e);
      if (v === 0 || !Number.isFinite(v) || v < lo * (1 - 1e-9) || v / (1 + 1e-9) > hi) continue;
      if ((i > 1 && every > 1) || (every > 4 && e % every !== 0)) break;
      const label = labelled.has(i) && e % every === 0 ? tickLabel(v) : "";
      if (label) numbers++;
      ticks.push({ value: v, label });
    }
  }
  return numbers < 3 && decades < 0.6 ? linearTicks(lo, hi) : ticks;
}

function linearTicks(lo, hi) {
  const raw = (hi - lo) / 5;
  if (!(raw > 0) || !Number.isFinite(raw)) return [{ value: lo, label: short(lo) }];
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * ([1, 2, 5].find((f) => f * unit >= raw * 0.999) || 10);
  const digits = Math.min(100, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const ticks = [];
  for (let i = Math.ceil(lo / step - 1e-9); (i - 1e-9) * step <= hi && ticks.length < 100; i++) {
    const v = i * step + 0;
    let label = v.toFixed(digits);
    if (v !== 0 && (Math.max(Math.abs(lo), Math.abs(hi)) >= 1e6 || step < 1e-6)) {
      label = scientific(v, Math.min(100, Math.max(0, Math.floor(Math.log10(Math.abs(v)) + 1e-9) - Math.floor(Math.log10(step) + 1e-9))));
    } else if (v === 0) label = "0";
    ticks.push({ value: v, label });
  }
  return ticks;
}

// ticksOf are the ticks of an axis between two ends.
function ticksOf(axis, lo, hi) {
  if (axis.ticks && axis.ticks.length) return axis.ticks.filter((t) => t.value >= lo && t.value <= hi);
  return axis.log ? logTicks(lo, hi) : linearTicks(lo, hi);
}

// padded widens a range by fractions of its length, and makes one of a point or of nothing.
function padded(range, log, pad) {
  let [lo, hi] = range;
  if (!(lo <= hi)) return log ? [0.1, 1] : [0, 1];
  if (lo === hi) {
    if (log) return [lo / 2, hi * 2];
    const room = lo === 0 ? 1 : Math.abs(lo) * 0.1;
    return [lo - room, hi + room];
  }
  if (log) {
    const length = Math.log10(hi) - Math.log10(lo);
    lo = 10 ** (Math.log10(lo) - pad[0] * length);
    hi = 10 ** (Math.log10(hi) + pad[1] * length);
    return [Math.max(lo, leastLog), Math.min(hi, 1e300)];
  }
  return [lo - pad[0] * (hi - lo), hi + pad[1] * (hi - lo)];
}
