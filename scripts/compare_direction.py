"""Time a dual Gauss-Newton direction, 10 CG iterations, of the MLP 784-256-256-10 at
batch 128 in PyTorch and in JAX, as a user would write them: products with J and its
transpose by forward and reverse mode; JAX linearizes once, and compiles the whole.

Compare with: go test ./pkg/experiment -run '^$' -bench 'Step/gn-dual/threads=2'
(which includes the batch and the update).
Run: python3 scripts/compare_direction.py DGN [torch|jax]... (DGN is the program;
needs numpy, and torch or jax). Each is first compared with what `dgn direction`
answers. XLA takes the threads of the processors it may run on (taskset).
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

GAMMA, ITERATIONS, M, SIZES = 0.1, 10, 128, (784, 256, 256, 10)


def torch_direction(weights, x, y, threads):
    import torch

    torch.set_num_threads(threads)
    params = tuple(torch.tensor(w) for w in weights)
    x, y = torch.tensor(x), torch.tensor(y)

    def net(*p):
        h = torch.relu(torch.nn.functional.linear(x, p[0], p[1]))
        h = torch.relu(torch.nn.functional.linear(h, p[2], p[3]))
        return torch.nn.functional.linear(h, p[4], p[5])

    def direction():
        # torch.func.linearize traces anew at every call, which takes seconds.
        z, vjp = torch.func.vjp(net, *params)
        jvp = lambda *v: torch.func.jvp(net, params, v)[1]
        p = torch.softmax(z, 1)
        g = p - torch.nn.functional.one_hot(y, SIZES[-1])
        root = p.sqrt()
        c = GAMMA / M
        left = lambda s: root * s - p * (root * s).sum(1, keepdim=True)
        right = lambda v: root * (v - (p * v).sum(1, keepdim=True))
        mul = lambda s: s + c * right(jvp(*vjp(left(s))))
        b = -c * right(jvp(*vjp(g)))
        s, r = torch.zeros_like(b), b
        d, rr = r, (r * r).sum()
        for _ in range(ITERATIONS):
            ad = mul(d)
            a = rr / (d * ad).sum()
            s, r = s + a * d, r - a * ad
            rr, old = (r * r).sum(), rr
            d = r + rr / old * d
        return [-c * v for v in vjp(g + left(s))]

    return lambda: [v.numpy() for v in direction()]


def jax_direction(weights, x, y, _):
    import jax
    import jax.numpy as jnp

    onehot = jax.nn.one_hot(y, SIZES[-1])

    @jax.jit
    def direction(params, x):
        def net(p):
            h = jax.nn.relu(x @ p[0].T + p[1])
            h = jax.nn.relu(h @ p[2].T + p[3])
            return h @ p[4].T + p[5]

        z, jvp = jax.linearize(net, params)
        transpose = jax.linear_transpose(jvp, params)
        vjp = lambda a: transpose(a)[0]
        p = jax.nn.softmax(z)
        g = p - onehot
        root = jnp.sqrt(p)
        c = GAMMA / M
        left = lambda s: root * s - p * (root * s).sum(1, keepdims=True)
        right = lambda v: root * (v - (p * v).sum(1, keepdims=True))
        mul = lambda s: s + c * right(jvp(vjp(left(s))))
        b = -c * right(jvp(vjp(g)))

        def iterate(_, state):
            s, r, d, rr = state
            ad = mul(d)
            a = rr / (d * ad).sum()
            s, r = s + a * d, r - a * ad
            new = (r * r).sum()
            return s, r, r + new / rr * d, new

        s = jax.lax.fori_loop(0, ITERATIONS, iterate, (jnp.zeros_like(b), b, b, (b * b).sum()))[0]
        return [-c * v for v in vjp(g + left(s))]

    params, x = [jnp.asarray(w) for w in weights], jnp.asarray(x)
    return lambda: [np.asarray(v) for v in direction(params, x)]


def reference(program, names, weights, x, y):
    """Return what dgn answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        np.savez(path("params.npz"), **dict(zip(names, weights)))
        np.savez(path("batch.npz"), x=x, y=y)
        with open(path("c.yaml"), "w") as f:
            f.write("model: {kind: mlp, hidden: %s, outputs: 10}\nloss: {kind: logistic}\nmethods: [{name: gn, oracle: {kind: gauss_newton, inner_iterations: %d, gamma: %g}, optimizer: {kind: sgd}}]\n"
                    % (list(SIZES[1:-1]), ITERATIONS, GAMMA))
        subprocess.run([program, "direction", path("c.yaml"), "--method", "gn", "--params", path("params.npz"), "--batch", path("batch.npz"), "--out", path("d.npz")],
                       check=True, stdout=subprocess.DEVNULL)
        return np.load(path("d.npz"))["direction"]


def main():
    rng = np.random.default_rng(0)
    weights, names = [], []
    for i, (n, m) in enumerate(zip(SIZES, SIZES[1:])):
        weights += [rng.normal(0, np.sqrt(2 / n), (m, n)).astype(np.float32), np.zeros(m, np.float32)]
        names += ["%d.weight" % (2 * i), "%d.bias" % (2 * i)]
    x, y = rng.normal(size=(M, SIZES[0])).astype(np.float32), rng.integers(0, 10, M)
    want = reference(sys.argv[1], names, weights, x, y)
    for library in sys.argv[2:]:
        call = {"torch": torch_direction, "jax": jax_direction}[library](weights, x, y, len(os.sched_getaffinity(0)))
        got = np.concatenate([v.ravel() for v in call()])
        away = np.abs(got - want).max() / np.abs(want).max()
        assert away < 1e-3, away
        for _ in range(5):
            call()
        times = []
        for _ in range(15):
            start = time.perf_counter()
            for _ in range(10):
                call()
            times.append((time.perf_counter() - start) / 10)
        print("%s: %.2f ms a direction (differs from dgn's by %.1g)" % (library, 1e3 * statistics.median(times), away))


main()
