"""Dual Gauss-Newton directions in terms of the arrays of a library, JAX or PyTorch: the
products with K = J J^T of an MLP in Gram form, conjugate gradients, and exact steps.

A Library names what the two call differently. All functions return what is subtracted
from the weights, in the order of these: for each dense layer its matrix, inputs x
outputs, and its bias.
"""
import collections

# xp: jax.numpy or torch; softmax(z) and onehot(y) of rows; solve(a, b) with a positive
# definite matrix; repeat(n, f, state), which returns f(f(...f(state))). Of images with
# channels last: pad(x), with a rim of zeros; convolve(x, w) with filters 3 x 3 x c x f.
Library = collections.namedtuple("Library", "xp softmax onehot solve repeat pad convolve")

ROOM = 1 << 21  # kept signals of so many numbers stay in the cache


class Gram:
    """An MLP of three dense layers at x (m x n), without the gradients of the weights: a
    dense layer with inputs A adds (A A^T + 1) B for its signals B.

    Where there is room, the signals of the first layer are kept for every class, m x k x
    w: k back-propagations, then no product goes through the hidden weights. At m = 128
    this took 0.65 to 0.8 of the time of sending signals back and tangents forward in
    each product; at m = 1024 it took 1.05 to 1.2 times as long, as the signals leave the
    cache. In JAX also lost: the signals multiplied and summed instead of einsum (1.2
    times), laid out m x w x k (1.25) or k x m x w (1.4), K itself for ten classes (3.5
    times at ten iterations, 2.6 at twenty). Unrolled iterations took the same time within
    3 %, and so did XLA's flags fast_math, prefer_vector_width and use_xnnpack. With one
    output K itself is the least work.
    """

    def __init__(self, library, net, weights, x):
        xp = self.xp = library.xp
        self.w, b = weights[0::2], weights[1::2]
        self.inputs, self.slopes = [x], []
        for i in (0, 1):
            a = self.inputs[-1] @ self.w[i] + b[i]
            if net.activation == "tanh":
                h = xp.tanh(a)
                self.slopes.append(1 - h * h)
            else:
                h = xp.clip(a, 0)
                self.slopes.append((a > 0) * 1.0)
            self.inputs.append(h)
        self.outputs = self.inputs[2] @ self.w[2] + b[2]
        m, k, width = len(x), net.outputs, net.hidden[0]
        # The Gram matrix of inputs m x n is cheaper than two products with them.
        self.grams = [h @ h.T + 1 if m < 2 * h.shape[1] or k == 1 else None for h in self.inputs]
        self.kept = self.formed = None
        if k == 1:
            s2 = self.second(xp.ones_like(self.outputs))
            s1 = (s2 @ self.w[1].T) * self.slopes[0]
            self.formed = self.grams[0] * (s1 @ s1.T) + self.grams[1] * (s2 @ s2.T) + self.grams[2]
            self.ones = s1, s2
        elif m * k * width <= ROOM:
            s = self.slopes[1][:, None, :] * self.w[2].T[None]
            self.kept = (s.reshape(m * k, -1) @ self.w[1].T).reshape(m, k, -1) * self.slopes[0][:, None, :]

    def own(self, i, s):
        """What the weights of layer i add to its outputs, for signals s."""
        if self.grams[i] is None:
            return self.inputs[i] @ (self.inputs[i].T @ s) + s.sum(0)
        return self.grams[i] @ s

    def second(self, a):
        return (a @ self.w[2].T) * self.slopes[1]

    def first(self, a, s):
        if self.kept is None:
            return (s @ self.w[1].T) * self.slopes[0]
        return self.xp.einsum("ic,ico->io", a, self.kept)

    def product(self, a):
        """K a."""
        if self.formed is not None:
            return self.formed @ a
        s = self.second(a)
        t = self.own(0, self.first(a, s))
        if self.kept is None:
            t = (((t * self.slopes[0]) @ self.w[1] + self.own(1, s)) * self.slopes[1]) @ self.w[2]
        else:
            t = self.xp.einsum("ico,io->ic", self.kept, t) + (self.own(1, s) * self.slopes[1]) @ self.w[2]
        return t + self.own(2, a)

    def vjp(self, a):
        """J^T a."""
        if self.formed is not None:
            signals = self.ones[0] * a, self.ones[1] * a, a
        else:
            s = self.second(a)
            signals = self.first(a, s), s, a
        out = []
        for h, v in zip(self.inputs, signals):
            out += [h.T @ v, v.sum(0)]
        return out


def conjugate_gradients(library, z, y, product, vjp, gamma, iterations):
    """Return gamma/m J^T of the dual variables after so many iterations."""
    c = gamma / len(z)
    if z.shape[1] == 1:  # squared loss
        g = z - y
        left = right = lambda s: s
    else:
        p = library.softmax(z)
        g = p - library.onehot(y)
        root = p ** 0.5
        left = lambda s: root * s - p * (root * s).sum(1)[:, None]
        right = lambda v: root * (v - (p * v).sum(1)[:, None])

    def iterate(state):
        s, r, d, rr = state
        ad = d + c * right(product(left(d)))
        a = rr / (d * ad).sum()
        s, r = s + a * d, r - a * ad
        new = (r * r).sum()
        return s, r, r + new / rr * d, new

    b = -c * right(product(g))
    s = library.repeat(iterations, iterate, (library.xp.zeros_like(b), b, b, (b * b).sum()))[0]
    return [c * v for v in vjp(g + left(s))]


def exact(library, z, y, formed, vjp, gamma):
    """Return gamma/m J^T of the solution of (I + gamma/m K) a = z - y, for one output.

    In JAX solve was as fast as cho_solve in a call and faster by 0 to 12 % in a scan. What
    lost: LU (1.1 to 1.2 times), CG to full accuracy, triangular solves from the right, Gram
    matrices of inputs with a column of ones, an unrolled scan.
    """
    c = gamma / len(z)
    a = library.solve(library.xp.eye(len(z)) + c * formed, z - y)
    return [c * v for v in vjp(a)]
