"""Time full-batch steps of dgn's lbfgs beside torch.optim.LBFGS(max_iter=1), in turn, in float32.

The network is the MLP 784-256-256-10 on 128 examples, all of which a step takes. Processes take turns as
in scripts/peers, which this builds on, and training begins again after 100 steps in both, so that they are
at the same stage. Milliseconds are medians of rounds, and "over SGD" is the median of the ratios within a
round. PyTorch's calls of the closure for a step are told on standard error.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/oracles/steps_lbfgs.py [ROW]... (needs scripts/optimizers/requirements.txt).
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

EXAMPLES, WINDOW = 128, 100

# history, learning rate, line search
ROWS = {
    "wolfe": (10, 1, "strong_wolfe"),
    "wolfe, history 100": (100, 1, "strong_wolfe"),
    "fixed": (10, 0.1, None),
}


def worker(name, threads):
    """Make steps of PyTorch in turns, as drive.Worker asks for them."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    x, y = torch.rand(EXAMPLES, 784), torch.randint(0, 10, (EXAMPLES,))
    params = list(net.parameters())
    start = [p.detach().clone() for p in params]
    calls = 0

    def restart():
        with torch.no_grad():
            for p, s in zip(params, start):
                p.copy_(s)
        if name == "sgd":
            return torch.optim.SGD(params, lr=1e-4, fused=True)
        history, rate, search = ROWS[name]
        return torch.optim.LBFGS(params, lr=rate, max_iter=1, max_eval=1000, history_size=history, tolerance_grad=0, tolerance_change=0, line_search_fn=search)

    def turn(seconds):
        nonlocal calls
        elapsed, steps, calls = 0.0, 0, 0
        while elapsed < seconds:
            optimizer = restart()

            def closure():
                nonlocal calls
                calls += 1
                optimizer.zero_grad(set_to_none=True)
                h = torch.nn.functional.cross_entropy(net(x), y)
                h.backward()
                return h

            optimizer.step(closure)
            began, n = time.perf_counter(), 0
            while n < WINDOW and elapsed + time.perf_counter() - began < seconds:
                optimizer.step(closure)
                n += 1
            elapsed += time.perf_counter() - began
            steps += n
        return 1e3 * elapsed / steps, calls / steps

    turn(0.05)
    print("READY 0", flush=True)
    for line in sys.stdin:
        ms, evaluations = turn(float(line.split()[1]))
        print("MS %.6f" % ms, flush=True)
    print("torch %s: %.2f evaluations a step" % (name, evaluations), file=sys.stderr)


def measure(row, options, machine, folder):
    def dgn(name, method):
        path = os.path.join(folder, name.replace(" ", "_") + ".yaml")
        with open(path, "w") as f:
            f.write("name: steps\n%strain: {batch_size: %d, epochs: 1000000}\nmethods: [{name: a, %s}]\n" % (mlp(256).config(), EXAMPLES, method))
        command = [drive.DGN, path, "1", "28", "28", "10", str(EXAMPLES), str(options.threads)]
        return drive.Worker(name, drive.bound(options.threads, command), drive.environment(options.threads))

    def torch(name, program):
        command = [sys.executable, os.path.abspath(__file__), "--worker", program, "--threads", str(options.threads)]
        return drive.Worker(name, drive.bound(options.threads, command), drive.environment(options.threads))

    history, rate, search = ROWS[row]
    method = "oracle: {kind: lbfgs, history: %d}, optimizer: {kind: sgd, learning_rate: %g}, line_search: %s" % (history, rate, search or "none")
    workers = [dgn("dgn SGD", "optimizer: {kind: sgd, learning_rate: 1e-4}"), torch("torch SGD", "sgd"), dgn("dgn", method), torch("torch", row)]
    try:
        looks = drive.alternate(workers, machine, options.threads, options.rounds, options.seconds)
    finally:
        for w in workers:
            w.close()
    for w in workers[2:]:
        base = "dgn SGD" if w.name == "dgn" else "torch SGD"
        middle = lambda f: statistics.median(f(k.ms) for k in looks)
        print("| %s | %d | %s | %.3f | %.2f | %.2f |" % (
            row, options.threads, w.name, middle(lambda ms: ms[w.name]), middle(lambda ms: ms[w.name] / ms[base]), middle(lambda ms: ms[w.name] / ms["dgn"])), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="of: %s" % ", ".join(map(repr, ROWS)))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.threads)
    os.chdir(os.path.join(HERE, "..", ".."))
    print("| row | threads | program | ms | over SGD | times dgn's |\n|---|---|---|---|---|---|", flush=True)
    machine = drive.Worker("machine", [drive.DGN, "machine"], ready=False)
    with tempfile.TemporaryDirectory() as folder:
        for row in options.rows or ROWS:
            measure(row, options, machine, folder)
    machine.close()


if __name__ == "__main__":
    main()
