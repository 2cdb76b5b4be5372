"""Time training steps of dgn's kfac beside those of K-FAC in PyTorch, in turn, in float32.

PyTorch's is written out as for the MLP 784-256-256-10 with mini-batches of 128 alone, without autograd:
products of PyTorch, inverses by torch.linalg.cholesky_ex and torch.cholesky_inverse. Processes take turns as
in scripts/peers, which this builds on. Milliseconds are medians of rounds, and "over SGD" is the median of
the ratios within a round.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/oracles/steps_kfac.py [ROW]... (needs torch and numpy).
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import drive  # noqa: E402
from workloads import mlp  # noqa: E402

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
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    x, y = torch.rand(EXAMPLES, 784), torch.randint(0, 10, (EXAMPLES,))
    order = torch.from_numpy(np.random.default_rng(0).permutation(EXAMPLES)).reshape(-1, BATCH)
    made = 0
    if name == "sgd":
        sgd = torch.optim.SGD(net.parameters(), lr=RATE, fused=True)

        def make(x, y):
            sgd.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(net(x), y).backward()
            sgd.step()
    else:
        torch.set_grad_enabled(False)
        make = KFAC(torch, [(l.weight, l.bias) for l in net if hasattr(l, "weight")], *ROWS[name]).step

    def step():
        nonlocal made
        index = order[made % len(order)]
        made += 1
        make(x[index], y[index])

    for _ in range(3):
        step()
    print("READY 0", flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        start, n = time.perf_counter(), 0
        while n < 1 or n % 10 or time.perf_counter() - start < seconds:  # whole periods
            step()
            n += 1
        print("MS %.6f" % (1e3 * (time.perf_counter() - start) / n), flush=True)


def measure(row, options, machine, folder):
    def dgn(name, oracle):
        path = os.path.join(folder, name.replace(" ", "_") + ".yaml")
        with open(path, "w") as f:
            f.write("name: steps\n%strain: {batch_size: %d, epochs: 1000000}\nmethods: [{name: a, oracle: %s, optimizer: {kind: sgd, learning_rate: %g}}]\n" % (mlp(256).config(), BATCH, oracle, RATE))
        command = [drive.DGN, path, "1", "28", "28", "10", str(EXAMPLES), str(options.threads)]
        return drive.Worker(name, drive.bound(options.threads, command), drive.environment(options.threads))

    def torch(name, program):
        command = [sys.executable, os.path.abspath(__file__), "--worker", program, "--threads", str(options.threads)]
        return drive.Worker(name, drive.bound(options.threads, command), drive.environment(options.threads))

    fisher, every = ROWS[row]
    workers = [
        dgn("dgn SGD", "{kind: gradient}"), torch("torch SGD", "sgd"),
        dgn("dgn", "{kind: kfac, fisher: %s, update_every: %d, ema: %g, gamma: %g}" % (fisher, every, EMA, GAMMA)), torch("torch", row)]
    try:
        looks = drive.alternate(workers, machine, options.threads, options.rounds, options.seconds)
    finally:
        for w in workers:
            w.close()
    for w in workers[2:]:
        base = "dgn SGD" if w.name == "dgn" else "torch SGD"
        middle = lambda f: statistics.median(f(k.ms) for k in looks)
        print("| %s | %d | %s | %.2f | %.2f | %.2f |" % (
            row, options.threads, w.name, middle(lambda ms: ms[w.name]), middle(lambda ms: ms[w.name] / ms[base]), middle(lambda ms: ms[w.name] / ms["dgn"])), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="of: %s" % "; ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.threads)
    os.chdir(os.path.join(HERE, "..", ".."))
    print("| fisher, update_every | threads | program | ms | over SGD | times dgn's |\n|---|---|---|---|---|---|", flush=True)
    machine = drive.Worker("machine", [drive.DGN, "machine"], ready=False)
    with tempfile.TemporaryDirectory() as folder:
        for row in options.rows or ROWS:
            measure(row, options, machine, folder)
    machine.close()


if __name__ == "__main__":
    main()
