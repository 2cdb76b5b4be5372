"""Training steps by somax (python-somax of PyPI), a library of second-order methods in JAX.
Forms:

  somax           a squared loss: rows of J and Cholesky, as dgn's exact steps
  somax, CG       conjugate gradients on the system of the weights: dgn's with
                  formulation: primal. Its conjugate gradients on the dual system begin
                  at 0, dgn's at the gradient: they make other iterates, and are left out
  scan            an epoch of steps in one call, by lax.scan
"""
import jax
import jax.numpy as jnp
import numpy as np
import somax

from jax_nets import forward
from jax_worker import gathered, run_training
from layouts import turned
from serve import arguments


def method(work, form):
    common = dict(predict_fn=lambda p, x: forward(work.net, p, x, False), lam0=1 / work.gamma, learning_rate=work.rate)
    if work.method == "exact":
        return somax.egn_mse(**common)
    make = somax.sgn_mse if work.net.outputs == 1 else somax.sgn_ce
    return make(tol=0.0, maxiter=work.iterations, warm_start=False, record_cg_stats=False, **common)


def main():
    problem, form, _ = arguments()
    work, weights = problem.workload, problem.weights()
    x, y = problem.examples()
    x, y = jnp.asarray(x), jnp.asarray(y.astype(np.float32 if work.net.outputs == 1 else np.int32))
    of, key = method(work, form), jax.random.PRNGKey(0)

    def step(p, state, index, x, y):
        p, state, _ = of.step(p, dict(zip("xy", gathered(index, x, y))), state, key)
        return p, state

    def epoch(p, state, order, x, y):
        return jax.lax.scan(lambda both, index: (step(*both, index, x, y), None), (p, state), order)[0]

    def start():
        p = [jnp.array(w) for w in turned(work.net, weights)]
        return p, of.init(p)

    run_training(problem, epoch if "scan" in form else step, "scan" in form, start, x, y, () if work.method == "exact" else ["formulation: primal"])


if __name__ == "__main__":
    main()
