"""Write what the papers' formulas make of the solvers that draw: pkg/oracles/testdata/solvers.npz.

One dual system A x = b, A = I + c Lᵀ K L, of the logistic loss in float64, with the coordinates and
the test matrix given: stochastic dual descent (Lin et al. 2023, arXiv 2310.20581, algorithm 1), with
the gradients taken from A itself in every iteration, and conjugate gradients preconditioned by the
Nyström approximation (Frangella, Tropp and Udell 2021, arXiv 2110.02820, algorithms 2.1 and 5.1), by
a singular value decomposition. Go solves the same systems (TestSolversReference).

Run: python3 scripts/oracles/solvers.py (needs scripts/oracles/requirements.txt).
"""
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent.parent.parent / "pkg/oracles/testdata/solvers.npz"
M, OUTPUTS, C = 12, 3, 40.0
N = M * OUTPUTS
BATCH, STEPS, RATE, MOMENTUM, AVERAGING = 7, 60, 1.0, 0.9, 20.0
RANK, ITERATIONS = 9, 6


def system(rng):
    """Outputs z, targets y, K, and A and b of the dual of Gauss-Newton."""
    z, y = rng.normal(size=(M, OUTPUTS)), np.eye(OUTPUTS)[rng.integers(OUTPUTS, size=M)]
    jacobian = rng.normal(size=(N, N)) @ np.diag(np.logspace(0, -4, N)) @ np.linalg.qr(rng.normal(size=(N, N)))[0]
    k = jacobian @ jacobian.T
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    factor = np.zeros((N, N))
    for i, row in enumerate(p):
        at = slice(i * OUTPUTS, (i + 1) * OUTPUTS)
        factor[at, at] = np.diag(np.sqrt(row)) - np.outer(row, np.sqrt(row))
    matrix = factor.T @ k @ factor
    return z, y, k, matrix, -C * factor.T @ k @ (p - y).ravel()


def dual_descent(matrix, b, coordinates):
    """The best multiple of the geometric average, after every iteration."""
    a = np.eye(N) + C * matrix
    visits = min(N / BATCH, 1 / (1 - MOMENTUM))
    largest = np.abs(a).sum(1).max()
    step = RATE / (visits * min(largest, a.diagonal().max() + BATCH / N * largest))
    x, v, average, out = np.zeros(N), np.zeros(N), np.zeros(N), []
    r = min(1, AVERAGING / len(coordinates))
    for chosen in coordinates:
        g = np.zeros(N)
        g[chosen] = a[chosen] @ (x + MOMENTUM * v) - b[chosen]
        v = MOMENTUM * v - step * g
        x = x + v
        average = r * x + (1 - r) * average
        out.append(average * (b @ average) / (average @ a @ average))
    return np.array(out)


def nystrom(matrix, omega):
    """U and lambda of the approximation from a test matrix of orthonormal columns."""
    y = matrix @ omega
    nu = np.sqrt(N) * np.finfo(float).eps / 2 * np.linalg.norm(y)
    y = y + nu * omega
    c = np.linalg.cholesky(omega.T @ y).T
    u, sigma, _ = np.linalg.svd(np.linalg.solve(c.T, y.T).T, full_matrices=False)
    return u, np.maximum(0, sigma**2 - nu)


def preconditioned(matrix, b, u, values):
    """Conjugate gradients: the iterate after every iteration."""
    def inverse(r):
        t = u.T @ r
        return (C * values[-1] + 1) * u @ (t / (C * values + 1)) + r - u @ t

    a = np.eye(N) + C * matrix
    x, r, out = np.zeros(N), b.copy(), []
    z = inverse(r)
    p, rz = z, r @ z
    for _ in range(ITERATIONS):
        ap = a @ p
        alpha = rz / (p @ ap)
        x, r = x + alpha * p, r - alpha * ap
        z = inverse(r)
        p, rz = z + (r @ z) / rz * p, r @ z
        out.append(x)
    return np.array(out), inverse(np.ones(N))


def main():
    rng = np.random.default_rng(2310)
    z, y, k, matrix, b = system(rng)
    coordinates = np.array([rng.choice(N, BATCH, replace=False) for _ in range(STEPS)])
    omega = np.linalg.qr(rng.normal(size=(N, RANK)))[0]
    u, values = nystrom(matrix, omega)
    iterates, inverse = preconditioned(matrix, b, u, values)
    OUT.parent.mkdir(exist_ok=True)
    np.savez(OUT, z=z, y=y, k=k, b=b, coordinates=coordinates.astype(float), omega=omega.T,
             dual_descent=dual_descent(matrix, b, coordinates), nystrom=iterates, inverse=inverse)


main()
