"""Time training steps of dgn's hessian_free beside those of PyTorch, in turn, in float32.

PyTorch's are written out as for the MLP 784-256-256-10 with mini-batches of 128 alone, without autograd: a
product of the Gauss-Newton matrix is a JVP and a VJP by products of PyTorch, and conjugate gradients work on
one vector of all weights. In both they go from 0.95 times the solution before through so many iterations, to
the last iterate. Processes take turns as in scripts/peers, which this builds on. Milliseconds are medians of
rounds, and "over SGD" is the median of the ratios within a round.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/oracles/steps_hessian_free.py [ROW]... (needs torch and numpy).
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import beside  # noqa: E402

BATCH, EXAMPLES, RATE, GAMMA, DECAY = 128, 1280, 0.1, 1.0, 0.95

# Iterations of conjugate gradients.
ROWS = {"10": 10, "20": 20}


class HessianFree:
    def __init__(self, torch, params, iterations):
        self.torch, self.iterations = torch, iterations
        self.shapes = [(w.shape, b.shape) for w, b in params]
        self.w = torch.cat([v.reshape(-1) for layer in params for v in layer])
        self.layers = self.views(self.w)
        self.x = torch.zeros_like(self.w)

    def views(self, flat):
        """Return the weights and biases of the layers within a vector of all."""
        out, at = [], 0
        for w, b in self.shapes:
            out.append((flat[at : at + w.numel()].view(w), flat[at + w.numel() : at + w.numel() + b.numel()]))
            at += w.numel() + b.numel()
        return out

    def vjp(self, u, to):
        """Set the vector whose views are to to the product of the transposed Jacobian with u."""
        for i in reversed(range(len(self.layers))):
            self.torch.mm(u.t(), self.inputs[i], out=to[i][0])
            self.torch.sum(u, 0, out=to[i][1])
            if i > 0:
                u = (u @ self.layers[i][0]).mul_(self.masks[i - 1])

    def jvp(self, along):
        t = None
        for i, ((w, _), (dw, db)) in enumerate(zip(self.layers, along)):
            s = self.torch.addmm(db, self.inputs[i], dw.t())
            if t is not None:
                s.addmm_(t, w.t())
            t = s.mul_(self.masks[i]) if i < len(self.masks) else s
        return t

    def product(self, v, along, out, to):
        """Set out to (G + 1/gamma) v."""
        t = self.jvp(along)
        h = self.p * t
        h.sub_(self.p * h.sum(1, keepdim=True)).div_(len(t))
        self.vjp(h, to)
        return out.add_(v, alpha=1 / GAMMA)

    def step(self, x, y):
        torch, m = self.torch, len(x)
        self.inputs, self.masks = [x], []
        for i, (w, b) in enumerate(self.layers):
            z = torch.addmm(b, self.inputs[-1], w.t())
            if i < len(self.layers) - 1:
                x = z.relu_()
                self.inputs.append(x)
                self.masks.append((x > 0).to(x.dtype))
        self.p = z.softmax(1)
        g = self.p / m
        g[torch.arange(m), y] -= 1 / m
        r, p, ap = torch.empty_like(self.w), torch.empty_like(self.w), torch.empty_like(self.w)
        along, to = self.views(p), self.views(ap)
        self.vjp(g, self.views(r))
        r.neg_()
        p.copy_(self.x.mul_(DECAY))
        r.sub_(self.product(p, along, ap, to))
        p.copy_(r)
        rr = r.dot(r)
        for _ in range(self.iterations):
            self.product(p, along, ap, to)
            alpha = rr / p.dot(ap)
            self.x.add_(alpha * p)
            r.sub_(alpha * ap)
            old, rr = rr, r.dot(r)
            p.mul_(rr / old).add_(r)
        self.w.add_(self.x, alpha=RATE)


def worker(name, threads):
    """Make steps of PyTorch in turns, as drive.Worker asks for them."""
    beside.train(name, threads, BATCH, EXAMPLES, 1e-4, 1, lambda torch, params: HessianFree(torch, params, ROWS[name]))


def workers(row, on):
    oracle = "{kind: hessian_free, inner_iterations: %d, tolerance: 0, backtracking: false, decay: %g, gamma: %g}" % (ROWS[row], DECAY, GAMMA)
    return [on.dgn("dgn", "oracle: %s, optimizer: {kind: sgd, learning_rate: %g}" % (oracle, RATE)), on.torch("torch", row)]


if __name__ == "__main__":
    beside.main(os.path.abspath(__file__), __doc__, ROWS, worker, workers, "iterations", BATCH, EXAMPLES, 1.0)
