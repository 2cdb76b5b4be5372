"""Training steps in PyTorch. Forms:

  torch           the module, backward, and the fused optimizer
  channels_last   weights and images of convolutions in that layout
  twice           the product with J as the gradient of a gradient: two backward passes
  Gram            products with K without the gradients of the weights (dual.py)
  Jacobian        of a convolutional network: that of the filters is kept (jacobian.py)
  compiled        the whole step, from the gathering of the mini-batch to the update, is one
                  function through torch.compile, with gradients by torch.func.grad. With
                  forward and loss alone compiled, steps of SGD took 1.2 to 3.7 times as
                  long; max-autotune in place of the default mode changed nothing, nor did
                  the C++ wrapper, indices that are not checked, and fused multiply-adds.
  unrolled        five steps in one call
"""
import torch

import dual
from jacobian import jacobian
from layouts import back, turned
from serve import arguments, serve, timed


def module(net):
    """Return the network, with weights by the names that dgn has."""
    make = {
        "conv": lambda n, k: torch.nn.Conv2d(n, k, 3, padding=1, bias=not net.groups), "norm": lambda k: torch.nn.GroupNorm(net.groups, k),
        "dense": torch.nn.Linear, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "pool": lambda: torch.nn.MaxPool2d(2), "flatten": torch.nn.Flatten}
    return torch.nn.Sequential(*[make[kind](*sizes) for kind, *sizes in net.layers()])


def repeat(n, f, state):
    for _ in range(n):
        state = f(state)
    return state


def convolve(x, w):
    # The layout channels_last, as PyTorch has it.
    return torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), padding=1).permute(0, 2, 3, 1)


def library(k):
    """Return what dual.py calls, for k outputs."""
    return dual.Library(
        torch, lambda z: torch.softmax(z, 1), lambda y: torch.nn.functional.one_hot(y, k).float(),
        lambda a, b: torch.cholesky_solve(b, torch.linalg.cholesky(a)), repeat, lambda x: torch.nn.functional.pad(x, (0, 0, 1, 1, 1, 1)), convolve)


def loss(z, y):
    return 0.5 * ((z - y) ** 2).sum(1).mean() if z.shape[1] == 1 else torch.nn.functional.cross_entropy(z, y)


def kept_direction(work, form, params, x, y):
    """The direction by kept rows of J or Gram matrices; params are as in layouts.py."""
    lib = library(work.net.outputs)
    if "Jacobian" in form:
        z, product, vjp = jacobian(lib, params, x, work.net.outputs)
    else:
        gram = dual.Gram(lib, work.net, params, x)
        z, product, vjp = gram.outputs, gram.product, gram.vjp
    if work.method == "exact":
        return dual.exact(lib, z, y, gram.formed, vjp, work.gamma)
    return dual.conjugate_gradients(lib, z, y, product, vjp, work.gamma, work.iterations)


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


class Update:
    """SGD or Adam in plain operations, for torch.compile to fuse."""

    def __init__(self, work, params):
        self.rate, self.params = work.rate, params
        self.count = torch.zeros(())
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in params] if work.method == "adam" else None

    def state(self):
        return [self.count] + [v for both in self.moments or [] for v in both]

    def __call__(self, gradients):
        if self.moments is None:
            for p, g in zip(self.params, gradients):
                p.sub_(g, alpha=self.rate)
            return
        self.count.add_(1)
        first, second = 1 - 0.9 ** self.count, 1 - 0.999 ** self.count
        for p, g, (m, v) in zip(self.params, gradients, self.moments):
            m.lerp_(g, 0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            p.sub_(self.rate / first * m / ((v / second).sqrt() + 1e-8))


def stepper(work, form, net, params, x, y):
    """Return the function that makes a step with the examples of each index of a list, and one that
    returns the tensors, 0 at first, that the optimizer keeps."""
    kept = "Gram" in form or "Jacobian" in form
    if "compiled" in form:
        names = [name for name, _ in net.named_parameters()]
        value = lambda p, x, y: loss(torch.func.functional_call(net, dict(zip(names, p)), (x,)), y)
        update = Update(work, params)

        def whole(params, x, y, indices):
            for index in indices:
                batch = x[index], y[index]
                update(kept_direction(work, form, params, *batch) if kept else torch.func.grad(value)(params, *batch))

        compiled = torch.no_grad()(torch.compile(whole))
        return lambda indices: compiled(params, x, y, indices), update.state

    optimizer = (torch.optim.Adam if work.method == "adam" else torch.optim.SGD)(params, lr=work.rate, fused=True)
    state = lambda: [v for kept in optimizer.state.values() for v in kept.values() if v is not None]
    if work.method in ("sgd", "adam"):
        def step(indices):
            for index in indices:
                optimizer.zero_grad(set_to_none=True)
                loss(net(x[index]), y[index]).backward()
                optimizer.step()
        return step, state

    direction = lambda x, y: twice_direction(work, net, params, x, y)
    if kept:
        direction = torch.no_grad()(lambda x, y: kept_direction(work, form, params, x, y))

    def step_along(indices):
        for index in indices:
            for p, d in zip(params, direction(x[index], y[index])):
                p.grad = d
            optimizer.step()
    return step_along, state


def main():
    problem, form, threads = arguments()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # as the others do: moments of weights without a gradient become so small
    work, weights = problem.workload, problem.weights()
    net = module(work.net)
    net.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
    x, y = map(torch.tensor, problem.examples())
    if "channels_last" in form:
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    params, as_dgn = list(net.parameters()), lambda params: dict(zip(weights, params))
    if "Gram" in form or "Jacobian" in form:
        params, as_dgn = [torch.tensor(w) for w in turned(work.net, weights)], lambda params: back(work.net, weights, params)
        if x.ndim == 4:
            x = x.permute(0, 2, 3, 1).contiguous()
    elif "compiled" in form:
        params = [p.detach() for p in params]
    initial = [p.detach().clone() for p in params]
    step, state = stepper(work, form, net, params, x, y)
    order = [torch.from_numpy(v).long() for v in problem.order()]
    _, first = timed(lambda: step(order[:1]))
    difference = problem.check(as_dgn([p.detach().numpy() for p in params]))
    steps = 5 if "unrolled" in form else 1
    calls = [order[i:i + steps] for i in range(0, len(order), steps)]
    if steps > 1:
        _, first = timed(lambda: step(calls[0]))
    count = 0

    def call():
        nonlocal count
        count += 1
        step(calls[count % len(calls)])

    @torch.no_grad()
    def restart():
        for p, w in zip(params, initial):
            p.copy_(w)
        for v in state():
            v.zero_()

    serve(call, lambda: None, restart, first, difference, steps)


if __name__ == "__main__":
    main()
