"""Time one SGD step of the MLP 784-w-w-10 in dgn, JAX and PyTorch, alternated in one run
(peers.py). JAX compiles the step and donates the weights, or, in `jax, scan`, an epoch of
ten steps by lax.scan, which returns to Python once; `torch compiled` puts forward and
backward through torch.compile and updates with the fused optimizer. All gather the batch
from 10 m images by a permutation; dgn, whose images are bytes, also converts.

Run: python3 scripts/compare_step.py [ROUNDS [M,WIDTH,THREADS]...]
(needs numpy, torch, jax, taskset and, for torch.compile, g++). Default: 7 rounds of
four cases.
"""
import sys

import numpy as np

from peers import compare, serve

NAMES = ("jax", "jax, scan", "torch", "torch compiled")
STEPS = 10  # of an epoch
CASES = ("128,256,1", "128,256,2", "1024,256,2", "128,1024,2")
RATE = 0.1


def jax_step(sizes, images, labels, m, scan):
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    params = []
    for n, k in zip(sizes, sizes[1:]):
        params += [jnp.asarray(rng.normal(0, np.sqrt(2 / n), (n, k)), jnp.float32), jnp.zeros(k, jnp.float32)]

    def loss(p, x, y):
        h = jax.nn.relu(x @ p[0] + p[1])
        h = jax.nn.relu(h @ p[2] + p[3])
        z = h @ p[4] + p[5]
        return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()

    def step(p, images, labels, index):
        g = jax.grad(loss)(p, images[index], labels[index])
        return [a - RATE * b for a, b in zip(p, g)]

    def epoch(p, images, labels, order):
        return jax.lax.scan(lambda p, index: (step(p, images, labels, index), None), p, order)[0]

    compiled = jax.jit(epoch if scan else step, donate_argnums=0)
    images, labels = jnp.asarray(images), jnp.asarray(labels)
    order = jnp.asarray(rng.permutation(len(labels)).reshape(-1, m))
    batches = [order] if scan else list(order)
    count = 0

    def call():
        nonlocal params, count
        params = jax.block_until_ready(compiled(params, images, labels, batches[count % len(batches)]))
        count += 1

    return call


def torch_step(sizes, images, labels, m, threads, compiled):
    import torch

    torch.set_num_threads(threads)
    net = torch.nn.Sequential(torch.nn.Linear(sizes[0], sizes[1]), torch.nn.ReLU(), torch.nn.Linear(sizes[1], sizes[2]), torch.nn.ReLU(), torch.nn.Linear(sizes[2], sizes[3]))
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, fused=compiled)
    images, labels = torch.tensor(images), torch.tensor(labels)
    value = torch.nn.CrossEntropyLoss()
    forward = lambda x, y: value(net(x), y)
    if compiled:
        forward = torch.compile(forward)
    batches = torch.randperm(len(labels)).reshape(-1, m)
    count = 0

    def call():
        nonlocal count
        index = batches[count % len(batches)]
        count += 1
        optimizer.zero_grad()
        forward(images[index], labels[index]).backward()
        optimizer.step()

    return call


def served(name, threads, m, width):
    rng = np.random.default_rng(1)
    sizes = (784, width, width, 10)
    images, labels = rng.normal(size=(STEPS * m, 784)).astype(np.float32), rng.integers(0, 10, STEPS * m)
    if name.startswith("jax"):
        scan = name == "jax, scan"
        serve(jax_step(sizes, images, labels, m, scan), steps=STEPS if scan else 1)
    else:
        serve(torch_step(sizes, images, labels, m, threads, name == "torch compiled"))


if __name__ == "__main__":
    compare(served, "optimizer: {kind: sgd, learning_rate: %g}" % RATE, NAMES, CASES)
