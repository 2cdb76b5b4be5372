"""Write what K-FAC in numpy makes of two networks: pkg/train/testdata/kfac.

Martens and Grosse 2015 (arXiv 1503.05671) for dense layers, Grosse and Martens 2016 (arXiv 1602.01407)
and Eschenhagen et al. 2023 (arXiv 2311.00636) for convolutions, from their formulas: signals
through a network written out here, factors as sums over examples, classes and places, inverses by
numpy.linalg. 20 full-batch steps in float64 from the same weights; Go runs the same configs
(TestKFACReference).

Run: python3 scripts/oracles/kfac.py (needs numpy).
"""
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent.parent.parent / "pkg/train/testdata/kfac"
STEPS, KEPT, RATE = 20, (1, 2, 20), 0.5


class Dense:
    def __init__(self, inputs, outputs):
        self.shape, self.places = (outputs, inputs), 1

    def forward(self, x, w, b):
        self.a, self.w = x[:, None, :], w  # m x places x inputs
        return x @ w.T + b

    def back(self, delta):  # s x m x outputs
        self.signals = delta[:, :, None, :]
        return delta @ self.w


class Conv:
    """Channels first, no padding."""

    def __init__(self, image, filters, kernel, stride):
        self.image, self.kernel, self.stride = image, kernel, stride
        c, h, w = image
        self.high, self.wide = (h - kernel) // stride + 1, (w - kernel) // stride + 1
        self.places, self.shape = self.high * self.wide, (filters, c, kernel, kernel)

    def windows(self):
        for i in range(self.high):
            for j in range(self.wide):
                top, left = i * self.stride, j * self.stride
                yield slice(top, top + self.kernel), slice(left, left + self.kernel)

    def forward(self, x, w, b):
        self.w = w.reshape(len(w), -1)
        x = x.reshape(len(x), *self.image)
        self.a = np.stack([x[:, :, i, j].reshape(len(x), -1) for i, j in self.windows()], 1)
        y = self.a @ self.w.T + b  # m x places x filters
        return y.transpose(0, 2, 1).reshape(len(x), -1)

    def back(self, delta):
        s, m = delta.shape[:2]
        self.signals = delta.reshape(s, m, self.shape[0], self.places).transpose(0, 1, 3, 2)
        dx = np.zeros((s, m, *self.image))
        for place, (i, j) in enumerate(self.windows()):
            dx[:, :, :, i, j] += (self.signals[:, :, place] @ self.w).reshape(s, m, self.image[0], self.kernel, self.kernel)
        return dx.reshape(s, m, -1)


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def back(self, delta):
        return delta * (1 - self.y**2)


NETS = {
    "mlp": (
        lambda: [Dense(6, 8), Tanh(), Dense(8, 5), Tanh(), Dense(5, 4)], 6,
        "{kind: mlp, hidden: [8, 5], activation: tanh}"),
    "conv": (
        lambda: [Conv((2, 7, 7), 3, 3, 1), Tanh(), Conv((3, 5, 5), 4, 3, 2), Tanh(), Dense(16, 4)], (2, 7, 7),
        "{kind: sequential, layers: [{kind: conv, filters: 3, kernel: 3}, {kind: tanh}, {kind: conv, filters: 4, kernel: 3, stride: 2}, {kind: tanh}, {kind: flatten}, {kind: dense, units: 4}]}"),
}

# What a config says, and the same here.
CASES = {
    ("mlp", "type2"): ("{kind: kfac, gamma: 10}", dict(gamma=10)),
    ("mlp", "means"): ("{kind: kfac, gamma: 30, ema: 0.9, update_every: 3}", dict(gamma=30, ema=0.9, every=3)),
    ("mlp", "empirical"): ("{kind: kfac, gamma: 3, fisher: empirical, weight_decay: 0.01}", dict(gamma=3, fisher="empirical", decay=0.01)),
    ("conv", "expand"): ("{kind: kfac, gamma: 10}", dict(gamma=10)),
    ("conv", "reduce"): ("{kind: kfac, gamma: 10, shared: reduce}", dict(gamma=10, shared="reduce")),
    ("conv", "expand, empirical"): ("{kind: kfac, gamma: 10, fisher: empirical, ema: 0.5}", dict(gamma=10, fisher="empirical", ema=0.5)),
    ("conv", "reduce, empirical"): ("{kind: kfac, gamma: 3, fisher: empirical, shared: reduce, update_every: 2}", dict(gamma=3, fisher="empirical", shared="reduce", every=2)),
}


class KFAC:
    def __init__(self, layers, gamma, ema=0, every=1, fisher="type2", shared="expand", decay=0):
        self.layers, self.weighted = layers, [l for l in layers if hasattr(l, "shape")]
        self.damping, self.ema, self.every = 1 / gamma + decay, ema, every
        self.fisher, self.shared, self.decay, self.updates = fisher, shared, decay, 0

    def forward(self, weights, x):
        weights = iter(weights)
        for l in self.layers:
            x = l.forward(x, *next(weights)) if hasattr(l, "shape") else l.forward(x)
        return x

    def back(self, signals):
        for l in reversed(self.layers):
            signals = l.back(signals)

    def factors(self, l, m):
        a = np.concatenate([l.a, np.ones((m, l.places, 1))], 2)  # the bias is the weight of a 1
        b = l.signals
        if self.shared == "expand":
            return np.einsum("iru,irv->uv", a, a) / (m * l.places), np.einsum("ciru,cirv->uv", b, b) / m
        a, b = a.mean(1), b.sum(2)
        return a.T @ a / m, np.einsum("ciu,civ->uv", b, b) / m

    def direction(self, weights, x, labels, t):
        z = self.forward(weights, x)
        m, k = z.shape
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        g = p - np.eye(k)[labels]
        if t % self.every == 0:
            if self.fisher == "empirical":
                self.back(g[None])
            else:  # the square root of diag(p) - p pᵀ, by eigenvalues, as any other has the same factors
                h = np.apply_along_axis(np.diag, 1, p) - p[:, :, None] * p[:, None, :]
                values, q = np.linalg.eigh(h)
                self.back(np.moveaxis(q * np.sqrt(np.maximum(values, 0))[:, None, :], 2, 0))
            self.updates += 1
            old = min(1 - 1 / self.updates, self.ema)
            fresh = [self.factors(l, m) for l in self.weighted]
            self.means = fresh if self.updates == 1 else [[old * u + (1 - old) * v for u, v in zip(*pair)] for pair in zip(self.means, fresh)]
            self.inverses = []
            for a, b in self.means:
                pi = np.sqrt((np.trace(a) / len(a)) / (np.trace(b) / len(b)))
                root = np.sqrt(self.damping)
                self.inverses.append((np.linalg.inv(a + pi * root * np.eye(len(a))), np.linalg.inv(b + root / pi * np.eye(len(b)))))
        self.back(g[None] / m)
        steps = []
        for l, (w, b), (a, s) in zip(self.weighted, weights, self.inverses):
            delta = l.signals[0]
            grad = np.concatenate([np.einsum("iru,irv->uv", delta, l.a), delta.sum((0, 1))[:, None]], 1)
            grad += self.decay * np.concatenate([w.reshape(len(w), -1), b[:, None]], 1)
            d = -s @ grad @ a
            steps.append((d[:, :-1].reshape(l.shape), d[:, -1]))
        return steps


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, (net, shape, config) in NETS.items():
        rng = np.random.default_rng(22)
        m = 30
        x = rng.standard_normal((m, *np.atleast_1d(shape)))
        labels = rng.integers(0, 4, m)
        labels[:4] = range(4)
        start = [(rng.standard_normal(l.shape) / np.sqrt(np.prod(l.shape[1:])), 0.1 * rng.standard_normal(l.shape[0])) for l in net() if hasattr(l, "shape")]
        numbers = {"mlp": (0, 2, 4), "conv": (0, 2, 5)}[name]  # as in a torch.nn.Sequential
        np.savez(OUT / ("%s_batch.npz" % name), x=x, y=labels)
        np.savez(OUT / ("%s_start.npz" % name), **{"%d.%s" % (i, what): v for i, pair in zip(numbers, start) for what, v in zip(("weight", "bias"), pair)})
        lines.append("%s\t\t%s\n" % (name, config))
        kept = {}
        for (of, case), (oracle, options) in CASES.items():
            if of != name:
                continue
            weights, kfac = [(w.copy(), b.copy()) for w, b in start], KFAC(net(), **options)
            for t in range(STEPS):
                steps = kfac.direction(weights, x if name == "conv" else x.reshape(m, -1), labels, t)
                weights = [(w + RATE * u, b + RATE * v) for (w, b), (u, v) in zip(weights, steps)]
                if t + 1 in KEPT:
                    kept["%s.%d" % (case, t + 1)] = np.concatenate([v.ravel() for pair in weights for v in pair])
            lines.append("%s\t%s\t%s\n" % (name, case, oracle))
        np.savez(OUT / ("%s.npz" % name), **kept)
    (OUT / "cases.tsv").write_text("".join(lines))


if __name__ == "__main__":
    main()
