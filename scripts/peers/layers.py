"""Tables of single operations: matrix products beside PyTorch's, NumPy's and gonum's, and
convolutions beside PyTorch's with its tensors as they come and in its channels_last
layout. Programs are run whole, one behind the other, ROUNDS times; medians are printed, GFLOP/s of float32.
"""
import json
import os
import re
import statistics
import subprocess
import sys

from drive import HERE, bound, environment

ROUNDS = 3
FORMS = {(128, 256, 784): "NT", (128, 784, 256): "NN", (256, 784, 128): "TN", (512, 512, 512): "NN", (1024, 1024, 1024): "NN", (128, 10, 256): "NT"}
CONVOLUTION = ("batch", "channels", "size", "filters", "kernel", "stride", "padding")


def dgn(part):
    """Return what dgn measures of a part, on one thread and on two; it binds threads itself."""
    return json.loads(subprocess.check_output(["bin/dgn", "bench", "--kernels", "--parts", part, "--json", "--threads", "2"]))


def python(threads, library, cases):
    """Return the rates of cases by a library, in a process of its own."""
    command = [sys.executable, os.path.join(HERE, "layers_worker.py"), library, str(threads), json.dumps(cases)]
    return json.loads(subprocess.check_output(bound(threads, command), env=environment(threads)))


def head(titles):
    print("\n| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")


def product_rates():
    """Return GFLOP/s by library and shape."""
    out = {}
    for g in dgn("products")["gemm"]:
        shape = g["m"], g["n"], g["k"]
        if g["precision"] == "float32" and FORMS[shape] == g["transpose"]:
            out.setdefault("dgn, %d" % g["threads"], {})[shape] = g["gflops"]
    for threads in (1, 2):
        for library in ("torch", "numpy"):
            out["%s, %d" % (library, threads)] = dict(zip(FORMS, python(threads, library, list(FORMS.items()))))
    text = subprocess.check_output(["go", "test", "./pkg/tensor", "-run", "^$", "-bench", "Gonum", "-benchtime", "200ms"], text=True)
    for *shape, rate in re.findall(r"BenchmarkGonum/(\d+)x(\d+)x(\d+)\S*\s+\d+\s+\S+ ns/op\s+(\S+) GFLOP/s", text):
        out.setdefault("gonum", {})[tuple(map(int, shape))] = float(rate)
    return out


def products():
    """Print a table; the number behind a library is that of its threads. gonum chooses its own."""
    rounds = [product_rates() for _ in range(ROUNDS)]
    libraries = sorted(rounds[0], key=lambda name: name[-1])
    head(["m x n x k", "form"] + libraries)
    for shape, form in FORMS.items():
        print("| %dx%dx%d | %s | " % (*shape, form) + " | ".join("%.0f" % statistics.median(r[name][shape] for r in rounds) for name in libraries) + " |")


def convolution_rates():
    """Return pairs of rates, forward and with all gradients, by shape and threads, then by
    program."""
    out, operations = {}, {}
    for c in dgn("convolutions")["conv"]:
        if c["precision"] == "float32":
            operations.setdefault((tuple(c[k] for k in CONVOLUTION), c["threads"]), {})[c["operation"]] = c["gflops"]
    for key, r in operations.items():
        out[key] = {"dgn": (r["forward"], 3 / (1 / r["forward"] + 1 / r["input"] + 1 / r["weight"]))}
    for threads in sorted({t for _, t in out}):
        shapes = [s for s, t in out if t == threads]
        for program in ("torch", "channels_last"):
            for shape, rates in zip(shapes, python(threads, program + " convolutions", shapes)):
                out[shape, threads][program] = rates
    return out


def convolutions():
    """Print a table; times is dgn's rate over the better of PyTorch's two within a round."""
    rounds = [convolution_rates() for _ in range(ROUNDS)]
    programs = ("dgn", "torch", "channels_last")
    head(["convolution", "threads"] + ["%s %s" % (name, what) for what in ("forward", "both") for name in programs + ("times",)])
    for shape, threads in sorted(rounds[0], key=lambda key: key[1]):
        m, c, size, f, k, stride, _ = shape
        cells = ["%dx(%dx%dx%d)->%d, %dx%d" % (m, c, size, size, f, k, k) + (", stride %d" % stride if stride > 1 else ""), str(threads)]
        seen = [r[shape, threads] for r in rounds]
        for what in (0, 1):
            cells += ["%.0f" % statistics.median(s[name][what] for s in seen) for name in programs]
            cells.append("%.2f" % statistics.median(s["dgn"][what] / max(s["torch"][what], s["channels_last"][what]) for s in seen))
        print("| " + " | ".join(cells) + " |")


TABLES = {"products": products, "convolutions": convolutions}
