"""Compare dgn's convolutions with PyTorch's.

Both are measured in turn, five times, in one run: the forward pass (with bias), and
forward and backward together (gradients of input, weights and bias). PyTorch is measured
with its tensors as they come and in its channels_last layout. Medians are printed, and
the median of dgn's rate over the better of PyTorch's two within a round.
Run: go build -o bin/ ./cmd/dgn && python3 scripts/compare_conv.py [THREADS [ROUNDS]]
(needs torch), with one thread and with THREADS, 2 if not given. Rates are GFLOP/s;
float32.
"""
import json
import statistics
import subprocess
import sys

from peers import environment

CHILD = """
import json, sys, time
import torch
torch.set_num_threads(int(sys.argv[1]))
out = []
for m, c, size, f, k, stride, pad in json.loads(sys.argv[2]):
    layout = torch.channels_last if sys.argv[3] == "channels_last" else torch.contiguous_format
    x, w, b = torch.randn(m, c, size, size).to(memory_format=layout), torch.randn(f, c, k, k).to(memory_format=layout), torch.randn(f)
    forward = lambda: torch.conv2d(x, w, b, stride, pad)
    y = forward()
    dy = torch.randn_like(y) # in the layout of y
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
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
KEYS = ("batch", "channels", "size", "filters", "kernel", "stride", "padding")
COLUMNS = ("dgn", "torch", "channels_last")


def dgn():
    """Rates by threads and shape: forward, and forward with backward."""
    result = json.loads(subprocess.check_output(["bin/dgn", "bench", "--kernels", "--parts", "convolutions", "--json", "--threads", THREADS]))
    rates = {}
    for c in result["conv"]:
        if c["precision"] == "float32":
            rates.setdefault(c["threads"], {}).setdefault(tuple(c[k] for k in KEYS), {})[c["operation"]] = c["gflops"]
    both = lambda r: 3 / (1 / r["forward"] + 1 / r["input"] + 1 / r["weight"])
    return {t: {s: (r["forward"], both(r)) for s, r in shapes.items()} for t, shapes in rates.items()}


def torch(threads, shapes, layout):
    text = subprocess.check_output([sys.executable, "-c", CHILD, str(threads), json.dumps(shapes), layout], env=environment(threads))
    return dict(zip(shapes, json.loads(text)))


rows = {}  # by shape and threads: for each column, pairs of rates, one a round
for _ in range(ROUNDS):
    for threads, result in dgn().items():
        beside = [result] + [torch(threads, list(result), layout) for layout in COLUMNS[1:]]
        for shape in result:
            for name, rates in zip(COLUMNS, beside):
                rows.setdefault((shape, threads), {}).setdefault(name, []).append(rates[shape])
print("| convolution | threads | " + " | ".join("%s %s" % (name, what) for what in ("forward", "both") for name in COLUMNS + ("times",)) + " |")
print("|---" * (2 + 2 * (len(COLUMNS) + 1)) + "|")
for (shape, threads), seen in rows.items():
    m, c, size, f, k, stride, _ = shape
    cells = ["%dx(%dx%dx%d)->%d, %dx%d" % (m, c, size, size, f, k, k) + (", stride %d" % stride if stride > 1 else ""), str(threads)]
    for what in (0, 1):
        cells += ["%.0f" % statistics.median(pair[what] for pair in seen[name]) for name in COLUMNS]
        lead = [seen["dgn"][i][what] / max(seen[name][i][what] for name in COLUMNS[1:]) for i in range(ROUNDS)]
        cells.append("%.2f" % statistics.median(lead))
    print("| " + " | ".join(cells) + " |")
