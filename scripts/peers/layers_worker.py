"""Print the rates of matrix products in PyTorch or NumPy, or of convolutions in PyTorch, in
GFLOP/s, as JSON: a median for each case, or for convolutions two.

layers_worker.py torch|numpy|"torch convolutions"|"channels_last convolutions" THREADS CASES
"""
import json
import statistics
import sys
import time

import numpy as np

WORK = 4e8  # operations of a measurement, of which there are REPEATS
REPEATS = 9


def rate(run, operations, warm):
    for _ in range(warm):
        run()
    repeat = max(1, int(WORK / operations))
    rates = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        rates.append(operations * repeat / (time.perf_counter() - start) / 1e9)
    return statistics.median(rates)


def product(case, torch):
    (m, n, k), form = case
    a = np.random.randn(*((k, m) if form[0] == "T" else (m, k))).astype(np.float32)
    b = np.random.randn(*((n, k) if form[1] == "T" else (k, n))).astype(np.float32)
    c = np.empty((m, n), np.float32)
    if torch:
        a, b, c = map(torch.from_numpy, (a, b, c))
    x, y = a.T if form[0] == "T" else a, b.T if form[1] == "T" else b
    multiply = torch.mm if torch else np.matmul
    return rate(lambda: multiply(x, y, out=c), 2 * m * n * k, 20)


def convolution(case, torch, layout):
    """Return the rates of the forward pass, with bias, and of it and all gradients."""
    m, c, size, f, k, stride, pad = case
    x, w, b = torch.randn(m, c, size, size).to(memory_format=layout), torch.randn(f, c, k, k).to(memory_format=layout), torch.randn(f)
    forward = lambda: torch.conv2d(x, w, b, stride, pad)
    y = forward()
    signals = torch.randn_like(y)  # in the layout of y

    def both():
        forward()
        torch.ops.aten.convolution_backward(signals, x, w, [f], [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, [True] * 3)

    work = 2 * y.numel() * c * k * k
    return rate(forward, work, 5), rate(both, 3 * work, 5)


def main():
    library, threads, cases = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    torch = None
    if library != "numpy":
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
    if library.endswith("convolutions"):
        layout = torch.channels_last if library.startswith("channels_last") else torch.contiguous_format
        out = [convolution(case, torch, layout) for case in cases]
    else:
        out = [product(case, torch) for case in cases]
    print(json.dumps(out))


if __name__ == "__main__":
    main()
