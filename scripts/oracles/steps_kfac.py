"""Time training steps of dgn's kfac beside those of K-FAC in PyTorch, in turn, in float32.

PyTorch's is written out as for the MLP 784-256-256-10 with mini-batches of 128 alone, without autograd:
products of PyTorch, inverses by torch.linalg.cholesky_ex and torch.cholesky_inverse. Processes take turns as
in scripts/peers, which this builds on. Milliseconds are medians of rounds, and "over SGD" is the median of
the ratios within a round.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/oracles/steps_kfac.py [ROW]... (needs torch and numpy).
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import beside  # noqa: E402

BATCH, EXAMPLES, RATE, EMA, GAMMA = 128, 1280, 1e-4, 0.95, 10.0

# What fisher is, and after how many steps factors and inverses are made.
ROWS = {"type2": ("type2", 1), "empirical": ("empirical", 1), "type2, 10": ("type2", 10), "mc, 10": ("mc", 10)}


class KFAC:
    def __init__(self, torch, params, fisher, every):
        self.torch, self.params, self.fisher, self.every, self.t = torch, params, fisher, every, 0
        self.a = [torch.zeros(w.shape[1] + 1, w.shape[1] + 1) for w, _ in params]
        self.g = [torch.zeros(len(w), len(w)) for w, _ in params]
        self.inverses = [None] * len(params)

    def back(self, delta, inputs):
        """Return the signals of each layer, for any number of signals of every example."""
        signals = [delta]
        for (w, _), x in zip(self.params[:0:-1], inputs[:0:-1]):
            delta = (delta @ w).view(-1, *x.shape).mul_(x > 0).view(-1, x.shape[1])
            signals.append(delta)
        return signals[::-1]

    def update(self, p, y, inputs, augmented):
        torch, m, k = self.torch, *p.shape
        root = p.sqrt()
        if self.fisher == "type2":
            sent = (torch.eye(k)[:, None, :] * root - p * root.t()[:, :, None]).view(k * m, k)
        else:
            at = y if self.fisher == "empirical" else torch.multinomial(p, 1)[:, 0]
            sent = p.clone()
            sent[torch.arange(m), at] -= 1
        old = min(1 - 1 / (self.t // self.every + 1), EMA)
        for i, (x, b) in enumerate(zip(augmented, self.back(sent, inputs))):
            a = self.a[i].addmm_(x.t(), x, beta=old, alpha=(1 - old) / m)
            g = self.g[i].addmm_(b.t(), b, beta=old, alpha=(1 - old) / m)
            pi = float(((a.trace() / len(a)) / (g.trace() / len(g))).sqrt())
            self.inverses[i] = [self.inverse(f, by * GAMMA**-0.5) for f, by in ((a, pi), (g, 1 / pi))]

    def inverse(self, f, damping):
        f = f.clone()
        f.diagonal().add_(damping)
        return self.torch.cholesky_inverse(self.torch.linalg.cholesky_ex(f)[0])

    def step(self, x, y):
        torch, m, inputs = self.torch, len(x), []
        for w, b in self.params:
            inputs.append(x)
            x = torch.addmm(b, x, w.t())
            z = x
            x = x.relu()
        p = z.softmax(1)
        augmented = [torch.cat([v, torch.ones(m, 1)], 1) for v in inputs]
        if self.t % self.every == 0:
            self.update(p, y, inputs, augmented)
        self.t += 1
        p[torch.arange(m), y] -= 1
        for (w, b), v, s, (a, g) in zip(self.params, augmented, self.back(p.div_(m), inputs), self.inverses):
            d = g @ (s.t() @ v) @ a
            w.sub_(d[:, :-1], alpha=RATE)
            b.sub_(d[:, -1], alpha=RATE)


def worker(name, threads):
    """Make steps of PyTorch in turns, as drive.Worker asks for them."""
    beside.train(name, threads, BATCH, EXAMPLES, RATE, 10, lambda torch, params: KFAC(torch, params, *ROWS[name]))


def workers(row, on):
    fisher, every = ROWS[row]
    oracle = "{kind: kfac, fisher: %s, update_every: %d, ema: %g, gamma: %g}" % (fisher, every, EMA, GAMMA)
    return [on.dgn("dgn", "oracle: %s, optimizer: {kind: sgd, learning_rate: %g}" % (oracle, RATE)), on.torch("torch", row)]


if __name__ == "__main__":
    beside.main(os.path.abspath(__file__), __doc__, ROWS, worker, workers, "fisher, update_every", BATCH, EXAMPLES, 1.0, digits=2)
