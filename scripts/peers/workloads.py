"""The rows of the table: networks, mini-batches and methods, and the programs that make
their training steps.

A program is a library and the form of its step, as in "jax, Gram, scan"; jax_worker.py,
torch_worker.py and somax_worker.py say what the forms are.
"""
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Network:
    shape: tuple  # channels, height, width of an example
    outputs: int  # with one, targets are numbers and the loss is squared; else logistic
    hidden: tuple
    activation: str = "relu"
    filters: tuple = ()  # of 3 x 3, each followed by relu and 2 x 2 max pooling
    groups: int = 0  # of the group norm behind each convolution, which then has no bias
    precision = "float32"

    @property
    def features(self):
        """The inputs of the first dense layer."""
        c, h, w = self.shape
        for c in self.filters:
            h, w = h // 2, w // 2
        return c * h * w

    def layers(self):
        """Return the layers in order, as a torch.nn.Sequential counts them: kind, and what
        the kind needs."""
        channels, out = self.shape[0], []
        for f in self.filters:
            out.append(("conv", channels, f))
            if self.groups:
                out.append(("norm", f))
            out += [("relu",), ("pool",)]
            channels = f
        if self.filters:
            out.append(("flatten",))
        sizes = (self.features,) + self.hidden + (self.outputs,)
        for n, k in zip(sizes, sizes[1:]):
            out += [("dense", n, k), (self.activation,)]
        return out[:-1]

    def weights(self, rng):
        """Draw weights by their names, in the order and the layouts of dgn and PyTorch."""
        out = {}
        for i, (kind, *sizes) in enumerate(self.layers()):
            if kind == "norm":
                out["%d.weight" % i], out["%d.bias" % i] = np.ones(sizes[0], np.float32), np.zeros(sizes[0], np.float32)
            elif kind in ("conv", "dense"):
                n, k = sizes
                shape = (k, n, 3, 3) if kind == "conv" else (k, n)
                out["%d.weight" % i] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
                if kind == "dense" or not self.groups:
                    out["%d.bias" % i] = np.zeros(k, np.float32)
        return out

    def examples(self, rng, n):
        """Draw examples, n x features or n x channels x height x width, and targets. Images
        of convolutions are as large as those of MNIST: with larger ones conjugate gradients
        in float32 round by 0.02 of the direction."""
        shape = self.shape if self.filters else (int(np.prod(self.shape)),)
        x = rng.normal(0, 0.3 if self.filters else 1, size=(n,) + shape).astype(np.float32)
        return x, rng.normal(size=(n, 1)).astype(np.float32) if self.outputs == 1 else rng.integers(0, self.outputs, n)

    def config(self):
        """Return lines of dgn's config. Data are handed to it, whatever they are called."""
        if self.filters:
            norm = "norm: {kind: group_norm, groups: %d}, " % self.groups if self.groups else ""
            model = "convnet, filters: %s, kernel: 3, %s" % (list(self.filters), norm)
        else:
            model = "mlp, "
        loss = "squared" if self.outputs == 1 else "logistic"
        return "data: {name: %s, standardize: false}\nmodel: {kind: %shidden: %s, activation: %s, outputs: %d}\nloss: {kind: %s}\n" % (
            "diabetes" if self.outputs == 1 else "mnist", model, list(self.hidden), self.activation, self.outputs, loss)


@dataclasses.dataclass(frozen=True)
class Residuals(Network):
    """The network of residuals of Poisson's equation, -Laplacian u = f in the unit cube and u = u*
    on its boundary, with u* = sum cos(pi x_i). Points of a mini-batch are those inside first, then
    those on the boundary."""
    dimension: int = 5
    interior: int = 3000
    boundary: int = 500
    precision = "float64"

    def weights(self, rng):
        return {k: v.astype(float) for k, v in super().weights(rng).items()}

    def examples(self, rng, n):
        """Draw points, n x dimension, their targets and parts: 0 inside, 1 on the boundary."""
        batches = n // (self.interior + self.boundary)
        x = rng.random((batches, self.interior + self.boundary, self.dimension))
        part = np.zeros(x.shape[:2], np.int64)
        part[:, self.interior:] = 1
        faces = rng.integers(self.dimension, size=part.shape), rng.integers(2, size=part.shape)
        i, j = np.nonzero(part)
        x[i, j, faces[0][i, j]] = faces[1][i, j]
        u = np.cos(np.pi * x).sum(2)
        y = np.where(part == 1, u, np.pi**2 * u)  # -Laplacian cos(pi x) = pi^2 cos(pi x)
        return x.reshape(n, -1), y.reshape(n, 1), part.reshape(n)

    def config(self):
        return ("precision: float64\ndata: {name: poisson, dimension: %d, solution: cosine_sum, interior: %d, boundary: %d, resample: 1}\n"
                "model: {kind: mlp, hidden: %s, activation: %s}\nloss: squared\n" % (self.dimension, self.interior, self.boundary, list(self.hidden), self.activation))


@dataclasses.dataclass(frozen=True)
class Workload:
    net: Network
    m: int
    method: str  # sgd, adam, gn: a dual direction under sgd, exact: gn with one output, solved by Cholesky
    programs: tuple  # besides dgn
    iterations: int = 0  # of conjugate gradients
    gamma: float = 0.0
    steps: int = 10  # of an epoch of examples, which a scan makes in one call

    @property
    def rate(self):
        """The learning rate, with which a step changes weights by more than rounding does.
        That of gn is small, so that weights stay where conjugate gradients need all of
        their iterations."""
        return {"sgd": 0.05, "adam": 0.001, "gn": 0.01, "exact": 0.05}[self.method]

    @property
    def examples(self):
        return self.steps * self.m

    def dgn(self, oracle=()):
        """Return the mapping of dgn's method, with more text in that of its oracle."""
        optimizer = "optimizer: {kind: %s, learning_rate: %g}" % ("adam" if self.method == "adam" else "sgd", self.rate)
        if self.method in ("sgd", "adam"):
            return optimizer
        own = ["kind: gauss_newton", "gamma: %g" % self.gamma]
        own += ["solver: cholesky", "inner_iterations: 1"] if self.method == "exact" else ["inner_iterations: %d" % self.iterations]
        return "oracle: {%s}, %s" % (", ".join(own + list(oracle)), optimizer)

    def config(self, oracle=()):
        return "name: peers\n%strain: {batch_size: %d, epochs: 1000000}\nmethods: [{name: a, %s}]\n" % (self.net.config(), self.m, self.dgn(oracle))


def mlp(width):
    return Network((1, 28, 28), 10, (width, width))


DIGITS = Network((1, 8, 8), 10, (64, 64))
TABLE = Network((8, 1, 1), 1, (128, 128), "tanh")
MNIST_CONV = Network((1, 28, 28), 10, (64,), filters=(16, 32))
CIFAR = Network((3, 32, 32), 10, (), filters=(16, 32, 64), groups=8)

FIRST_ORDER = ("jax", "jax, scan", "torch", "torch, compiled")
SMALL = FIRST_ORDER + ("torch, compiled, unrolled",)
CONVOLUTIONS = ("jax", "jax, patches, scan", "torch", "torch, channels_last", "torch, compiled", "torch, channels_last, compiled")
PRODUCTS = ("jax", "jax, Gram", "jax, Gram, scan", "torch, twice", "torch, Gram", "torch, Gram, compiled")
SOMAX = ("somax, CG", "somax, CG, scan")
EXACT = ("jax, Jacobian", "jax, Gram", "jax, Gram, scan", "torch, Gram", "torch, Gram, compiled", "torch, Gram, compiled, unrolled")

WORKLOADS = {}
for method in ("sgd", "adam"):
    WORKLOADS["mlp256-m128-" + method] = Workload(mlp(256), 128, method, FIRST_ORDER)
    WORKLOADS["mlp256-m1024-" + method] = Workload(mlp(256), 1024, method, FIRST_ORDER)
    WORKLOADS["mlp1024-m128-" + method] = Workload(mlp(1024), 128, method, FIRST_ORDER)
    WORKLOADS["digits-m64-" + method] = Workload(DIGITS, 64, method, SMALL, steps=50)
for m in (64, 128):
    WORKLOADS["mnistconv-m%d-sgd" % m] = Workload(MNIST_CONV, m, "sgd", CONVOLUTIONS)
WORKLOADS["cifar-m128-sgd"] = Workload(CIFAR, 128, "sgd", CONVOLUTIONS)
for cg in (10, 20):
    gn = dict(method="gn", iterations=cg, gamma=1)  # with 0.1 fewer than 20 iterations are exact
    WORKLOADS["mlp256-m128-gn%d" % cg] = Workload(mlp(256), 128, programs=PRODUCTS + SOMAX, **gn)
    # With gamma 1, conjugate gradients in float32, as of the others, are 0.17 of the direction
    # away from those in float64, as of dgn, after 10 iterations.
    WORKLOADS["mlp1024-m128-gn%d" % cg] = Workload(mlp(1024), 128, programs=("jax, Gram", "jax, Gram, scan", "torch, Gram, compiled"), **dict(gn, gamma=0.1 if cg == 10 else 1))
    WORKLOADS["mlp256-m1024-gn%d" % cg] = Workload(mlp(256), 1024, programs=("jax, Gram", "jax, Gram, scan", "torch, Gram, compiled"), **gn)
    WORKLOADS["mnistconv-m64-gn%d" % cg] = Workload(MNIST_CONV, 64, programs=("jax, patches", "jax, Jacobian", "torch, channels_last, twice", "torch, Jacobian", "torch, Jacobian, compiled"), **dict(gn, gamma=0.1))
    WORKLOADS["digits-m64-gn%d" % cg] = Workload(DIGITS, 64, programs=PRODUCTS + SOMAX, steps=50, **gn)
WORKLOADS["reg-sgd"] = Workload(TABLE, 64, "sgd", SMALL, steps=50)
WORKLOADS["reg-exact"] = Workload(TABLE, 64, "exact", EXACT + ("somax", "somax, scan"), gamma=100, steps=50)
for m in (128, 256):
    WORKLOADS["reg-exact-m%d" % m] = Workload(TABLE, m, "exact", EXACT, gamma=100, steps=50)
WORKLOADS["reg-gn10"] = Workload(TABLE, 64, "gn", PRODUCTS + SOMAX, iterations=10, gamma=10, steps=50)


# With gamma 1e4 rounding of K moves the direction by less than the tolerance; dgn refines it.
POISSON = Residuals((5, 1, 1), 1, (64, 64, 48, 48), "tanh")
WORKLOADS["poisson5d-exact"] = Workload(POISSON, 3500, "exact", ("jax, forward", "jax, jvp", "jax, jet"), gamma=1e4, steps=2)


def chosen(names):
    """Return the workloads whose names begin with one of these, all if there are none.
    reg-exact alone is a name and a beginning: it is all sizes of its mini-batch."""
    out = [w for w in WORKLOADS if w.startswith(tuple(names or [""]))]
    for name in names:
        if not any(w.startswith(name) for w in out):
            raise SystemExit("no row begins with %s; rows: %s" % (name, " ".join(WORKLOADS)))
    return out
