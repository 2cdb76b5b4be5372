"""Steps of methods of dgn beside PyTorch's, in turn: what the scripts of optimizers and of oracles share.

A script has ROWS, a worker(name, threads) that makes steps of PyTorch in turns as drive.Worker asks for
them, with "sgd" for those of plain SGD, and a workers(row, beside) that returns dgn's process and PyTorch's
for a row. Milliseconds are medians of rounds, and "over SGD" is the median of the ratios within a round.
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

import drive
from workloads import mlp

HERE = os.path.dirname(os.path.abspath(__file__))


def torch_mlp(examples):
    """Return the MLP 784-256-256-10 of PyTorch, and examples for it."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    return net, torch.rand(examples, 784), torch.randint(0, 10, (examples,))


def serve(step, period):
    """Make whole periods of steps for as long as each line of standard input asks for, and time them."""
    for _ in range(3):
        step()
    print("READY 0", flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        start, n = time.perf_counter(), 0
        while n < 1 or n % period or time.perf_counter() - start < seconds:
            step()
            n += 1
        print("MS %.6f" % (1e3 * (time.perf_counter() - start) / n), flush=True)


def train(name, threads, batch, examples, rate, period, method):
    """Serve steps on mini-batches in turn: those of SGD, or of method(torch, [(weight, bias) of each layer])."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    net, x, y = torch_mlp(examples)
    order = torch.from_numpy(np.random.default_rng(0).permutation(examples)).reshape(-1, batch)
    made = 0
    if name == "sgd":
        sgd = torch.optim.SGD(net.parameters(), lr=rate, fused=True)

        def make(x, y):
            sgd.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(net(x), y).backward()
            sgd.step()
    else:
        torch.set_grad_enabled(False)
        make = method(torch, [(l.weight, l.bias) for l in net if hasattr(l, "weight")]).step

    def step():
        nonlocal made
        index = order[made % len(order)]
        made += 1
        make(x[index], y[index])

    serve(step, period)


class Beside:
    def __init__(self, script, options, folder, batch, examples):
        self.script, self.options, self.folder, self.batch, self.examples = script, options, folder, batch, examples

    def _worker(self, name, command):
        threads = self.options.threads
        return drive.Worker(name, drive.bound(threads, command), drive.environment(threads))

    def dgn(self, name, method):
        """Return a process of dgn with the keys of a method, as "optimizer: {kind: adam}"."""
        path = os.path.join(self.folder, name.replace(" ", "_") + ".yaml")
        with open(path, "w") as f:
            f.write("name: steps\n%strain: {batch_size: %d, epochs: 1000000}\nmethods: [{name: a, %s}]\n" % (mlp(256).config(), self.batch, method))
        return self._worker(name, [drive.DGN, path, "1", "28", "28", "10", str(self.examples), str(self.options.threads)])

    def torch(self, name, program):
        return self._worker(name, [sys.executable, self.script, "--worker", program, "--threads", str(self.options.threads)])

    def measure(self, row, workers, machine, longer, digits):
        workers = [self.dgn("dgn SGD", "optimizer: {kind: sgd, learning_rate: 1e-4}"), self.torch("torch SGD", "sgd"), *workers]
        try:
            looks = drive.alternate(workers, machine, self.options.threads, self.options.rounds, self.options.seconds * longer)
        finally:
            for w in workers:
                w.close()
        for w in workers[2:]:
            base = "dgn SGD" if w.name == "dgn" else "torch SGD"
            middle = lambda f: statistics.median(f(k.ms) for k in looks)
            print("| %s | %d | %s | %.*f | %.2f | %.2f |" % (
                row, self.options.threads, w.name, digits, middle(lambda ms: ms[w.name]), middle(lambda ms: ms[w.name] / ms[base]), middle(lambda ms: ms[w.name] / ms["dgn"])), flush=True)


def main(script, doc, rows, worker, workers, head, batch, examples, seconds, longer={}, digits=3):
    parser = argparse.ArgumentParser(description=doc.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="of: %s" % "; ".join(rows))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=seconds, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.threads)
    os.chdir(os.path.join(HERE, "..", ".."))
    print("| %s | threads | program | ms | over SGD | times dgn's |\n|---|---|---|---|---|---|" % head, flush=True)
    machine = drive.Worker("machine", [drive.DGN, "machine"], ready=False)
    with tempfile.TemporaryDirectory() as folder:
        beside = Beside(script, options, folder, batch, examples)
        for row in options.rows or rows:
            beside.measure(row, workers(row, beside), machine, longer.get(row, 1), digits)
    machine.close()
