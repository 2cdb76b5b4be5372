"""Write pkg/losses/testdata/reference.json: losses to 60 digits, rounded.

Inputs are exact float64 numbers; every result is computed in decimal
arithmetic and rounded once. Run: python3 scripts/loss_reference.py
"""
import json
import pathlib
import random
from decimal import Decimal as D
from decimal import getcontext

getcontext().prec = 80
getcontext().Emin, getcontext().Emax = -10**9, 10**9
rng = random.Random(7)


def xlogx(q):
    return q * q.ln() if q > 0 else D(0)


def logistic(z, y):
    m = max(z)
    e = [(v - m).exp() for v in z]
    s = sum(e)
    p = [v / s for v in e]
    value = m + s.ln() - sum(a * b for a, b in zip(y, z))
    grad = [a - b for a, b in zip(p, y)]
    hess = [[(p[i] * (1 - p[i]) if i == j else -p[i] * p[j]) for j in range(len(z))] for i in range(len(z))]
    if len(z) > 1:  # 1 - p_i without cancellation of 80 digits at exp(-20000)
        for i in range(len(z)):
            hess[i][i] = p[i] * (sum(e[:i] + e[i + 1:]) / s)
        m = z.index(max(z))
        grad[m] = (1 - y[m]) - sum(e[:m] + e[m + 1:]) / s
        value = sum(b * (z[m] - a) for a, b in zip(z, y)) + log1p(sum(e[:m] + e[m + 1:]))
    return value, grad, hess


def log1p(x):
    if x < D("1e-30"):
        return x - x * x / 2
    return (1 + x).ln()


def conj_logistic(a, y):
    return sum(xlogx(u + v) for u, v in zip(a, y))


def binary(z, y):
    t = y[0] * z[0]
    value = log1p((-t).exp()) if t > 0 else -t + log1p(t.exp())
    s = 1 / (1 + t.exp()) if t < 0 else (-t).exp() / (1 + (-t).exp())
    e = (-abs(t)).exp()
    return value, [-y[0] * s], [[e / (1 + e) ** 2]]


def conj_binary(a, y):
    t = -a[0] * y[0]
    return xlogx(t) + xlogx(1 - t)


def outputs(z, y):
    """Binary logistic losses with targets in [0, 1], summed."""
    value, grad, h = D(0), [], []
    for a, t in zip(z, y):
        e = (-abs(a)).exp()
        value += (t * -a if a < 0 else (1 - t) * a) + log1p(e)
        grad.append(e / (1 + e) - t if a < 0 else (1 - t) - e / (1 + e))
        h.append(e / (1 + e) ** 2)
    return value, grad, [[h[i] if i == j else D(0) for j in range(len(z))] for i in range(len(z))]


def conj_outputs(a, y):
    return sum(xlogx(u + t) + xlogx(1 - t - u) for u, t in zip(a, y))


def squared(z, y):
    r = [a - b for a, b in zip(z, y)]
    return sum(v * v for v in r) / 2, r, [[D(int(i == j)) for j in range(len(z))] for i in range(len(z))]


def conj_squared(a, y):
    return sum(u * u / 2 + u * v for u, v in zip(a, y))


def hinge(z, y):
    r = 1 - y[0] * z[0]
    return max(r, D(0)), [-y[0] if r > 0 else D(0)], [[D(0)]]


def squared_hinge(z, y):
    r = max(1 - y[0] * z[0], D(0))
    return r * r / 2, [-y[0] * r], [[D(int(r > 0))]]


def conj_squared_hinge(a, y):
    t = a[0] * y[0]
    return t * t / 2 + t


def huber(z, y):
    value, grad, h = D(0), [], []
    for a, b in zip(z, y):
        r = a - b
        value += r * r / 2 if abs(r) <= 1 else abs(r) - D("0.5")
        grad.append(min(max(r, D(-1)), D(1)))
        h.append(D(int(abs(r) < 1)))
    return value, grad, [[h[i] if i == j else D(0) for j in range(len(z))] for i in range(len(z))]


LOSSES = {
    "logistic": (logistic, conj_logistic), "binary_logistic": (binary, conj_binary),
    "squared": (squared, conj_squared), "hinge": (hinge, lambda a, y: a[0] * y[0]),
    "squared_hinge": (squared_hinge, conj_squared_hinge), "huber": (huber, conj_squared),
}
SCALES = [1e-8, 0.01, 1.0, 5.0, 30.0, 300.0, 1e4]


def points(name):
    if name in ("binary_logistic", "hinge", "squared_hinge"):
        for s in SCALES:
            for sign in (1.0, -1.0):
                for y in (1.0, -1.0):
                    yield [sign * s], [y]
        return
    for k in (2, 3, 10):
        for s in SCALES:
            z = [s * rng.uniform(-1, 1) for _ in range(k)]
            z[rng.randrange(k)] = s
            for c in {z.index(max(z)), z.index(min(z))}:
                y = [float(j == c) for j in range(k)]
                if name in ("squared", "huber"):
                    y = [rng.uniform(-1, 1) for _ in range(k)]
                yield z, y


def slopes(name, k, y):
    """Points in the domain of the conjugate."""
    if name == "squared":
        return [[rng.uniform(-3, 3) for _ in range(k)]]
    if name == "huber":
        return [[rng.uniform(-1, 1) for _ in range(k)], [1.0] * k]
    if name == "squared_hinge":
        return [[-t * y[0]] for t in (0.0, 1e-9, 0.5, 100.0)]
    if k == 1:
        return [[-t * y[0]] for t in (0.0, 2.0**-60, 2.0**-30, 0.25, 0.5, 1 - 2.0**-30, 1.0)]
    c = y.index(1.0)
    out = []
    for eps in (0.0, 2.0**-60, 2.0**-20, 0.125):  # exact: q_c = 1 - eps, one other eps
        a = [0.0] * k
        a[c] -= eps
        a[(c + 1) % k] += eps
        out.append(a)
    return out


cases = []
for name, (f, conj) in LOSSES.items():
    for z, y in points(name):
        dz, dy = [D(v) for v in z], [D(v) for v in y]
        value, grad, hess = f(dz, dy)
        cases.append({
            "loss": name, "z": z, "y": y, "value": float(value), "grad": [float(v) for v in grad],
            "hessian": [[float(v) for v in r] for r in hess],
            "conjugates": [{"a": a, "value": float(conj([D(v) for v in a], dy))} for a in slopes(name, len(z), y)],
        })
more = random.Random(8)
for k in (1, 2, 5):
    for s in SCALES:
        z = [s * more.uniform(-1, 1) for _ in range(k)]
        y = [more.choice([0.0, 1.0, 0.3, 254 / 255, more.uniform(0, 1)]) for _ in range(k)]
        q = [more.choice([0.0, 1.0, 0.5, more.uniform(0, 1)]) for _ in range(k)]
        a = [float(D(u) - D(t)) for u, t in zip(q, y)]
        # Rounding of a must not leave the domain.
        a = [min(max(u, -t), 1 - t) for u, t in zip(a, y)]
        dz, dy = [D(v) for v in z], [D(v) for v in y]
        value, grad, hess = outputs(dz, dy)
        cases.append({
            "loss": "binary_logistic", "z": z, "y": y, "value": float(value), "grad": [float(v) for v in grad],
            "hessian": [[float(v) for v in r] for r in hess],
            "conjugates": [{"a": a, "value": float(conj_outputs([D(v) for v in a], dy))}],
        })
path = pathlib.Path(__file__).parent.parent / "pkg/losses/testdata/reference.json"
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
