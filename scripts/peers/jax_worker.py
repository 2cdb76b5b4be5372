"""Training steps in JAX. A step gathers the mini-batch and updates the weights, which are
donated; all of it is compiled. Forms:

  jax            gradients by jax.grad; products with J and its transpose, linearized once
  patches        convolutions as products with patches: XLA's own take ten times as long in
                 products with J, and in a scan
  Gram           products with K without the gradients of the weights (dual.py)
  Jacobian       of a convolutional network: that of the filters is kept (jacobian.py);
                 with one output: the whole, by vmap of grad
  scan           an epoch of steps in one call, by lax.scan

Gradients by hand, matrices outputs x inputs, batches gathered before the scan, an unrolled
scan, and XLA's flags for oneDNN, XNNPACK, fusion, vectors of 512 bits and the scheduler
changed steps of SGD by less than 5 %, most of them for the worse.
"""
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

import dual
from jacobian import jacobian
from jax_nets import forward, library, mean_loss
from layouts import back, turned
from serve import arguments, serve, timed


def rows(net, p, x):
    """Return outputs, K and the product with J^T of the whole Jacobian, for one output."""
    flat, unravel = ravel_pytree(p)
    j = jax.vmap(lambda v: ravel_pytree(jax.grad(lambda q: forward(net, q, v[None], False)[0, 0])(p))[0])(x)
    return forward(net, p, x, False), j @ j.T, lambda a: unravel(j.T @ a[:, 0])


def direction(workload, form, p, x, y):
    """Return what is subtracted from the weights, or handed to the optimizer."""
    net, by_patches = workload.net, "patches" in form
    net_of = lambda q: forward(net, q, x, by_patches)
    if workload.method in ("sgd", "adam"):
        return jax.grad(lambda q: mean_loss(net_of(q), y))(p)
    lib = library(net.outputs)
    if "Gram" in form:
        gram = dual.Gram(lib, net, p, x)
        z, formed, product, vjp = gram.outputs, gram.formed, gram.product, gram.vjp
    elif workload.method == "exact":
        z, formed, vjp = rows(net, p, x)
    elif "Jacobian" in form:
        z, product, vjp = jacobian(lib, p, x, net.outputs)
    else:
        z, jvp = jax.linearize(net_of, p)
        transpose = jax.linear_transpose(jvp, p)
        vjp = lambda a: transpose(a)[0]
        product = lambda a: jvp(vjp(a))
    if workload.method == "exact":
        return dual.exact(lib, z, y, formed, vjp, workload.gamma)
    return dual.conjugate_gradients(lib, z, y, product, vjp, workload.gamma, workload.iterations)


def gathered(index, *arrays):
    """Return rows of the arrays. That indices are in bounds saves some per cent."""
    return [a.at[index].get(mode="promise_in_bounds") for a in arrays]


def main():
    problem, form, _ = arguments()
    work, weights = problem.workload, problem.weights()
    optimizer = (optax.adam if work.method == "adam" else optax.sgd)(work.rate)
    x, y = problem.examples()
    if work.net.filters:
        x = x.transpose(0, 2, 3, 1)
    x, y = jnp.asarray(x), jnp.asarray(y.astype(np.float32 if work.net.outputs == 1 else np.int32))

    def step(p, state, index, x, y):
        x, y = gathered(index, x, y)
        update, state = optimizer.update(direction(work, form, p, x, y), state, p)
        return optax.apply_updates(p, update), state

    def epoch(p, state, order, x, y):
        return jax.lax.scan(lambda both, index: (step(*both, index, x, y), None), (p, state), order)[0]

    def start():
        p = [jnp.array(w) for w in turned(work.net, weights)]
        return p, optimizer.init(p)

    run_training(problem, epoch if "scan" in form else step, "scan" in form, start, x, y)


def run_training(problem, function, scan, start, x, y, oracle=()):
    """Compile a step, or a scan over an epoch, check it, and serve. function(p, state,
    order, x, y) returns p and state."""
    work, weights, order = problem.workload, problem.weights(), jnp.asarray(problem.order())
    compiled = jax.jit(function, donate_argnums=(0, 1))
    one = order[:1] if scan else order[0]
    (p, _), first = timed(lambda: jax.block_until_ready(compiled(*start(), one, x, y)))
    difference = problem.check(back(work.net, weights, p), *oracle)
    calls = [order] if scan else list(np.asarray(order))
    if scan:  # of the whole epoch
        _, first = timed(lambda: jax.block_until_ready(compiled(*start(), order, x, y)))
    state, count = start(), 0

    def call():
        nonlocal state, count
        state = compiled(*state, calls[count % len(calls)], x, y)
        count += 1

    def restart():
        nonlocal state
        state = jax.block_until_ready(start())

    serve(call, lambda: jax.block_until_ready(state), restart, first, difference, work.steps if scan else 1)


if __name__ == "__main__":
    main()
