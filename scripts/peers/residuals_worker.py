"""Exact dual Gauss-Newton steps of residuals in JAX, in float64: rows of J by vmap of grad, weighted
as the objective has them, K = J J^T, Cholesky. Forms of the Laplacian:

  forward     value, gradient and Laplacian go through the layers together, as dgn has it
  jvp         the second derivatives along each coordinate by a jvp of a jvp, vmapped
  jet         the same by jax.experimental.jet

A step gathers its points and updates the weights, which are donated; all of it is compiled.
"""
import jax

jax.config.update("jax_enable_x64", True)  # before anything is made

import jax.numpy as jnp
import numpy as np
from jax.experimental.jet import jet
from jax.flatten_util import ravel_pytree

from jax_worker import gathered, run_training
from layouts import turned
from serve import arguments


def u(p, x):
    """The network at one point, dimension numbers."""
    for w, b in zip(p[:-2:2], p[1:-2:2]):
        x = jnp.tanh(x @ w + b)
    return (x @ p[-2] + p[-1])[0]


def forward(p, x):
    """The Laplacian of u at x: value h, derivatives d along each coordinate, and Laplacian l."""
    h, d, l = x, jnp.eye(len(x)), jnp.zeros_like(x)
    for w, b in zip(p[:-2:2], p[1:-2:2]):
        h, d, l = jnp.tanh(h @ w + b), d @ w, l @ w
        slope = 1 - h * h
        l = slope * l - 2 * h * slope * (d * d).sum(0)
        d = slope * d
    return (l @ p[-2])[0]


def nested(p, x):
    f = lambda v: u(p, v)
    second = lambda e: jax.jvp(lambda v: jax.jvp(f, (v,), (e,))[1], (x,), (e,))[1]
    return jax.vmap(second)(jnp.eye(len(x))).sum()


def taylor(p, x):
    second = lambda e: jet(lambda v: u(p, v), (x,), ((e, jnp.zeros_like(e)),))[1][1]
    return jax.vmap(second)(jnp.eye(len(x))).sum()


LAPLACIANS = {"forward": forward, "jvp": nested, "jet": taylor}


def direction(work, laplacian, p, x, y):
    """Return what is subtracted from the weights: gamma/m J^T of the solution of
    (I + gamma/m K) a = f - y, with rows and residuals times the root of the weight of the point."""
    net, m = work.net, work.m
    flat, unravel = ravel_pytree(p)
    parts = (lambda q, v: -laplacian(q, v)), u
    counts = net.interior, net.boundary
    rows, rest = [], []
    at = 0
    for f, n in zip(parts, counts):
        points, targets = x[at:at + n], y[at:at + n, 0]
        values, grads = jax.vmap(jax.value_and_grad(lambda q, v: f(unravel(q), v)), (None, 0))(flat, points)
        root = (m / n) ** 0.5
        rows.append(root * grads)
        rest.append(root * (values - targets))
        at += n
    j, r = jnp.concatenate(rows), jnp.concatenate(rest)
    c = work.gamma / m
    a = jax.scipy.linalg.solve(jnp.eye(m) + c * (j @ j.T), r, assume_a="pos")
    return unravel(c * (a @ j))


def main():
    problem, form, _ = arguments()
    work, weights = problem.workload, problem.weights()
    x, y = problem.examples()

    def step(p, state, index, x, y):
        x, y = gathered(index, x, y)
        d = direction(work, LAPLACIANS[form[0]], p, x, y)
        return [w - work.rate * v for w, v in zip(p, d)], state

    start = lambda: ([jnp.array(w) for w in turned(work.net, weights)], ())
    run_training(problem, step, False, start, jnp.asarray(x), jnp.asarray(np.asarray(y)))


if __name__ == "__main__":
    main()
