"""The weights and mini-batches that all programs begin with, and what dgn makes of them:
the step of every other program is compared with dgn's before it is timed.
"""
import os
import subprocess

import numpy as np

# Where gradients round differently, by float32 and the order of its sums; and where
# conjugate gradients carry that on.
TOLERANCE = {"sgd": 2e-4, "adam": 5e-4, "exact": 5e-4, "gn": 5e-3}


class Problem:
    """Files of a folder: the weights, the examples, and directions that dgn answers for the
    first mini-batch."""

    def __init__(self, folder, workload):
        self.folder, self.workload = folder, workload

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self):
        rng = np.random.default_rng(0)
        w = self.workload
        np.savez(self.path("weights.npz"), **w.net.weights(rng))
        names = "x", "y", "part"  # the last of residuals alone
        arrays = dict(zip(names, w.net.examples(rng, w.examples)))
        np.savez(self.path("examples.npz"), **arrays)
        np.savez(self.path("batch.npz"), **{k: v[:w.m] for k, v in arrays.items()})

    def weights(self):
        with np.load(self.path("weights.npz")) as f:
            return dict(f)

    def examples(self):
        with np.load(self.path("examples.npz")) as f:
            return f["x"], f["y"]

    def order(self):
        """Return the examples of each mini-batch of an epoch, steps x m: the first ones
        first, with which the step is checked, then those of a permutation."""
        w = self.workload
        if w.net.precision == "float64":  # points are in the order of their parts
            return np.arange(w.examples, dtype=np.int32).reshape(w.steps, w.m)
        rest = np.random.default_rng(1).permutation(w.examples - w.m) + w.m
        return np.concatenate([np.arange(w.m), rest]).astype(np.int32).reshape(w.steps, w.m)

    def direction(self, *oracle):
        """Return the direction that dgn answers, with this text in the mapping of its
        oracle. It is asked once."""
        name = "direction %s.npz" % " ".join(oracle).replace("/", " ")
        if not os.path.exists(self.path(name)):
            with open(self.path("check.yaml"), "w") as f:
                f.write(self.workload.config(oracle))
            subprocess.run(["bin/dgn", "direction", self.path("check.yaml"), "--method", "a", "--params", self.path("weights.npz"),
                            "--batch", self.path("batch.npz"), "--out", self.path(name)], check=True, stdout=subprocess.DEVNULL)
        with np.load(self.path(name)) as f:
            return f["direction"]

    def check(self, after, *oracle):
        """Compare weights after a step from the first mini-batch, by name, with dgn's.
        Return the largest difference of their changes, over the largest change."""
        w = self.workload
        d = self.direction(*oracle)
        want, known = w.rate * d, np.ones(len(d), bool)
        if w.method == "adam":  # the first step is the rate times d/(|d| + 1e-8)
            want = w.rate * d / (np.abs(d) + 1e-8)
            known = np.abs(d) > 1e-3 * np.abs(d).max()  # of others rounding decides the sign
        before = self.weights()
        change = np.concatenate([(after[name].astype(float) - before[name]).ravel() for name in before])
        return close(change[known], want[known], w.method)


def close(got, want, method):
    """Return the largest difference over the largest number, an error if it is large."""
    away = np.abs(got - want).max() / np.abs(want).max()
    if not away < TOLERANCE[method]:
        raise SystemExit("differs from dgn by %.2g of the largest change" % away)
    return away
