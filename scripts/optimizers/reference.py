"""Optimizers in numpy, from the formulas of their papers, on parameters of torch with gradients.

They are written to be read beside the papers, with eigenvalues where dgn iterates. A weight of more
than one dimension is the matrix of its first side and all others.
"""
import numpy as np


class Optimizer:
    def __init__(self, params):
        self.params, self.t = params, 0

    def step(self):
        self.t += 1
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            w, g = p.detach().numpy(), p.grad.numpy()
            shape = (w.shape[0], -1) if w.ndim > 1 else w.shape
            w[...] = self.update(i, w.reshape(shape), g.reshape(shape)).reshape(w.shape)


class Lion(Optimizer):
    """Chen et al. 2023, program 1."""

    def __init__(self, params, rate, beta1, beta2, decay):
        super().__init__(params)
        self.rate, self.beta1, self.beta2, self.decay = rate, beta1, beta2, decay
        self.m = [0] * len(params)

    def update(self, i, w, g):
        c = self.beta1 * self.m[i] + (1 - self.beta1) * g
        self.m[i] = self.beta2 * self.m[i] + (1 - self.beta2) * g
        return w - self.rate * (np.sign(c) + self.decay * w)


class Lookahead:
    """Zhang et al. 2019, algorithm 1."""

    def __init__(self, params, inner, steps, rate):
        self.params, self.inner, self.steps, self.rate, self.t = params, inner, steps, rate, 0
        self.slow = [p.detach().numpy().copy() for p in params]

    def step(self):
        self.inner.step()
        self.t += 1
        if self.t % self.steps == 0:
            for s, p in zip(self.slow, self.params):
                w = p.detach().numpy()
                s += self.rate * (w - s)
                w[...] = s


class Muon(Optimizer):
    """torch.optim.Muon 2.15, with the precision of the weights in place of bfloat16."""

    def __init__(self, params, rate, decay=0.1, momentum=0.95, nesterov=True, coefficients=(3.4445, -4.7750, 2.0315), epsilon=1e-7, steps=5,
                 adjust="original", rest=None, matrices=None):
        super().__init__(params)
        self.own = [i for i, p in enumerate(params) if p.ndim > 1] if matrices is None else matrices
        self.rate, self.decay, self.momentum, self.nesterov = rate, decay, momentum, nesterov
        self.coefficients, self.epsilon, self.steps, self.adjust = coefficients, epsilon, steps, adjust
        self.rest = rest([p for i, p in enumerate(params) if i not in self.own])
        self.m = [0] * len(params)

    def step(self):
        super().step()
        self.rest.step()

    def update(self, i, w, g):
        if i not in self.own:
            return w
        mu = self.momentum
        self.m[i] = mu * self.m[i] + (1 - mu) * g
        x = (1 - mu) * g + mu * self.m[i] if self.nesterov else self.m[i]
        x = x / max(np.linalg.norm(x), self.epsilon)
        a, b, c = self.coefficients
        for _ in range(self.steps):
            s = x @ x.T
            x = a * x + (b * s + c * s @ s) @ x
        m, n = w.shape
        adjusted = {"original": max(1, m / n) ** 0.5, "match_rms_adamw": 0.2 * max(m, n) ** 0.5, "spectral_unclamped": (m / n) ** 0.5}[self.adjust]
        return w - self.rate * self.decay * w - self.rate * adjusted * x


def power(a, exponent):
    values, q = np.linalg.eigh(a)
    return q * values**exponent @ q.T


class Shampoo(Optimizer):
    """Gupta et al. 2018, algorithm 1 for orders 1 and 2, and section 5 for long sides; grafting as in
    Anil et al. 2020."""

    def __init__(self, params, rate, epsilon, beta=1, every=1, longest=1200, grafting="none", momentum=0, decay=0):
        super().__init__(params)
        self.rate, self.epsilon, self.beta, self.every, self.longest = rate, epsilon, beta, every, longest
        self.grafting, self.momentum, self.decay = grafting, momentum, decay
        self.factors = [[np.zeros((n, n)) for n in ((p.shape[0], p[0].numel()) if p.ndim > 1 else p.shape)] for p in params]
        self.roots = [[None] * len(f) for f in self.factors]
        self.v = [0] * len(params)
        self.adam = [(0, 0)] * len(params)

    def update(self, i, w, g):
        g = g + self.decay * w
        p = g
        for side, factor in enumerate(self.factors[i]):
            square = np.outer(g, g) if g.ndim == 1 else g @ g.T if side == 0 else g.T @ g
            if len(factor) > self.longest:
                square = np.diag(np.diag(square))
            factor *= self.beta
            factor += square if self.beta == 1 else (1 - self.beta) * square
            if (self.t - 1) % self.every == 0:
                self.roots[i][side] = power(factor + self.epsilon * np.eye(len(factor)), -0.5 / g.ndim)
            p = self.roots[i][side] @ p if side == 0 else p @ self.roots[i][side]
        if self.grafting == "sgd":
            p = p * np.linalg.norm(g) / np.linalg.norm(p)
        if self.grafting == "adam":
            m, s = self.adam[i]
            m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
            self.adam[i] = m, s
            step = m / (1 - 0.9**self.t) / (np.sqrt(s / (1 - 0.999**self.t)) + 1e-8)
            p = p * np.linalg.norm(step) / np.linalg.norm(p)
        self.v[i] = self.momentum * self.v[i] + p
        return w - self.rate * self.v[i]


class SOAP(Optimizer):
    """Vyas et al. 2024, algorithms 3 and 4, in the order of the authors' code."""

    def __init__(self, params, rate, betas=(0.95, 0.95), shampoo=0.95, epsilon=1e-8, decay=0.01, every=10, longest=10000, sides="both"):
        super().__init__(params)
        self.rate, self.betas, self.shampoo, self.epsilon, self.decay = rate, betas, shampoo, epsilon, decay
        self.every, self.longest, self.sides = every, longest, sides
        self.m, self.v, self.factors, self.bases = ([0] * len(params) for _ in range(4))

    def has(self, g, side):
        long = g.shape[side] > g.shape[1 - side] or side == 1 and g.shape[0] == g.shape[1]
        return g.shape[side] <= self.longest and not (self.sides == "one" and long)

    def project(self, i, x):
        left, right = self.bases[i]
        return left.T @ x @ right

    def back(self, i, x):
        left, right = self.bases[i]
        return left @ x @ right.T

    def update(self, i, w, g):
        vector = g.ndim == 1
        if vector:
            w, g = w[:, None], g[:, None]
        squares = (g @ g.T, g.T @ g)
        if self.t == 1:
            self.factors[i] = [(1 - self.shampoo) * s for s in squares]
            self.bases[i] = [np.eye(len(s)) for s in squares]
            for side, f in enumerate(self.factors[i]):
                if not vector and self.has(g, side):
                    self.bases[i][side] = np.linalg.eigh(f)[1][:, ::-1]
            return w[:, 0] if vector else w
        (beta1, beta2), n = self.betas, self.t - 1
        projected = self.project(i, g)
        self.m[i] = beta1 * self.m[i] + (1 - beta1) * g
        self.v[i] = beta2 * self.v[i] + (1 - beta2) * projected**2
        step = self.back(i, self.project(i, self.m[i]) / (np.sqrt(self.v[i]) + self.epsilon))
        w = w - self.rate * (1 - beta2**n) ** 0.5 / (1 - beta1**n) * step
        w = w - self.rate * self.decay * w
        for side, f in enumerate(self.factors[i]):
            f *= self.shampoo
            f += (1 - self.shampoo) * squares[side]
            if n % self.every == 0 and not vector and self.has(g, side):
                q = self.bases[i][side]
                order = np.argsort(-np.einsum("ij,ij->j", q, f @ q), kind="stable")
                self.v[i] = np.take(self.v[i], order, axis=side)
                self.bases[i][side] = np.linalg.qr(f @ q[:, order])[0]
        return w[:, 0] if vector else w
