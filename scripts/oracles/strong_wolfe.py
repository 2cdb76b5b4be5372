"""Write what torch.optim's strong Wolfe search tries along curves: pkg/optim/testdata/strong_wolfe.tsv.

A line is the number of a curve, its parameter, the step taken, and the steps tried
(TestStrongWolfeReference has the same curves).

Run: python3 scripts/oracles/strong_wolfe.py (needs scripts/optimizers/requirements.txt).
"""
import pathlib

import torch
from torch.optim.lbfgs import _strong_wolfe

torch.set_default_dtype(torch.float64)
OUT = pathlib.Path(__file__).parent.parent.parent / "pkg/optim/testdata/strong_wolfe.tsv"

CURVES = [
    lambda t, a: (t - a) ** 2,
    lambda t, a: -t / (t**2 + a),  # Moré and Thuente 1994, function 1
    lambda t, a: (t / a + 0.004) ** 5 - 2 * (t / a + 0.004) ** 4,  # and 2
    lambda t, a: torch.cos(3 * t / a) - t / (10 * a),
    lambda t, a: torch.exp(-t / a) + t**2 / 100,
    lambda t, a: (t**2 - a * t) ** 2 - t / 100,
]

lines = []
for number, curve in enumerate(CURVES):
    for a in (0.02, 0.3, 1.0, 2.5, 40.0):
        tried = []

        def at(x, t, d):
            tried.append(float(t))
            s = torch.as_tensor(float(t)).requires_grad_()
            v = curve(s, a)
            v.backward()
            return v.item(), s.grad.reshape(1)

        d = torch.ones(1)
        f, g = at(None, 0.0, d)
        assert g.item() < 0
        tried.clear()
        _, _, t, _ = _strong_wolfe(at, None, 1.0, d, f, g, g.dot(d))
        lines.append("\t".join(map(repr, [number, a, float(t), *tried])))
OUT.write_text("\n".join(lines) + "\n")
