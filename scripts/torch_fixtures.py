"""Write what PyTorch computes: pkg/nn/testdata (weights, a batch, outputs, a
gradient) and pkg/optim/testdata (trajectories of its optimizers).

Run: python3 scripts/torch_fixtures.py (needs torch, numpy and safetensors).
"""
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

out = pathlib.Path(__file__).parent.parent / "pkg/nn/testdata"
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
net = torch.nn.Sequential(
    torch.nn.Flatten(),
    torch.nn.Linear(12, 7), torch.nn.ReLU(),
    torch.nn.Linear(7, 6), torch.nn.LeakyReLU(0.2),
    torch.nn.Linear(6, 6, bias=False), torch.nn.Tanh(),
    torch.nn.Linear(6, 5), torch.nn.Sigmoid(),
    torch.nn.Linear(5, 5), torch.nn.Softplus(),
    torch.nn.Linear(5, 5), torch.nn.GELU(),
    torch.nn.Linear(5, 3),
)
x = torch.randn(9, 3, 2, 2)
y = net(x)
y.square().sum().backward()  # gradient of |f|^2
save_file(net.state_dict(), out / "torch.safetensors")
np.savez(out / "torch.npz", **{k: v.numpy() for k, v in net.state_dict().items()})
np.savez(
    out / "torch_expected.npz",
    x=x.numpy(), y=y.detach().numpy(),
    gradient=torch.cat([p.grad.flatten() for p in net.parameters()]).numpy(),
)

# Single layers, and a network of them: y, and the gradients of <y, c> for x and
# for all weights. Those of norms are drawn, not left at 1 and 0.
class Residual(torch.nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = torch.nn.Sequential(*body), torch.nn.Sequential(*shortcut)

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class GlobalAvgPool(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


nn = torch.nn
layers = {
    "max_pool": (nn.MaxPool2d(2), (3, 6, 7)),
    "max_pool_padded": (nn.MaxPool2d(3, 2, 1), (3, 6, 7)),
    "avg_pool": (nn.AvgPool2d(2), (3, 6, 7)),
    "avg_pool_padded": (nn.AvgPool2d(3, 2, 1), (3, 6, 7)),
    "global_avg_pool": (GlobalAvgPool(), (3, 6, 7)),
    "group_norm": (nn.GroupNorm(2, 4), (4, 3, 5)),
    "group_norm_vector": (nn.GroupNorm(2, 6), (6,)),
    "layer_norm": (nn.LayerNorm([2, 3, 4]), (2, 3, 4)),
    "layer_norm_vector": (nn.LayerNorm([6]), (6,)),
    "network": (
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.GroupNorm(2, 4), nn.ReLU(),
            Residual(
                [nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.GroupNorm(3, 6), nn.Tanh(), nn.Conv2d(6, 6, 3, padding=1)],
                [nn.Conv2d(4, 6, 1, stride=2)],
            ),
            Residual([nn.Conv2d(6, 6, 3, padding=1)], []),
            nn.MaxPool2d(2), GlobalAvgPool(), nn.Linear(6, 3),
        ),
        (3, 8, 9),
    ),
}
arrays = {}
for name, (layer, shape) in layers.items():
    for p in layer.parameters():
        torch.nn.init.normal_(p)
    x = torch.randn(4, *shape, requires_grad=True)
    y = layer(x)
    c = torch.randn_like(y)
    (y * c).sum().backward()
    arrays |= {name + "/" + k: v.detach().numpy() for k, v in {"x": x, "y": y, "c": c, "gx": x.grad}.items()}
    flat = lambda v: torch.cat([torch.zeros(0)] + [t.flatten() for t in v]).detach().numpy()
    arrays[name + "/w"] = flat(layer.parameters())
    arrays[name + "/gw"] = flat(p.grad for p in layer.parameters())
save_file(layers["network"][0].state_dict(), out / "torch_network.safetensors")
np.savez_compressed(out / "torch_layers.npz", **arrays)

# Trajectories of torch's optimizers for given gradients: pkg/optim/testdata.
rng = np.random.default_rng(1)
w0, grads = rng.normal(size=5), rng.normal(size=(8, 5))
settings = {
    "sgd": {"lr": 0.1},
    "sgd_decay": {"lr": 0.1, "weight_decay": 0.3},
    "sgd_momentum": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
    "sgd_nesterov": {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
    "adam": {"lr": 0.01},
    "adam_decay": {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.2},
    "adamw": {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.2},
}
classes = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
arrays = {"w0": w0, "gradients": grads}
for name, options in settings.items():
    w = torch.nn.Parameter(torch.tensor(w0.copy()))
    optimizer = classes[name.split("_")[0]]([w], **options)
    path = []
    for g in grads:
        w.grad = torch.tensor(g.copy())
        optimizer.step()
        path.append(w.detach().numpy().copy())
    arrays[name] = np.stack(path)
np.savez(out.parent.parent / "optim/testdata/torch.npz", **arrays)
