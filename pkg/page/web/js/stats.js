// Means and intervals of a few seeds, as in package stats of dgn, which a test compares.

function mean(v) {
  let m = 0;
  for (const x of v) m += x / v.length;
  return Math.min(Math.max(m, Math.min(...v)), Math.max(...v));
}

// multisets are all ways to draw n of n with replacement, without their order: how often each
// is drawn, n numbers after each other, and in how many orders.
const multisetsOf = new Map();
function multisets(n) {
  if (!multisetsOf.has(n)) {
    const counts = [], weights = [];
    const factorial = (k) => (k < 2 ? 1 : k * factorial(k - 1));
    const draw = (i, left, before) => {
      if (i === n - 1) {
        const all = [...before, left];
        counts.push(...all);
        weights.push(all.reduce((w, c) => w / factorial(c), factorial(n)));
        return;
      }
      for (let c = 0; c <= left; c++) draw(i + 1, left - c, [...before, c]);
    };
    draw(0, n, []);
    multisetsOf.set(n, { counts: Uint8Array.from(counts), weights: Uint16Array.from(weights), means: new Float64Array(weights.length) });
  }
  return multisetsOf.get(n);
}

// placed is the number that has place k in order, of numbers that count as often as their
// weights say, times sign. It keeps the least ones alone, in order, as k is small.
const kept = new Float64Array(128), often = new Uint16Array(128);
function placed(means, weights, k, sign) {
  let n = 0, total = 0;
  for (let i = 0; i < means.length; i++) {
    const m = sign * means[i];
    if (total > k && m >= kept[n - 1]) continue;
    let at = n++;
    for (; at > 0 && kept[at - 1] > m; at--) {
      kept[at] = kept[at - 1];
      often[at] = often[at - 1];
    }
    kept[at] = m;
    often[at] = weights[i];
    total += weights[i];
    while (total - often[n - 1] > k) total -= often[--n];
  }
  return sign * kept[n - 1];
}

// interval is the percentile bootstrap interval of the mean at 95 %; of less than four numbers
// their range. Beyond five, the resamples are those of dgn, which come with the page.
function interval(v, draws) {
  const n = v.length;
  const least = Math.min(...v), most = Math.max(...v);
  if (n < 4 || !Number.isFinite(least) || !Number.isFinite(most) || least === most) return [least, most];
  const within = (m) => Math.min(Math.max(m, least), most);
  if (n <= 5) {
    const { counts, weights, means } = multisets(n);
    for (let r = 0, at = 0; r < means.length; r++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += counts[at++] * v[i];
      means[r] = sum / n;
    }
    const out = Math.floor(0.025 * n ** n);
    return [within(placed(means, weights, out, 1)), within(placed(means, weights, out, -1))];
  }
  const picks = draws && draws[n];
  if (!picks) return [least, most];
  const means = new Float64Array(picks.length / n);
  for (let r = 0, at = 0; r < means.length; r++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += v[picks[at++]];
    means[r] = sum / n;
  }
  means.sort();
  const out = Math.floor(0.025 * means.length);
  return [within(means[out]), within(means[means.length - 1 - out])];
}

// median counts infinite numbers too.
function median(v) {
  if (v.length === 0) return NaN;
  const s = [...v].sort((a, b) => a - b);
  const h = (s.length - 1) / 2, i = Math.floor(h);
  if (i === h || s[i] === s[i + 1]) return s[i];
  return s[i] === -Infinity && s[i + 1] < Infinity ? s[i] : s[i] + (s[i + 1] - s[i]) / 2;
}
