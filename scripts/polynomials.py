"""Print the polynomials of pkg/tensor/kernel/gen/transcendental.go.

Each is the interpolation at Chebyshev nodes, which is within a small factor of
the best; the largest relative error of what it stands for is printed with it.
Run: python3 scripts/polynomials.py (needs mpmath).
"""
import mpmath as mp

mp.mp.dps = 50


def fit(name, f, lo, hi, degree, value, approximation):
    n = degree + 1
    nodes = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    a = mp.matrix(n, n)
    b = mp.matrix(n, 1)
    for i, x in enumerate(nodes):
        b[i] = f(x)
        for j in range(n):
            a[i, j] = x**j
    c = list(mp.lu_solve(a, b))
    worst = 0
    for i in range(2001):
        x = lo + (hi - lo) * mp.mpf(i) / 2000
        p = mp.polyval(c[::-1], x)
        v = value(x)
        if v:
            worst = max(worst, abs(approximation(x, p) / v - 1))
    print(f"{name}: relative error {mp.nstr(worst, 3)}")
    print("\t" + ", ".join(mp.nstr(v, 20) for v in c))


half = mp.log(2) / 2 * mp.mpf("1.0001")


def tail(r):  # (exp(r) - 1 - r)/r^2
    return sum(r**k / mp.factorial(k + 2) for k in range(40))


for name, degree in (("exp, float32", 4), ("exp, float64", 10)):
    fit(name, tail, -half, half, degree, mp.exp, lambda r, p: 1 + r + r * r * p)
fit("expm1, float32", tail, -half, half, 5, mp.expm1, lambda r, p: r + r * r * p)


def atanh_tail(w):  # (atanh(s)/s - 1)/w with w = s^2
    return sum(w**k / (2 * k + 3) for k in range(80))


for name, degree in (("log1p, float32", 5), ("log1p, float64", 9)):
    fit(name, atanh_tail, mp.mpf(0), mp.mpf(1) / 9, degree, lambda w: 1 + w * atanh_tail(w), lambda w, p: 1 + w * p)


def scaled_erfcx(t):  # (1 + 2z) exp(z^2) erfc(z) with t = (z - 2)/(z + 2)
    z = 2 * (1 + t) / (1 - t)
    return (1 + 2 * z) * mp.exp(z * z) * mp.erfc(z)


fit("erfcx, float32", scaled_erfcx, mp.mpf(-1), mp.mpf("0.68"), 12, scaled_erfcx, lambda t, p: p)
