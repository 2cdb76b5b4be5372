"""Time training steps of dgn's optimizers beside those of PyTorch's, in turn, in float32.

The network is the MLP 784-256-256-10 with mini-batches of 128, and processes take turns as in
scripts/peers, which this builds on. Each row has dgn and PyTorch with the optimizer and with SGD:
milliseconds are medians of rounds, and "over SGD" is the median of the ratios within a round.

Run, after make has built bin/dgn and bin/peers-dgn (make bench-peers does): python3
scripts/optimizers/steps.py [ROW]... (needs scripts/optimizers/requirements.txt).
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peers"))
import beside  # noqa: E402

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
        "nadam": lambda: [torch.optim.NAdam(params, lr=RATE, foreach=True)],
        "nadamw": lambda: [torch.optim.NAdam(params, lr=RATE, weight_decay=0.01, decoupled_weight_decay=True, foreach=True)],
        "lion": lambda: [other("Lion")(params, lr=RATE)],
        "schedule_free": lambda: [schedulefree.AdamWScheduleFree(params, lr=RATE)],
        "schedule_free_sgd": lambda: [schedulefree.SGDScheduleFree(params, lr=RATE)],
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
    "nadam": "{kind: nadam, learning_rate: %g}",
    "nadamw": "{kind: nadamw, learning_rate: %g}",
    "lion": "{kind: lion, learning_rate: %g}",
    "schedule_free": "{kind: schedule_free, learning_rate: %g}",
    "schedule_free_sgd": "{kind: schedule_free, base: sgd, learning_rate: %g}",
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
    net, x, y = beside.torch_mlp(EXAMPLES)
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

    beside.serve(step, 20)


def workers(row, on):
    out = [on.dgn("dgn", "optimizer: " + ROWS[row] % RATE), on.torch("torch", row)]
    if row.startswith("muon"):
        out.append(on.torch("torch, float32", row + ", float32"))
    return out


if __name__ == "__main__":
    beside.main(os.path.abspath(__file__), __doc__, ROWS, worker, workers, "optimizer", BATCH, EXAMPLES, 0.3, LONG)
