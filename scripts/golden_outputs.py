"""Write testdata/golden/mlp-binary-logistic-outputs and -target.

The binary logistic loss with targets in [0, 1], of four outputs and of one, in float64 from
explicit Jacobians and dense solves. Run: python3 scripts/golden_outputs.py (needs numpy).
"""
import pathlib

import numpy as np

rng = np.random.default_rng(19)
golden = pathlib.Path(__file__).parent.parent / "testdata/golden"
hidden = [6, 5]


def forward(w, x):
    """Outputs m x k and the Jacobian mk x p of a tanh network."""
    acts, jac = [x], []
    for i, (a, b) in enumerate(w):
        z = acts[-1] @ a.T + b
        acts.append(np.tanh(z) if i < len(w) - 1 else z)
    m, k = acts[-1].shape
    for i in range(m):
        for c in range(k):
            signal, row = np.eye(k)[c], []
            for layer in reversed(range(len(w))):
                row = [np.outer(signal, acts[layer][i]).ravel(), signal] + row
                if layer:
                    signal = (w[layer][0].T @ signal) * (1 - acts[layer][i] ** 2)
            jac.append(np.concatenate(row))
    return acts[-1], np.array(jac)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def value(z, y):
    return (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum(-1)


def entropy(q):
    return np.where(q > 0, q * np.log(np.where(q > 0, q, 1)), 0)


def cg(times, b, t):
    """The t-th iterate of conjugate gradients from 0."""
    x, r = np.zeros_like(b), b.copy()
    p = r.copy()
    for _ in range(t):
        q = times(p)
        step = (r @ r) / (p @ q)
        x, new = x + step * p, r - step * q
        p, r = new + (new @ new) / (r @ r) * p, new
    return x


def case(name, k, m):
    shapes = list(zip(hidden + [k], [4] + hidden))
    w = [(rng.normal(size=s) / np.sqrt(s[1]), 0.3 * rng.normal(size=s[0])) for s in shapes]
    x, y = rng.normal(size=(m, 4)), rng.uniform(size=(m, k))
    y[0], y[1] = 0, 1  # the ends too
    f, jac = forward(w, x)
    g, curv = sigmoid(f) - y, sigmoid(f) * (1 - sigmoid(f))
    root, loss, gram = np.sqrt(curv).ravel(), value(f, y).mean(), jac @ jac.T
    grad = jac.T @ g.ravel() / m
    p = len(grad)
    out = {"outputs": f, "loss": loss, "gradient": grad, "jacobian": jac, "gram": gram}
    methods = []

    def add(method, oracle, d, **more):
        methods.append((method, oracle))
        out[method + "/direction"], out[method + "/slope"] = d, grad @ d
        for key, v in more.items():
            out[f"{method}/{key}"] = v

    for gamma in (1.0, 50.0):
        tag = f"{gamma:g}"

        def model(d):
            u = jac @ d
            return loss + (g.ravel() @ u + u @ (curv.ravel() * u) / 2) / m + d @ d / (2 * gamma)

        def dual(s):
            pull = jac.T @ (g.ravel() + root * s)
            return loss - s @ s / (2 * m) - gamma * pull @ pull / (2 * m * m)

        a_dual = np.eye(m * k) + gamma / m * root[:, None] * gram * root
        b_dual = -gamma / m * root * (gram @ g.ravel())
        a_primal = jac.T @ (curv.ravel()[:, None] * jac) / m + np.eye(p) / gamma

        def from_dual(method, oracle, s):
            alpha = g.ravel() + root * s
            d = -gamma / m * jac.T @ alpha
            add(method, oracle, d, alpha=alpha.reshape(m, k), primal=model(d), dual=dual(s))

        gn = "kind: gauss_newton, formulation: "
        long = f"tolerance: 1.0e-13, gamma: {gamma}"
        from_dual("gn-exact-" + tag, f"{gn}dual, solver: cg, inner_iterations: 2000, {long}", np.linalg.solve(a_dual, b_dual))
        from_dual("gn-cholesky-" + tag, f"{gn}dual, solver: cholesky, inner_iterations: 1, gamma: {gamma}", np.linalg.solve(a_dual, b_dual))
        d = np.linalg.solve(a_primal, -grad)
        add("gn-exact-primal-" + tag, f"{gn}primal, solver: cg, inner_iterations: 5000, {long}", d, primal=model(d))
        for t in (1, 2, 3, 5):
            budget = f"solver: cg, inner_iterations: {t}, tolerance: 0, gamma: {gamma}"
            from_dual(f"gn-dual-{t}-{tag}", f"{gn}dual, {budget}", cg(lambda v: a_dual @ v, b_dual, t))
            d = cg(lambda v: a_primal @ v, -grad, t)
            add(f"gn-primal-{t}-{tag}", f"{gn}primal, {budget}", d, primal=model(d))
        add("gradient-" + tag, f"kind: gradient, gamma: {gamma}", -gamma * grad)

        def objective(d):
            return value(f + (jac @ d).reshape(m, k), y).mean() + d @ d / (2 * gamma)

        d = np.zeros(p)  # prox-linear: Newton's method on P(d), with halving
        for _ in range(100):
            q = sigmoid(f + (jac @ d).reshape(m, k))
            slope = jac.T @ (q - y).ravel() / m + d / gamma
            step = np.linalg.solve(jac.T @ ((q * (1 - q)).ravel()[:, None] * jac) / m + np.eye(p) / gamma, -slope)
            size = 1.0
            while size > 1e-10 and objective(d + size * step) > objective(d):
                size /= 2
            d = d + size * step if size > 1e-10 else d
        alpha = q - y
        conj = (entropy(q) + entropy(1 - q)).sum(-1) - (alpha * f).sum(-1)
        pull = jac.T @ alpha.ravel()
        add("prox-" + tag, f"kind: prox_linear, formulation: dual, inner_iterations: 2000, tolerance: 1.0e-12, gamma: {gamma}", d,
            alpha=alpha, primal=objective(d), dual=-conj.mean() - gamma * pull @ pull / (2 * m * m))
        add("prox-primal-" + tag, f"kind: prox_linear, formulation: primal, inner_iterations: 2000, tolerance: 1.0e-12, gamma: {gamma}", d, primal=objective(d))

    folder = golden / name
    folder.mkdir(exist_ok=True)
    params = {}
    for i, (a, b) in enumerate(w):
        params[f"{2 * i}.weight"], params[f"{2 * i}.bias"] = a, b
    np.savez(folder / "params.npz", **params)
    np.savez(folder / "batch.npz", x=x, y=y)
    np.savez(folder / "expected.npz", **out)
    text = f"""name: golden-{name}
precision: float64
model: {{kind: mlp, hidden: {hidden}, activation: tanh, outputs: {k}}}
loss: {{kind: binary_logistic}}
methods:
"""
    for method, oracle in methods:
        text += f"  - {{name: {method}, oracle: {{{oracle}}}, optimizer: {{kind: sgd, learning_rate: 1.0}}}}\n"
    (folder / "config.yaml").write_text(text)


case("mlp-binary-logistic-outputs", 4, 12)
case("mlp-binary-logistic-target", 1, 12)
