"""Compare dgn's convolutions with PyTorch's.

Both are measured in turn, five times, in one run: the forward pass (with bias), and
forward and backward together (gradients of input, weights and bias). The highest of
five is printed, each a median of nine rounds: other programs on the machine only ever
slow one down.
Run: go build -o bin/ ./cmd/dgn && python3 scripts/compare_conv.py [THREADS]
(needs torch), with one thread and with THREADS, 2 if not given. Rates are GFLOP/s;
float32.
"""
import json
import subprocess
import sys

CHILD = """
import json, sys, time
import torch
torch.set_num_threads(int(sys.argv[1]))
out = []
for m, c, size, f, k, stride, pad in json.loads(sys.argv[2]):
    x, w, b = torch.randn(m, c, size, size), torch.randn(f, c, k, k), torch.randn(f)
    forward = lambda: torch.conv2d(x, w, b, stride, pad)
    y = forward()
    dy = torch.randn_like(y)
    def both():
        forward()
        torch.ops.aten.convolution_backward(dy, x, w, [f], [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, [True] * 3)
    flops = 2 * y.numel() * c * k * k
    rates = []
    with torch.no_grad():
        for run, work in ((forward, flops), (both, 3 * flops)):
            for _ in range(5): run()
            repeat = max(1, int(4e8 / work))
            seen = []
            for _ in range(9):
                t = time.perf_counter()
                for _ in range(repeat): run()
                seen.append(work * repeat / (time.perf_counter() - t) / 1e9)
            rates.append(sorted(seen)[4])
    out.append(rates)
print(json.dumps(out))
"""

THREADS = sys.argv[1] if len(sys.argv) > 1 else "2"
KEYS = ("batch", "channels", "size", "filters", "kernel", "stride", "padding")


def dgn():
    """Rates by threads and shape: forward, and forward with backward."""
    result = json.loads(subprocess.check_output(["bin/dgn", "bench", "--kernels", "--parts", "convolutions", "--json", "--threads", THREADS]))
    rates = {}
    for c in result["conv"]:
        if c["precision"] == "float32":
            rates.setdefault(c["threads"], {}).setdefault(tuple(c[k] for k in KEYS), {})[c["operation"]] = c["gflops"]
    both = lambda r: 3 / (1 / r["forward"] + 1 / r["input"] + 1 / r["weight"])
    return {t: {s: (r["forward"], both(r)) for s, r in shapes.items()} for t, shapes in rates.items()}


def torch(threads, shapes):
    text = subprocess.check_output([sys.executable, "-c", CHILD, str(threads), json.dumps(shapes)])
    return dict(zip(shapes, json.loads(text)))


rows = {}
for _ in range(5):
    for threads, result in dgn().items():
        beside = torch(threads, list(result))
        for shape, rates in result.items():
            seen = rows.setdefault((shape, threads), [[], [], [], []])
            for values, rate in zip(seen, (rates[0], beside[shape][0], rates[1], beside[shape][1])):
                values.append(rate)
print("| convolution | threads | dgn forward | torch forward | dgn both | torch both |")
print("|---" * 6 + "|")
for (shape, threads), seen in rows.items():
    m, c, size, f, k, stride, _ = shape
    name = "%dx(%dx%dx%d)->%d, %dx%d" % (m, c, size, size, f, k, k) + ("/%d" % stride if stride > 1 else "")
    print("| %s | %d | " % (name, threads) + " | ".join("%.0f" % max(v) for v in seen) + " |")
