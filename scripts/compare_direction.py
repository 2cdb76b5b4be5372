"""Time a dual Gauss-Newton direction, 10 CG iterations, of the MLP 784-w-w-10 in
dgn, JAX and PyTorch, alternated in one run (peers.py).

  jax             products with J and its transpose: linearized once, compiled by XLA
  jax, layers     K applied layer by layer: signals back, then tangents forward, where
                  layer l adds (A A^T + 1) B, without the gradients of the weights
  torch.func      products with J and its transpose by forward and reverse mode
  torch, twice    the product with J by two backward passes through one graph
  torch, layers   as jax, layers
  torch compiled  torch, layers through torch.compile

Output buffers are donated in JAX. Each is first compared with what `dgn direction`
answers. dgn's time is that of a whole training step: batch and update included.
Run: go build -o bin/ ./cmd/dgn && python3 scripts/compare_direction.py [ROUNDS [M,WIDTH,THREADS]...]
(needs numpy, torch, jax, taskset and, for torch.compile, g++). Default: 7 rounds of
five cases; the first run compiles, the next find it in the caches.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

from peers import compare, serve

GAMMA, ITERATIONS, CLASSES = 0.1, 10, 10
NAMES = ("jax", "jax, layers", "torch.func", "torch, twice", "torch, layers", "torch compiled")
CASES = ("128,256,1", "128,256,2", "1024,256,1", "1024,256,2", "128,1024,2")


def problem(m, width):
    """Return weights, images and labels, the same in every process."""
    rng = np.random.default_rng(0)
    sizes = (784, width, width, CLASSES)
    weights = []
    for n, k in zip(sizes, sizes[1:]):
        weights += [rng.normal(0, np.sqrt(2 / n), (k, n)).astype(np.float32), np.zeros(k, np.float32)]
    return weights, rng.normal(size=(m, 784)).astype(np.float32), rng.integers(0, CLASSES, m)


def short(a):
    """Whether the Gram matrix of a layer's inputs (m x n) is cheaper than two products
    with the inputs, for ten applications."""
    return a.shape[0] < 2 * a.shape[1]


def jax_direction(weights, x, y, layers):
    import jax
    import jax.numpy as jnp

    onehot = jax.nn.one_hot(y, CLASSES)
    m = len(y)

    def products(params, x):
        def net(p):
            h = jax.nn.relu(x @ p[0].T + p[1])
            h = jax.nn.relu(h @ p[2].T + p[3])
            return h @ p[4].T + p[5]

        z, jvp = jax.linearize(net, params)
        transpose = jax.linear_transpose(jvp, params)
        vjp = lambda a: transpose(a)[0]
        return z, vjp, lambda a: jvp(vjp(a))

    def chained(params, x):
        w, b = params[0::2], params[1::2]
        inputs, masks = [x], []
        for i in range(2):
            a = inputs[-1] @ w[i].T + b[i]
            masks.append(a > 0)
            inputs.append(jnp.where(masks[-1], a, 0))
        z = inputs[-1] @ w[2].T + b[2]
        grams = [h @ h.T + 1 if short(h) else None for h in inputs]

        def signals(a):
            out = [a]
            for i in (2, 1):
                out.append(jnp.where(masks[i - 1], out[-1] @ w[i], 0))
            return out[::-1]

        def own(i, s):  # J J^T of the layer's own weights
            if grams[i] is not None:
                return grams[i] @ s
            return inputs[i] @ (inputs[i].T @ s) + s.sum(0)

        def k(a):
            s = signals(a)
            t = own(0, s[0])
            for i in (1, 2):
                t = jnp.where(masks[i - 1], t, 0) @ w[i].T + own(i, s[i])
            return t

        def vjp(a):
            out = []
            for h, s in zip(inputs, signals(a)):
                out += [s.T @ h, s.sum(0)]
            return out

        return z, vjp, k

    def direction(params, x, old):
        z, vjp, k = (chained if layers else products)(params, x)
        p = jax.nn.softmax(z)
        g = p - onehot
        root = jnp.sqrt(p)
        c = GAMMA / m
        left = lambda s: root * s - p * (root * s).sum(1, keepdims=True)
        right = lambda v: root * (v - (p * v).sum(1, keepdims=True))
        b = -c * right(k(g))

        def iterate(_, state):
            s, r, d, rr = state
            ad = d + c * right(k(left(d)))
            a = rr / (d * ad).sum()
            s, r = s + a * d, r - a * ad
            new = (r * r).sum()
            return s, r, r + new / rr * d, new

        s = jax.lax.fori_loop(0, ITERATIONS, iterate, (jnp.zeros_like(b), b, b, (b * b).sum()))[0]
        return [-c * v for v in vjp(g + left(s))]

    compiled = jax.jit(direction, donate_argnums=2, keep_unused=True)
    params, x = [jnp.asarray(w) for w in weights], jnp.asarray(x)
    last = [jnp.zeros_like(w) for w in params]

    def call():
        nonlocal last
        last = jax.block_until_ready(compiled(params, x, last))
        return last

    return lambda: [np.asarray(v) for v in call()], call


def torch_direction(weights, x, y, threads, form):
    import torch

    torch.set_num_threads(threads)
    m = len(y)
    params = [torch.tensor(w) for w in weights]
    x = torch.tensor(x)
    onehot = torch.nn.functional.one_hot(torch.tensor(y), CLASSES).float()

    def net(*p):
        h = torch.relu(torch.nn.functional.linear(x, p[0], p[1]))
        h = torch.relu(torch.nn.functional.linear(h, p[2], p[3]))
        return torch.nn.functional.linear(h, p[4], p[5])

    def by_func():
        # torch.func.linearize traces anew at every call, which takes seconds.
        z, vjp = torch.func.vjp(net, *params)
        jvp = lambda v: torch.func.jvp(net, tuple(params), v)[1]
        return z, vjp, lambda a: jvp(vjp(a))

    def twice():
        # The gradient of u.z is linear in u: its own gradient with respect to u is J v.
        leaves = [p.detach().requires_grad_() for p in params]
        z = net(*leaves)
        u = torch.zeros_like(z, requires_grad=True)
        pulled = torch.autograd.grad(z, leaves, u, create_graph=True)
        vjp = lambda a: torch.autograd.grad(z, leaves, a, retain_graph=True)
        return z.detach(), vjp, lambda a: torch.autograd.grad(pulled, u, vjp(a), retain_graph=True)[0]

    def chained():
        w, b = params[0::2], params[1::2]
        inputs, masks = [x], []
        for i in range(2):
            h = torch.relu(torch.addmm(b[i], inputs[-1], w[i].T))
            masks.append((h > 0).float())
            inputs.append(h)
        z = torch.addmm(b[2], inputs[-1], w[2].T)
        grams = [h @ h.T + 1 if short(h) else None for h in inputs]

        def signals(a):
            out = [a]
            for i in (2, 1):
                out.append((out[-1] @ w[i]) * masks[i - 1])
            return out[::-1]

        def own(i, s):
            if grams[i] is not None:
                return grams[i] @ s
            return torch.addmm(s.sum(0), inputs[i], inputs[i].T @ s)

        def k(a):
            s = signals(a)
            t = own(0, s[0])
            for i in (1, 2):
                t = torch.addmm(own(i, s[i]), t * masks[i - 1], w[i].T)
            return t

        def vjp(a):
            out = []
            for h, s in zip(inputs, signals(a)):
                out += [s.T @ h, s.sum(0)]
            return out

        return z, vjp, k

    def direction():
        z, vjp, k = {"torch.func": by_func, "torch, twice": twice}.get(form, chained)()
        p = torch.softmax(z, 1)
        g = p - onehot
        root = p.sqrt()
        c = GAMMA / m
        left = lambda s: root * s - p * (root * s).sum(1, keepdim=True)
        right = lambda v: root * (v - (p * v).sum(1, keepdim=True))
        b = -c * right(k(g))
        s, r = torch.zeros_like(b), b
        d, rr = r, (r * r).sum()
        for _ in range(ITERATIONS):
            ad = d + c * right(k(left(d)))
            a = rr / (d * ad).sum()
            s, r = s + a * d, r - a * ad
            rr, old = (r * r).sum(), rr
            d = r + rr / old * d
        return [-c * v for v in vjp(g + left(s))]

    call = direction
    if form != "torch, twice":
        call = torch.no_grad()(torch.compile(direction) if form == "torch compiled" else direction)
    return lambda: [v.detach().numpy() for v in call()], call


def reference(weights, x, y):
    """Return what dgn answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        names = ["%d.%s" % (2 * i, kind) for i in range(3) for kind in ("weight", "bias")]
        np.savez(path("params.npz"), **dict(zip(names, weights)))
        np.savez(path("batch.npz"), x=x, y=y)
        with open(path("c.yaml"), "w") as f:
            f.write("model: {kind: mlp, hidden: %s, outputs: 10}\nloss: {kind: logistic}\nmethods: [{name: gn, oracle: {kind: gauss_newton, inner_iterations: %d, gamma: %g}, optimizer: {kind: sgd}}]\n"
                    % ([len(weights[1]), len(weights[3])], ITERATIONS, GAMMA))
        subprocess.run(["bin/dgn", "direction", path("c.yaml"), "--method", "gn", "--params", path("params.npz"), "--batch", path("batch.npz"), "--out", path("d.npz")],
                       check=True, stdout=subprocess.DEVNULL)
        return np.load(path("d.npz"))["direction"]


def served(name, threads, m, width):
    weights, x, y = problem(m, width)
    if name.startswith("jax"):
        get, call = jax_direction(weights, x, y, name == "jax, layers")
    else:
        get, call = torch_direction(weights, x, y, threads, name)
    want = reference(weights, x, y)
    got = np.concatenate([v.ravel() for v in get()])
    away = np.abs(got - want).max() / np.abs(want).max()
    assert away < 5e-3, away  # conjugate gradients of float32
    serve(call, "%.1g" % away)


if __name__ == "__main__":
    compare(served, "oracle: {kind: gauss_newton, inner_iterations: %d, gamma: %g}, optimizer: {kind: sgd, learning_rate: 1}" % (ITERATIONS, GAMMA), NAMES, CASES)
