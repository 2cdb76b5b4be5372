"""The small problems on which scripts/oracles compares 20 full-batch steps in float64, in numpy.

An MLP 6-6-6-6 with tanh, on 40 examples, with the squared loss or the logistic loss of classes. Weights
have PyTorch's names and layouts, as dgn reads them.
"""
import pathlib

import numpy as np

TESTDATA = pathlib.Path(__file__).parent.parent.parent / "pkg/train/testdata"
STEPS, KEPT = 20, (1, 2, 5, 10, 20)
EXAMPLES, SIDES, DISTANCE = 40, (6, 6, 6, 6), 0.4
MODEL = "{kind: mlp, hidden: [6, 6], activation: tanh}"


def start(rng):
    """Return the weights of a new network, by name."""
    weights = {}
    for i, (n, m) in enumerate(zip(SIDES, SIDES[1:])):
        weights[f"{2 * i}.weight"] = rng.normal(size=(m, n)) * 1.5 / n**0.5
        weights[f"{2 * i}.bias"] = rng.normal(size=m) / 4
    return weights


def outputs(weights, x):
    for i in range(0, 2 * len(SIDES) - 2, 2):
        x = (np.tanh(x) if i else x) @ weights[f"{i}.weight"].T + weights[f"{i}.bias"]
    return x


def batch(rng, weights, loss):
    """Return examples that a network near the one to start from fits, but for noise: so that steps lead to
    a minimum, where what rounding does dies away."""
    x = rng.normal(size=(EXAMPLES, SIDES[0]))
    near = {k: v + rng.normal(size=v.shape) * DISTANCE for k, v in weights.items()}
    z = outputs(near, x) + rng.normal(size=(EXAMPLES, SIDES[-1])) / 10
    return x, z if loss == "squared" else z.argmax(1)


def write(folder, cases, make):
    """Write what a reference makes of every case: (name, loss, config of the method, options)."""
    out = TESTDATA / folder
    out.mkdir(parents=True, exist_ok=True)
    arrays, lines = {}, []
    for loss in ("squared", "logistic"):
        rng = np.random.default_rng(3)
        weights = start(rng)
        x, y = batch(rng, weights, loss)
        np.savez_compressed(out / f"{loss}_start.npz", **weights)
        np.savez_compressed(out / f"{loss}_batch.npz", x=x, y=y)
        for name, of, config, options in cases:
            if of != loss:
                continue
            lines.append(f"{name}\t{loss}\t{MODEL}\t{config}")
            for step, w in enumerate(make(weights, x, y, loss, **options), 1):
                if step in KEPT:
                    arrays[f"{name}.{step}"] = w
    np.savez_compressed(out / "weights.npz", **arrays)
    (out / "cases.tsv").write_text("\n".join(lines) + "\n")
