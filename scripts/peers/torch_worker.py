"""Training steps in PyTorch, with its fused optimizers. Forms:

  torch           the module, and backward
  channels_last   weights and images of convolutions in that layout
  compiled        forward with loss, or a whole direction, through torch.compile
  twice           the product with J as the gradient of a gradient: two backward passes
  Gram            products with K without the gradients of the weights (dual.py)
"""
import torch

import dual
from serve import arguments, serve, timed

LAYERS = {
    "conv": lambda n, k, bias: torch.nn.Conv2d(n, k, 3, padding=1, bias=bias), "dense": torch.nn.Linear,
    "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "pool": lambda: torch.nn.MaxPool2d(2), "flatten": torch.nn.Flatten}


def module(net):
    out = []
    for kind, *sizes in net.layers():
        if kind == "norm":
            out.append(torch.nn.GroupNorm(net.groups, *sizes))
        elif kind == "conv":
            out.append(LAYERS[kind](*sizes, not net.groups))
        else:
            out.append(LAYERS[kind](*sizes))
    return torch.nn.Sequential(*out)


def repeat(n, f, state):
    for _ in range(n):
        state = f(state)
    return state


def library(k):
    return dual.Library(
        torch, lambda z: torch.softmax(z, 1), lambda y: torch.nn.functional.one_hot(y, k).float(),
        lambda a, b: torch.cholesky_solve(b, torch.linalg.cholesky(a)), repeat)


def gram_direction(work, params, x, y):
    lib = library(work.net.outputs)
    gram = dual.Gram(lib, work.net, params, x)
    if work.method == "exact":
        return dual.exact(lib, gram.outputs, y, gram.formed, gram.vjp, work.gamma)
    return dual.conjugate_gradients(lib, gram.outputs, y, gram.product, gram.vjp, work.gamma, work.iterations)


def twice_direction(work, net, params, x, y):
    """The gradient of u.z is linear in u: its own gradient with respect to u is J v. (By
    torch.func.jvp products took 1.6 times as long, and torch.func.linearize traces anew
    at every call, which takes seconds.)"""
    z = net(x)
    u = torch.zeros_like(z, requires_grad=True)
    pulled = torch.autograd.grad(z, params, u, create_graph=True)
    vjp = lambda a: torch.autograd.grad(z, params, a, retain_graph=True)
    product = lambda a: torch.autograd.grad(pulled, u, vjp(a), retain_graph=True)[0]
    return dual.conjugate_gradients(library(work.net.outputs), z.detach(), y, product, vjp, work.gamma, work.iterations)


def main():
    problem, form, threads = arguments()
    torch.set_num_threads(threads)
    work = problem.workload
    net = module(work.net)
    layout = torch.channels_last if "channels_last" in form else torch.contiguous_format
    net.load_state_dict({k: torch.tensor(v) for k, v in problem.weights().items()})
    net = net.to(memory_format=layout)
    x, y = map(torch.tensor, problem.examples())
    if x.ndim == 4:
        x = x.contiguous(memory_format=layout)
    params = list(net.parameters())
    if "Gram" in form:  # matrices are inputs x outputs, as in dual.py
        params = [p.detach().T.contiguous() if p.ndim == 2 else p.detach().clone() for p in params]
    optimizer = (torch.optim.Adam if work.method == "adam" else torch.optim.SGD)(params, lr=work.rate, fused=True)
    compiled = torch.compile if "compiled" in form else lambda f: f

    if work.method in ("sgd", "adam"):
        if work.net.outputs == 1:
            value = lambda z, y: 0.5 * ((z - y) ** 2).sum(1).mean()
        else:
            value = torch.nn.functional.cross_entropy
        forward = compiled(lambda x, y: value(net(x), y))

        def step(index):
            optimizer.zero_grad(set_to_none=True)
            forward(x[index], y[index]).backward()
            optimizer.step()
    else:
        if "Gram" in form:
            direction = torch.no_grad()(compiled(lambda x, y: gram_direction(work, params, x, y)))
        else:
            direction = lambda x, y: twice_direction(work, net, params, x, y)

        def step(index):
            for p, d in zip(params, direction(x[index], y[index])):
                p.grad = d
            optimizer.step()

    order = [torch.from_numpy(v).long() for v in problem.order()]
    _, first = timed(lambda: step(order[0]))
    after = [p.detach().numpy() for p in params]
    if "Gram" in form:
        after = [p.T for p in after]
    difference = problem.check(dict(zip(problem.weights(), after)))
    count = 0

    def call():
        nonlocal count
        count += 1
        step(order[count % len(order)])

    serve(call, lambda: None, first, difference)


if __name__ == "__main__":
    main()
