"""Compare dgn's matrix products with PyTorch's, NumPy's and gonum's.

All are measured in turn, three times, in one run; medians are printed.
Run: go build -o bin/ ./cmd/dgn && python3 scripts/compare_gemm.py
(needs torch and numpy). Rates are GFLOP/s; float32.
"""
import json
import re
import statistics
import subprocess
import sys

from peers import environment

SHAPES = [(128, 256, 784), (128, 784, 256), (256, 784, 128), (512, 512, 512), (1024, 1024, 1024), (128, 10, 256)]
FORMS = {(128, 256, 784): "NT", (128, 784, 256): "NN", (256, 784, 128): "TN", (512, 512, 512): "NN", (1024, 1024, 1024): "NN", (128, 10, 256): "NT"}

CHILD = """
import os, sys, time, json
threads, library = int(sys.argv[1]), sys.argv[2]
import numpy as np
if library == 'torch':
    import torch
    torch.set_num_threads(threads)
shapes = json.loads(sys.argv[3])
out = []
for (m, n, k), form in shapes:
    a = np.random.randn(*((k, m) if form[0] == 'T' else (m, k))).astype('float32')
    b = np.random.randn(*((n, k) if form[1] == 'T' else (k, n))).astype('float32')
    c = np.empty((m, n), 'float32')
    if library == 'torch':
        a, b, c = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c)
    x, y = (a.T if form[0] == 'T' else a), (b.T if form[1] == 'T' else b)
    f = (lambda: torch.mm(x, y, out=c)) if library == 'torch' else (lambda: np.matmul(x, y, out=c))
    for _ in range(20): f()
    repeat = max(1, int(4e8 / (2 * m * n * k)))
    rates = []
    for _ in range(9):
        t = time.perf_counter()
        for _ in range(repeat): f()
        rates.append(2 * m * n * k * repeat / (time.perf_counter() - t) / 1e9)
    out.append(sorted(rates)[4])
print(json.dumps(out))
"""


def python(library, threads):
    text = subprocess.check_output([sys.executable, "-c", CHILD, str(threads), library, json.dumps([(s, FORMS[s]) for s in SHAPES])], env=environment(threads))
    return dict(zip(SHAPES, json.loads(text)))


def dgn():
    r = json.loads(subprocess.check_output(["bin/dgn", "bench", "--kernels", "--json", "--threads", "2"]))
    out = {1: {}, 2: {}}
    for g in r["gemm"]:
        s = (g["m"], g["n"], g["k"])
        if g["precision"] == "float32" and FORMS[s] == g["transpose"]:
            out[g["threads"]][s] = g["gflops"]
    return out


def gonum():
    text = subprocess.check_output(["go", "test", "./pkg/tensor", "-run", "^$", "-bench", "Gonum", "-benchtime", "200ms"], text=True)
    out = {}
    for m, n, k, rate in re.findall(r"BenchmarkGonum/(\d+)x(\d+)x(\d+)\S*\s+\d+\s+\S+ ns/op\s+(\S+) GFLOP/s", text):
        out[int(m), int(n), int(k)] = float(rate)
    return out


rows = {}
for _ in range(3):
    d = dgn()
    for name, result in (("dgn, 1 thread", d[1]), ("torch, 1 thread", python("torch", 1)), ("numpy, 1 thread", python("numpy", 1)), ("gonum", gonum()),
                         ("dgn, 2 threads", d[2]), ("torch, 2 threads", python("torch", 2)), ("numpy, 2 threads", python("numpy", 2))):
        for s, rate in result.items():
            rows.setdefault(name, {}).setdefault(s, []).append(rate)
print("| m x n x k | form | " + " | ".join(rows) + " |")
print("|---" * (len(rows) + 2) + "|")
for s in SHAPES:
    print("| %dx%dx%d | %s | " % (*s, FORMS[s]) + " | ".join("%.0f" % statistics.median(r[s]) for r in rows.values()) + " |")
