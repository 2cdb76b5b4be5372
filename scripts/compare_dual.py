"""Time training steps along dual Gauss-Newton directions in dgn and JAX, alternated in one
run (peers.py), beside dgn's step of SGD. In JAX a step gathers the batch, makes the
direction and updates the weights, which are donated; all of it is compiled. The peers:

  jax              products with J and its transpose, linearized once
  jax, Gram        products with K = J J^T without the gradients of the weights: a dense
                   layer with inputs A adds (A A^T + 1) B for its signals B
  jax, Gram, scan  an epoch of ten or fifty steps in one call, by lax.scan
  jax, Jacobian    of a convolutional network: the Jacobian of the filters is kept (m k
                   rows), the dense layers are in Gram form

Each direction is first compared with what `dgn direction` answers.

Run: go build -o bin/ ./cmd/dgn && python3 scripts/compare_dual.py [--rounds N] [--threads 1,2] [--oracle TEXT]... [CASE]...
(needs numpy, jax and taskset). CASE is the beginning of a name in CASES; default: all, 9
rounds. Each --oracle adds a row of dgn with that text in the mapping of the oracle, such
as --oracle 'gram: chained'; its direction, too, is compared with the plain one.
"""
import argparse
import functools
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from peers import Dgn, Peer, alternate, header, mlp, serve, tell

RATE = 0.001
CLASSES = 10


class Case:
    """A network, its mini-batch and its subproblem."""

    steps = 10  # of an epoch of images

    def __init__(self, m, iterations, width=256):
        self.m, self.iterations, self.width, self.gamma = m, iterations, width, 0.1
        self.sizes = (784, width, width, CLASSES)

    names = ("jax", "jax, Gram", "jax, Gram, scan")

    def oracle(self, more):
        return "oracle: {%s}, optimizer: {kind: sgd, learning_rate: %g}" % (", ".join(["kind: gauss_newton", "inner_iterations: %d" % self.iterations, "gamma: %g" % self.gamma] + more), RATE)

    def config(self, method):
        return mlp(self.m, self.width, method)

    def data(self, rng):
        """Return the examples of an epoch: x, y."""
        n = self.steps * self.m
        return rng.normal(size=(n, 784)).astype(np.float32), rng.integers(0, CLASSES, n)

    def weights(self, rng):
        """Return the weights by their names, as PyTorch and dgn lay them out."""
        out = {}
        for i, (n, k) in enumerate(zip(self.sizes, self.sizes[1:])):
            out["%d.weight" % (2 * i)], out["%d.bias" % (2 * i)] = normal(rng, k, n), np.zeros(k, np.float32)
        return out

    def prepare(self, name, weights, x):
        """Return weights and examples as the peer has them, and how to turn a direction of its into dgn's."""
        turn = lambda p: [v.T for v in p]
        return turn(weights), x, turn

    def direction(self, name, p, x, y):
        """Return what is subtracted from the weights."""
        z, product, vjp = (linearized(dense, p, x) if name == "jax" else self.gram(p, x))
        return conjugate_gradients(z, y, product, vjp, self.gamma, self.iterations)

    def gram(self, p, x):
        """The product with K layer by layer.

        Where there is room, the signals of the first layer are kept for every class, m x
        k x w: k back-propagations, then no product goes through the hidden weights. At
        m = 128 this took 0.65 to 0.8 of the time of sending signals back and tangents
        forward in each product; at m = 1024 it took 1.05 to 1.2 times as long, as the
        signals leave the cache. What also lost: the signals multiplied and summed instead
        of einsum (1.2 times), laid out m x w x k (1.25) or k x m x w (1.4), K itself (3.5
        times at ten iterations, 2.6 at twenty). Unrolled iterations took the same time
        within 3 %, and so did XLA's flags fast_math, prefer_vector_width and use_xnnpack.
        """
        import jax.numpy as jnp

        w, b = p[0::2], p[1::2]
        inputs, masks = [x], []
        for i in (0, 1):
            a = inputs[-1] @ w[i] + b[i]
            masks.append((a > 0).astype(a.dtype))
            inputs.append(jnp.maximum(a, 0))
        z = inputs[2] @ w[2] + b[2]
        m = len(x)
        # The Gram matrix of inputs m x n is cheaper than two products with them.
        grams = [h @ h.T + 1 if m < 2 * h.shape[1] else None for h in inputs]

        def own(i, s):  # what the layer's own weights add
            return inputs[i] @ (inputs[i].T @ s) + s.sum(0) if grams[i] is None else grams[i] @ s

        second = lambda a: (a @ w[2].T) * masks[1]
        if m * CLASSES * self.width <= 1 << 21:
            kept = masks[1][:, None, :] * w[2].T[None]
            kept = (kept.reshape(m * CLASSES, -1) @ w[1].T).reshape(m, CLASSES, -1) * masks[0][:, None, :]
            first = lambda a, s: jnp.einsum("ic,ico->io", a, kept)
            tangent = lambda t, s: jnp.einsum("ico,io->ic", kept, t) + (own(1, s) * masks[1]) @ w[2]
        else:
            first = lambda a, s: (s @ w[1].T) * masks[0]
            tangent = lambda t, s: (((t * masks[0]) @ w[1] + own(1, s)) * masks[1]) @ w[2]

        def product(a):
            s = second(a)
            return tangent(own(0, first(a, s)), s) + own(2, a)

        def vjp(a):
            s = second(a)
            out = []
            for h, v in zip(inputs, (first(a, s), s, a)):
                out += [h.T @ v, v.sum(0)]
            return out

        return z, product, vjp


class Exact(Case):
    """One output, the dual system solved by Cholesky."""

    names = ("jax, Gram", "jax, Gram, scan")
    steps = 50

    def __init__(self, m):
        self.m, self.gamma, self.iterations = m, 100.0, 1
        self.sizes = (8, 128, 128, 1)

    def oracle(self, more):
        return super().oracle(["solver: cholesky"] + more)

    def config(self, method):
        path = os.path.join(Dgn.folder.name, "table%d.npz" % self.m)
        if not os.path.exists(path):
            x, y = self.data(np.random.default_rng(1))
            np.savez(path, x=x, y=y)
        return """
name: peers
data: {name: npz, path: %s, test_path: %s, standardize: false}
model: {kind: mlp, hidden: [128, 128], activation: tanh}
loss: {kind: squared}
train: {batch_size: %d, epochs: 1000}
methods: [{name: a, %s}]
""" % (path, path, self.m, method)

    def data(self, rng):
        n = self.steps * self.m
        return rng.normal(size=(n, 8)).astype(np.float32), rng.normal(size=(n, 1)).astype(np.float32)

    def direction(self, name, p, x, y):
        """A system of Hadamard products of Gram matrices: of inputs and of signals.

        solve is as fast as cho_solve in a call and faster by 0 to 12 % in a scan. What
        lost: LU (1.1 to 1.2 times), CG to full accuracy, triangular solves from the
        right, Gram matrices of inputs with a column of ones, an unrolled scan.
        """
        import jax
        import jax.numpy as jnp

        w, b = p[0::2], p[1::2]
        c = self.gamma / self.m
        h1 = jnp.tanh(x @ w[0] + b[0])
        h2 = jnp.tanh(h1 @ w[1] + b[1])
        z = h2 @ w[2] + b[2]
        d2 = (1 - h2 * h2) * w[2].T
        d1 = (d2 @ w[1].T) * (1 - h1 * h1)
        gram = lambda h: h @ h.T + 1
        k = gram(x) * (d1 @ d1.T) + gram(h1) * (d2 @ d2.T) + gram(h2)
        a = c * jax.scipy.linalg.solve(jnp.eye(self.m, dtype=k.dtype) + c * k, z - y, assume_a="pos")
        out = []
        for h, s in zip((x, h1, h2), (d1 * a, d2 * a, a)):
            out += [h.T @ s, s.sum(0)]
        return out


class Convolutional(Case):
    """The network of configs/mnist_conv.yaml."""

    names = ("jax", "jax, Jacobian")

    def __init__(self, m, iterations):
        self.m, self.iterations, self.gamma = m, iterations, 0.1

    def config(self, method):
        return """
name: peers
data: {name: mnist}
model: {kind: convnet, filters: [16, 32], kernel: 3, hidden: [64], activation: relu}
loss: {kind: logistic}
train: {batch_size: %d, epochs: 1000}
methods: [{name: a, %s}]
""" % (self.m, method)

    def data(self, rng):
        x, y = super().data(rng)
        return x.reshape(-1, 1, 28, 28), y

    def weights(self, rng):
        out = {}
        for name, shape in (("0", (16, 1, 3, 3)), ("3", (32, 16, 3, 3)), ("7", (64, 32 * 7 * 7)), ("9", (10, 64))):
            out[name + ".weight"], out[name + ".bias"] = normal(rng, *shape), np.zeros(shape[0], np.float32)
        return out

    def prepare(self, name, weights, x):
        # Channels last, filters as matrices of 9 c x f, images pixel by pixel. XLA's convolutions
        # are left out: their gradients took ten times as long as these products with
        # patches, whichever the layout.
        w = [v.T for v in weights]
        for i in (0, 2):
            w[i] = weights[i].transpose(2, 3, 1, 0).reshape(-1, len(weights[i]))
        w[4] = weights[4].reshape(64, 32, 7, 7).transpose(2, 3, 1, 0).reshape(-1, 64)

        def back(p):
            out = [v.T for v in p]
            for i in (0, 2):
                out[i] = p[i].reshape(3, 3, -1, p[i].shape[1]).transpose(3, 2, 0, 1)
            out[4] = p[4].reshape(7, 7, 32, 64).transpose(3, 2, 0, 1)
            return out

        return w, x.transpose(0, 2, 3, 1), back

    def direction(self, name, p, x, y):
        """By products, linearized once: vjp with jvp took 0.98 to 1.06 times as long, pooling by
        reduce_window 1.1 times. Or with the Jacobian of the filters."""
        if name == "jax":
            z, product, vjp = linearized(convolutional, p, x)
        else:
            z, product, vjp = self.jacobian(p, x)
        return conjugate_gradients(z, y, product, vjp, self.gamma, self.iterations)

    def jacobian(self, p, x):
        """The filters have few weights, so that their Jacobian, m k x 4800, is small, and
        a product with it cheap beside a pass through the network. Nearly all the time
        goes into making it.

        Signals are m x h x w x k x f, but where a convolution sends them back: with k
        before h all took 1.3 times as long. Sending back by patches, by shifted sums or by
        a convolution in three dimensions took 1.8 to 2.1 times as long; K formed of the
        Jacobian 1.3 times; its making image by image, by lax.map, 1.1 times.
        """
        import jax
        import jax.numpy as jnp
        from jax import lax

        m = len(x)

        def pooled(a):
            n, h, w, f = a.shape
            squares = a.reshape(n, h // 2, 2, w // 2, 2, f)
            highest = jax.nn.relu(squares.max((2, 4)))
            e = highest[:, :, None, :, None, :]
            return highest, ((squares == e) & (e > 0)).astype(a.dtype)

        def unpooled(s, mask):
            s = s[:, :, None, :, None] * mask[..., None, :]
            return s.reshape(m, 2 * s.shape[1], 2 * s.shape[3], CLASSES, -1)

        patches1 = patches(x)
        a1, mask1 = pooled(patches1 @ p[0] + p[1])
        patches2 = patches(a1)
        a2, mask2 = pooled(patches2 @ p[2] + p[3])
        flat = a2.reshape(m, -1)
        h = flat @ p[4] + p[5]
        mask = (h > 0).astype(h.dtype)
        h = jnp.maximum(h, 0)
        z = h @ p[6] + p[7]

        s2 = (mask[:, None, :] * p[6].T).reshape(m * CLASSES, -1) @ p[4].T
        s2 = unpooled(s2.reshape(m, CLASSES, 7, 7, 32).transpose(0, 2, 3, 1, 4), mask2)
        flipped = jnp.flip(p[2].reshape(3, 3, 16, 32), (0, 1)).transpose(0, 1, 3, 2)
        s1 = lax.conv_general_dilated(s2.transpose(0, 3, 1, 2, 4).reshape(-1, 14, 14, 32), flipped, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        s1 = unpooled(s1.reshape(m, CLASSES, 14, 14, 16).transpose(0, 2, 3, 1, 4), mask1)
        parts = []
        for q, s in ((patches1, s1), (patches2, s2)):
            q, s = q.reshape(m, -1, q.shape[3]), s.reshape(m, -1, CLASSES * s.shape[4])
            for j in (jnp.einsum("ipg,ipq->igq", s, q).transpose(0, 2, 1), s.sum(1)):
                parts.append(j.reshape(m, -1, CLASSES, s.shape[2] // CLASSES).transpose(0, 2, 1, 3).reshape(m * CLASSES, -1))
        kept = jnp.concatenate(parts, 1)
        grams = flat @ flat.T + 1, h @ h.T + 1
        hidden = lambda a: (a @ p[6].T) * mask

        def product(a):
            return (kept @ (a.reshape(-1) @ kept)).reshape(m, CLASSES) + ((grams[0] @ hidden(a)) * mask) @ p[6] + grams[1] @ a

        def vjp(a):
            s = hidden(a)
            filters = jnp.split(a.reshape(-1) @ kept, np.cumsum([v.size for v in p[:3]]))
            return [v.reshape(w.shape) for v, w in zip(filters, p)] + [flat.T @ s, s.sum(0), h.T @ a, a.sum(0)]

        return z, product, vjp


CASES = {
    "mlp 128x256, 10 CG": Case(128, 10),
    "mlp 128x256, 20 CG": Case(128, 20),
    "mlp 128x1024, 10 CG": Case(128, 10, 1024),
    "mlp 1024x256, 10 CG": Case(1024, 10),
    "exact 64": Exact(64),
    "exact 128": Exact(128),
    "exact 256": Exact(256),
    "conv 64, 20 CG": Convolutional(64, 20),
}


def normal(rng, k, *n):
    return rng.normal(0, np.sqrt(2 / np.prod(n)), (k,) + n).astype(np.float32)


def dense(p, x):
    import jax

    for w, b in zip(p[:-2:2], p[1:-2:2]):
        x = jax.nn.relu(x @ w + b)
    return x @ p[-2] + p[-1]


def patches(x):
    """Return what the filters of 3 x 3 see: m x h x w x 9 c."""
    import jax.numpy as jnp

    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([x[:, i:i + h, j:j + w] for i in range(3) for j in range(3)], 3)


def pool(x):
    m, h, w, c = x.shape
    return x.reshape(m, h // 2, 2, w // 2, 2, c).max((2, 4))


def convolutional(p, x):
    import jax

    for w, b in ((p[0], p[1]), (p[2], p[3])):
        x = pool(jax.nn.relu(patches(x) @ w + b))
    return dense(p[4:], x.reshape(len(x), -1))


def linearized(net, p, x):
    """Return outputs, the product with J J^T, and that with J^T."""
    import jax

    z, jvp = jax.linearize(lambda q: net(q, x), p)
    transpose = jax.linear_transpose(jvp, p)
    vjp = lambda a: transpose(a)[0]
    return z, lambda a: jvp(vjp(a)), vjp


def conjugate_gradients(z, y, product, vjp, gamma, iterations):
    """Return gamma/m J^T of the dual variables of the logistic loss."""
    import jax
    import jax.numpy as jnp

    p = jax.nn.softmax(z)
    g = p - jax.nn.one_hot(y, CLASSES)
    root = jnp.sqrt(p)
    c = gamma / len(z)
    left = lambda s: root * s - p * (root * s).sum(1, keepdims=True)
    right = lambda v: root * (v - (p * v).sum(1, keepdims=True))

    def iterate(_, state):
        s, r, d, rr = state
        ad = d + c * right(product(left(d)))
        a = rr / (d * ad).sum()
        s, r = s + a * d, r - a * ad
        new = (r * r).sum()
        return s, r, r + new / rr * d, new

    b = -c * right(product(g))
    s = jax.lax.fori_loop(0, iterations, iterate, (jnp.zeros_like(b), b, b, (b * b).sum()))[0]
    return [c * v for v in vjp(g + left(s))]


def reference(case, weights, x, y, more=()):
    """Return the direction that dgn answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        np.savez(path("params.npz"), **weights)
        np.savez(path("batch.npz"), x=x, y=y)
        with open(path("c.yaml"), "w") as f:
            f.write(case.config(case.oracle(list(more))))
        subprocess.run(["bin/dgn", "direction", path("c.yaml"), "--method", "a", "--params", path("params.npz"), "--batch", path("batch.npz"), "--out", path("d.npz")],
                       check=True, stdout=subprocess.DEVNULL)
        return np.load(path("d.npz"))["direction"]


def away(got, want):
    d = np.abs(got - want).max() / np.abs(want).max()
    assert d < 5e-3, d  # conjugate gradients of float32
    return d


def problem(case):
    """Return weights and examples, the same in every process."""
    rng = np.random.default_rng(0)
    return case.weights(rng), *case.data(rng)


def served(name, case):
    import jax
    import jax.numpy as jnp

    weights, x, y = problem(case)
    p, images, back = case.prepare(name, list(weights.values()), x)
    direction = functools.partial(case.direction, name)
    first = jax.jit(direction)(p, images[:case.m], y[:case.m])
    got = -np.concatenate([v.ravel() for v in back([np.asarray(v) for v in first])])
    note = "%.1g" % away(got, reference(case, weights, x[:case.m], y[:case.m]))

    def step(p, images, y, index):
        return [v - RATE * d for v, d in zip(p, direction(p, images[index], y[index]))]

    def epoch(p, images, y, order):
        return jax.lax.scan(lambda p, index: (step(p, images, y, index), None), p, order)[0]

    scan = name.endswith("scan")
    compiled = jax.jit(epoch if scan else step, donate_argnums=0)
    p, images, y = [jnp.asarray(v) for v in p], jnp.asarray(images), jnp.asarray(y)
    order = jnp.asarray(np.random.default_rng(1).permutation(len(y)).reshape(-1, case.m))
    batches = [order] if scan else list(order)
    count = 0

    def call():
        nonlocal p, count
        p = jax.block_until_ready(compiled(p, images, y, batches[count % len(batches)]))
        count += 1

    serve(call, note, case.steps if scan else 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--oracle", action="append", default=[], help="text for the mapping of dgn's oracle; a row more")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="beginnings of: " + "; ".join(CASES))
    options = parser.parse_args()
    chosen = [name for name in CASES if name.startswith(tuple(options.cases or [""]))]
    if not chosen:
        parser.error("no case begins so")
    to = ("dgn", "dgn, SGD")
    trips = {}
    header("case, threads", to)
    for name in chosen:
        case = CASES[name]
        weights, x, y = problem(case)
        answer = functools.partial(reference, case, weights, x[:case.m], y[:case.m])
        for more in options.oracle:
            away(answer([more]), answer())
        for threads in map(int, options.threads.split(",")):
            sgd = "optimizer: {kind: sgd, learning_rate: %g}" % RATE
            programs = [Dgn(threads, case.config(sgd), "dgn, SGD"), Dgn(threads, case.config(case.oracle([])))]
            programs += [Dgn(threads, case.config(case.oracle([more])), "dgn, " + more) for more in options.oracle]
            peers = [Peer(peer, threads, [name]) for peer in case.names]
            title = "%s, %d" % (name, threads)
            tell(title, peers)
            alternate(title, programs + peers, options.rounds, to)
            trips.setdefault(threads, []).extend(t for p in programs for t in p.trips)
    for threads, seen in trips.items():
        if seen:
            print("\nFrom core to core and back with %d threads: %.0f ns, %.0f to %.0f." % (threads, statistics.median(seen), min(seen), max(seen)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        served(sys.argv[2], CASES[sys.argv[4]])
    else:
        main()
