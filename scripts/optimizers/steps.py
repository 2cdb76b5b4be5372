"""Time training steps of dgn's optimizers beside those of PyTorch's, in turn, in float32.

The network is the MLP 784-256-256-10 with mini-batches of 128, and processes take turns as in
scripts/peers, which this builds on. Each row has dgn and PyTorch with the optimizer and with SGD:
milliseconds are medians of rounds, and "over SGD" is the median of the ratios within a round.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/optimizers/steps.py [ROW]... (needs scripts/optimizers/requirements.txt).
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

BATCH, EXAMPLES, RATE = 128, 1280, 1e-4


def muon(params, matrices, single):
    """torch.optim.Muon on some matrices, AdamW on the rest; in bfloat16 as it is, or in float32."""
    import torch

    own = [p for i, p in enumerate(params) if i in matrices]
    rest = [p for i, p in enumerate(params) if i not in matrices]
    if single:
        torch.optim._muon.torch = type("Float32", (), {"__getattr__": lambda _, name: torch.float32 if name == "bfloat16" else getattr(torch, name)})()
    return [torch.optim.Muon(own, lr=RATE), torch.optim.AdamW(rest, lr=RATE, fused=True)]


def other(name):
    """Return an optimizer of the package pytorch_optimizer."""
    import pytorch_optimizer

    return getattr(pytorch_optimizer, name)


def torch_optimizers(name, params):
    import schedulefree
    import torch

    return {
        "sgd": lambda: [torch.optim.SGD(params, lr=RATE, fused=True)],
        "adamw": lambda: [torch.optim.AdamW(params, lr=RATE, fused=True)],
        "nadamw": lambda: [torch.optim.NAdam(params, lr=RATE, weight_decay=0.01, decoupled_weight_decay=True, foreach=True)],
        "lion": lambda: [other("Lion")(params, lr=RATE)],
        "schedule_free": lambda: [schedulefree.AdamWScheduleFree(params, lr=RATE)],
        "lookahead": lambda: [other("Lookahead")(torch.optim.AdamW(params, lr=RATE, fused=True))],
        "muon": lambda: muon(params, [2], False),
        "muon, float32": lambda: muon(params, [2], True),
        "muon_all": lambda: muon(params, [0, 2, 4], False),
        "muon_all, float32": lambda: muon(params, [0, 2, 4], True),
        "shampoo": lambda: [other("ScalableShampoo")(
            params, lr=RATE, betas=(0.0, 0.95), block_size=1200, start_preconditioning_step=1, preconditioning_compute_steps=20, nesterov=False)],
        "soap": lambda: [other("SOAP")(params, lr=RATE)],
    }[name]()


ROWS = {
    "adamw": "{kind: adamw, learning_rate: %g}",
    "nadamw": "{kind: nadamw, learning_rate: %g}",
    "lion": "{kind: lion, learning_rate: %g}",
    "schedule_free": "{kind: schedule_free, learning_rate: %g}",
    "lookahead": "{kind: lookahead, inner: {kind: adamw, learning_rate: %g}}",
    "muon": "{kind: muon, learning_rate: %g}",
    "muon_all": "{kind: muon, learning_rate: %g, matrices: all}",
    "shampoo": "{kind: shampoo, learning_rate: %g, beta: 0.95, epsilon: 1.0e-6, update_every: 20, grafting: sgd}",
    "soap": "{kind: soap, learning_rate: %g}",
}

LONG = {"shampoo": 40, "soap": 10}  # times as long, so that rarer work has its share


def worker(name, threads):
    """Make steps of PyTorch in turns, as drive.Worker asks for them."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    x, y = torch.rand(EXAMPLES, 784), torch.randint(0, 10, (EXAMPLES,))
    optimizers = torch_optimizers(name, list(net.parameters()))
    for o in optimizers:
        if hasattr(o, "train"):
            o.train()
    order = torch.from_numpy(np.random.default_rng(0).permutation(EXAMPLES)).reshape(-1, BATCH)
    made = 0

    def step():
        nonlocal made
        index = order[made % len(order)]
        made += 1
        for o in optimizers:
            o.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x[index]), y[index]).backward()
        for o in optimizers:
            o.step()

    for _ in range(3):
        step()
    print("READY 0", flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        start, n = time.perf_counter(), 0
        while n < 1 or n % 20 or time.perf_counter() - start < seconds:  # whole periods
            step()
            n += 1
        print("MS %.6f" % (1e3 * (time.perf_counter() - start) / n), flush=True)


def measure(row, options, machine, folder):
    def dgn(name, optimizer):
        path = os.path.join(folder, name.replace(" ", "_") + ".yaml")
        with open(path, "w") as f:
            f.write("name: steps\n%strain: {batch_size: %d, epochs: 1000000}\nmethods: [{name: a, optimizer: %s}]\n" % (mlp(256).config(), BATCH, optimizer))
        command = [drive.DGN, path, "1", "28", "28", "10", str(EXAMPLES), str(options.threads)]
        return drive.Worker(name, drive.bound(options.threads, command), drive.environment(options.threads))

    def torch(name, program):
        command = [sys.executable, os.path.abspath(__file__), "--worker", program, "--threads", str(options.threads)]
        return drive.Worker(name, drive.bound(options.threads, command), drive.environment(options.threads))

    workers = [dgn("dgn SGD", "{kind: sgd, learning_rate: %g}" % RATE), torch("torch SGD", "sgd"), dgn("dgn", ROWS[row] % RATE), torch("torch", row)]
    if row.startswith("muon"):
        workers.append(torch("torch, float32", row + ", float32"))
    try:
        looks = drive.alternate(workers, machine, options.threads, options.rounds, options.seconds * LONG.get(row, 1))
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
    parser.add_argument("rows", nargs="*", metavar="ROW", help="of: %s" % " ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.threads)
    os.chdir(os.path.join(HERE, "..", ".."))
    print("| optimizer | threads | program | ms | over SGD | times dgn's |\n|---|---|---|---|---|---|", flush=True)
    machine = drive.Worker("machine", [drive.DGN, "machine"], ready=False)
    with tempfile.TemporaryDirectory() as folder:
        for row in options.rows or ROWS:
            measure(row, options, machine, folder)
    machine.close()


if __name__ == "__main__":
    main()
