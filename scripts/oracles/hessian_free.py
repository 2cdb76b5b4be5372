"""Write what Hessian-free steps in numpy make of small problems: pkg/train/testdata/hessian_free.

From the formulas of Martens 2010 and of Martens and Sutskever 2012, with the Jacobian and the
Gauss-Newton matrix as they are defined, formed. Go makes the same 20 full-batch steps in float64 with
the oracle hessian_free (TestOracleReferences).

Run: python3 scripts/oracles/hessian_free.py (needs numpy).
"""
import math

import numpy as np

import problems


class Net:
    """The network at weights w, a vector: outputs f and Jacobian J, examples x outputs x weights."""

    def __init__(self, w, x):
        self.acts, self.at = [x], []
        offset = 0
        layers = len(problems.SIDES) - 1
        for i, (n, m) in enumerate(zip(problems.SIDES, problems.SIDES[1:])):
            weight = w[offset : offset + n * m].reshape(m, n)
            bias = w[offset + n * m : offset + n * m + m]
            self.at.append((offset, weight))
            offset += n * m + m
            y = self.acts[-1] @ weight.T + bias
            self.acts.append(np.tanh(y) if i + 1 < layers else y)
        self.f, self.p = self.acts[-1], len(w)

    def jacobian(self):
        examples, k = self.f.shape
        jac = np.zeros((examples, k, self.p))
        delta = np.broadcast_to(np.eye(k), (examples, k, k))  # d f_c / d y of the last layer
        for i in reversed(range(len(self.at))):
            offset, weight = self.at[i]
            a, (m, n) = self.acts[i], weight.shape
            jac[:, :, offset : offset + m * n] = np.einsum("eco,ei->ecoi", delta, a).reshape(examples, k, m * n)
            jac[:, :, offset + m * n : offset + m * n + m] = delta
            if i:
                delta = (delta @ weight) * (1 - a**2)[:, None, :]
        return jac


def losses(z, y, loss):
    """Return the mean loss, and the gradients and Hessians of the examples' losses."""
    examples, k = z.shape
    if loss == "squared":
        r = z - y
        return (r**2).sum() / 2 / examples, r, np.broadcast_to(np.eye(k), (examples, k, k))
    top = z.max(1, keepdims=True)
    e = np.exp(z - top)
    s = e.sum(1, keepdims=True)
    p = e / s
    value = (np.log(s[:, 0]) + top[:, 0] - z[np.arange(examples), y]).mean()
    return value, p - np.eye(k)[y], np.einsum("ei,ij->eij", p, np.eye(k)) - np.einsum("ei,ej->eij", p, p)


def conjugate_gradients(a, b, x, budget, tolerance):
    """Minimise q(x) = x·A x/2 - b·x from x. Return iterates, each with its number and q, to go back to:
    those numbered ceil(1.3^j), and the last."""
    kept, q = [], []
    numbers = {math.ceil(1.3**j) for j in range(100)}
    r = b - a @ x
    p = r.copy()
    i = 0
    while True:
        q.append(x @ (a @ x) / 2 - b @ x)
        k = max(10, math.ceil(0.1 * i))
        enough = tolerance > 0 and i > k and q[i] < 0 and (q[i] - q[i - k]) / q[i] < k * tolerance
        if enough or i == budget or np.linalg.norm(r) <= 1e-15 * np.linalg.norm(b):
            return kept + [(x.copy(), q[i])]
        if i in numbers:
            kept.append((x.copy(), q[i]))
        ap = a @ p
        alpha = (r @ r) / (p @ ap)
        x = x + alpha * p
        new = r - alpha * ap
        p = new + (new @ new) / (r @ r) * p
        r = new
        i += 1


def make(weights, x, y, loss, budget=250, tolerance=5e-4, gamma=1.0, most=1e6, trust=0.75, distrust=0.25, adapts=True, decay=0.95,
         backtracking=True, mu=0.0):
    w = np.concatenate([v.ravel() for v in weights.values()])
    solution = np.zeros_like(w)

    def objective(at):
        return losses(Net(at, x).f, y, loss)[0] + mu / 2 * at @ at

    steps, tally = [], {"back": 0, "grown": 0, "shrunk": 0}
    for _ in range(problems.STEPS):
        net = Net(w, x)
        _, g, h = losses(net.f, y, loss)
        jac = net.jacobian()
        gradient = np.einsum("ecp,ec->p", jac, g) / len(x) + mu * w
        curvature = np.einsum("ecp,ecd,edq->pq", jac, h, jac, optimize=True) / len(x) + mu * np.eye(len(w))
        iterates = conjugate_gradients(curvature + np.eye(len(w)) / gamma, -gradient, decay * solution, budget, tolerance)
        solution = iterates[-1][0]
        j = len(iterates) - 1
        if backtracking:
            while j > 0 and iterates[j - 1][1] < 0 and objective(w + iterates[j - 1][0]) <= objective(w + iterates[j][0]):
                j -= 1
        d = iterates[j][0]
        tally["back"] += j < len(iterates) - 1
        assert iterates[j][1] < 0
        if adapts:
            ratio = (objective(w + d) - objective(w)) / (gradient @ d + d @ curvature @ d / 2)
            tally["grown"] += int(ratio > trust)
            tally["shrunk"] += int(ratio < distrust)
            gamma = min(gamma * 1.5, most) if ratio > trust else gamma / 1.5 if ratio < distrust else gamma
        w = w + d
        steps.append(w)
    return steps, tally


def sensitive(weights, x, y, loss, **options):
    """Return the steps of make, and tell how far they move at most when the start moves by rounding, 30 times:
    CG that has not converged amplifies that by more than its condition number, and truncation keeps it; and
    iterates of the same loss, but for rounding, are a tie."""
    rng, moved = np.random.default_rng(9), 0
    steps, tally = make(weights, x, y, loss, **options)
    for _ in range(30):
        near = {k: v * (1 + 1e-15 * rng.normal(size=v.shape)) for k, v in weights.items()}
        moved = max(moved, max(np.abs(a - b).max() for a, b in zip(steps, make(near, x, y, loss, **options)[0])))
    print(loss, options, tally, "moved by rounding: %.1e" % moved)
    return steps


def case(name, loss, config, **options):
    return name, loss, f"oracle: {{kind: hessian_free{config}}}, optimizer: {{kind: sgd, learning_rate: 1}}", options


def damped(initial, most, trust=0.75, distrust=0.25):
    """Return gamma in a config, and the options of make."""
    config = f"gamma: {{levenberg_marquardt: {{initial: {initial}, max: {most}, trust: {trust}, distrust: {distrust}}}}}"
    return config, dict(gamma=initial, most=most, trust=trust, distrust=distrust)


small, small_options = damped(0.1, 3.0)
mixed, mixed_options = damped(3.0, 3.0, 1.04, 1.01)
falling, falling_options = damped(1.0, 3.0, 1.04, 1.01)
problems.write("hessian_free", [
    case("grown", "squared", ", " + small, **small_options),
    case("grown_logistic", "logistic", ", decay: 0.5, " + small, decay=0.5, **small_options),
    case("short", "logistic", ", inner_iterations: 8", budget=8),
    case("shrunk", "squared", ", " + mixed, **mixed_options),
    case("shrunk_logistic", "logistic", ", weight_decay: 0.003, decay: 0.7, " + falling, mu=0.003, decay=0.7, **falling_options),
    case("cold", "logistic", ", decay: 0, inner_iterations: 15, " + small, decay=0.0, budget=15, **small_options),
    case("constant", "squared", ", gamma: 10, weight_decay: 0.01, inner_iterations: 12, tolerance: 0, backtracking: false",
         gamma=10.0, adapts=False, mu=0.01, budget=12, tolerance=0, backtracking=False),
], sensitive)
