"""Write what other implementations make of the optimizers: pkg/train/testdata/optimizers.

Each optimizer makes 20 full-batch steps of two small networks in float64, from the same weights:
torch.optim and the package schedulefree where they compute in float64, else the formulas of the
papers in numpy (reference.py). Go runs the same configs from the same weights (TestReferences).

Run: python3 scripts/optimizers/fixtures.py (needs scripts/optimizers/requirements.txt).
"""
import pathlib

import numpy as np
import schedulefree
import torch

import reference

OUT = pathlib.Path(__file__).parent.parent.parent / "pkg/train/testdata/optimizers"
STEPS, KEPT = 20, (1, 2, 20)
torch.set_default_dtype(torch.float64)


def adamw(params):
    return torch.optim.AdamW(params, lr=1e-3)


# What a config says, and the same optimizer elsewhere: a function of a list of parameters. One that
# ends with a network's name is made on that one alone: a matrix without full rank has no unique
# eigenvectors, so that SOAP on both sides is only for matrices that are about square.
CASES = {
    "sgd": ("{kind: sgd, learning_rate: 0.1, momentum: 0.9}", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nadam": ("{kind: nadam, learning_rate: 0.01, weight_decay: 0.1}", lambda p: torch.optim.NAdam(p, lr=0.01, weight_decay=0.1)),
    "nadamw": (
        "{kind: nadamw, learning_rate: 0.02, beta1: 0.8, beta2: 0.95, weight_decay: 0.2, momentum_decay: 0.1}",
        lambda p: torch.optim.NAdam(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.2, momentum_decay=0.1, decoupled_weight_decay=True)),
    "schedule_free_sgd": (
        "{kind: schedule_free, base: sgd, learning_rate: 0.3, weight_decay: 0.01, warmup_steps: 5}",
        lambda p: schedulefree.SGDScheduleFree(p, lr=0.3, weight_decay=0.01, warmup_steps=5)),
    "schedule_free_adamw": (
        "{kind: schedule_free, learning_rate: 0.02, weight_decay: 0.1, beta1: 0.8, beta2: 0.95, r: 1, weight_lr_power: 1, warmup_steps: 3}",
        lambda p: schedulefree.AdamWScheduleFree(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.1, r=1.0, weight_lr_power=1.0, warmup_steps=3)),
    "lion": ("{kind: lion, learning_rate: 0.003, weight_decay: 0.5}", lambda p: reference.Lion(p, 0.003, 0.9, 0.99, 0.5)),
    "lookahead_adam": (
        "{kind: lookahead, inner: {kind: adam, learning_rate: 0.01}, steps: 3, rate: 0.6}",
        lambda p: reference.Lookahead(p, torch.optim.Adam(p, lr=0.01), 3, 0.6)),
    "lookahead_muon": (
        "{kind: lookahead, inner: {kind: muon, learning_rate: 0.02, matrices: all}, steps: 5, rate: 0.5}",
        lambda p: reference.Lookahead(p, reference.Muon(p, 0.02, rest=adamw), 5, 0.5)),
    "muon": ("{kind: muon, learning_rate: 0.02, matrices: all}", lambda p: reference.Muon(p, 0.02, rest=adamw)),
    "muon_rms": (
        "{kind: muon, learning_rate: 0.01, matrices: all, nesterov: false, momentum: 0.9, ns_steps: 3, ns_coefficients: [2, -1.5, 0.5], "
        "adjust_lr_fn: match_rms_adamw, weight_decay: 0.2, rest: {kind: sgd, learning_rate: 0.1}}",
        lambda p: reference.Muon(p, 0.01, 0.2, 0.9, False, (2, -1.5, 0.5), 1e-7, 3, "match_rms_adamw", lambda q: torch.optim.SGD(q, lr=0.1))),
    "muon_hidden.mlp": (
        "{kind: muon, learning_rate: 0.02, adjust_lr_fn: spectral_unclamped}",
        lambda p: reference.Muon(p, 0.02, adjust="spectral_unclamped", matrices=[2], rest=adamw)),
    "shampoo": ("{kind: shampoo, learning_rate: 0.3, epsilon: 0.01}", lambda p: reference.Shampoo(p, 0.3, 0.01)),
    "shampoo_mean": (
        "{kind: shampoo, learning_rate: 0.01, epsilon: 0.001, beta: 0.9, update_every: 3, grafting: adam, momentum: 0.9, weight_decay: 0.1}",
        lambda p: reference.Shampoo(p, 0.01, 0.001, beta=0.9, every=3, grafting="adam", momentum=0.9, decay=0.1)),
    "shampoo_diagonal": (
        "{kind: shampoo, learning_rate: 0.1, epsilon: 0.01, max_dimension: 5, grafting: sgd}",
        lambda p: reference.Shampoo(p, 0.1, 0.01, longest=5, grafting="sgd")),
    "soap.mlp": ("{kind: soap, learning_rate: 0.01, precondition_frequency: 3}", lambda p: reference.SOAP(p, 0.01, every=3)),
    "soap_short": (
        "{kind: soap, learning_rate: 0.01, precondition_frequency: 1, max_dimension: 5, shampoo_beta: 0.8, weight_decay: 0.1}",
        lambda p: reference.SOAP(p, 0.01, every=1, longest=5, shampoo=0.8, decay=0.1)),
    "soap_one": (
        "{kind: soap, learning_rate: 0.01, beta1: 0.9, beta2: 0.99, shampoo_beta: 0.95, sides: one, precondition_frequency: 2}",
        lambda p: reference.SOAP(p, 0.01, betas=(0.9, 0.99), shampoo=0.95, every=2, sides="one")),
}

NETS = {
    "mlp": (
        "{kind: mlp, hidden: [6, 6], activation: tanh}", (6,),
        lambda: torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.Tanh(), torch.nn.Linear(6, 6), torch.nn.Tanh(), torch.nn.Linear(6, 6))),
    "conv": (
        "{kind: sequential, layers: [{kind: conv, filters: 4, kernel: 3}, {kind: tanh}, {kind: flatten}, {kind: dense, units: 6}]}", (2, 5, 5),
        lambda: torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(36, 6))),
}

OUT.mkdir(parents=True, exist_ok=True)
lines = []
for net_name, (model, shape, build) in NETS.items():
    torch.manual_seed(64)  # of 200, that whose first gradients have the smallest condition numbers: eigenvectors are as sharp
    x, y = torch.randn(40, *shape), torch.randn(40, 6)
    net = build()
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(2)
    start = {k: v.clone() for k, v in net.state_dict().items()}
    np.savez_compressed(OUT / f"{net_name}_start.npz", **{k: v.numpy() for k, v in start.items()})
    np.savez_compressed(OUT / f"{net_name}_batch.npz", x=x.numpy(), y=y.numpy())
    flat = lambda: np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
    arrays = {}
    for name, (config, make) in CASES.items():
        name, _, only = name.partition(".")
        if only not in ("", net_name):
            continue
        net.load_state_dict({k: v.clone() for k, v in start.items()})
        optimizer = make(list(net.parameters()))
        free = hasattr(optimizer, "train")
        for step in range(1, STEPS + 1):
            if free:
                optimizer.train()
            net.zero_grad()
            ((net(x) - y) ** 2 / 2).sum(1).mean().backward()
            optimizer.step()
            if free:
                optimizer.eval()  # where they are evaluated
            if step in KEPT:
                arrays[f"{name}.{step}"] = flat()
        lines.append(f"{net_name}\t{name}\t{config}")
    np.savez_compressed(OUT / f"{net_name}.npz", **arrays)
    lines.append(f"{net_name}\t\t{model}")
(OUT / "cases.tsv").write_text("\n".join(lines) + "\n")
