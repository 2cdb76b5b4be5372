"""Alternate dgn with other programs in one run: what compare_direction.py,
compare_step.py and compare_dual.py share.

Each peer is a process of its own that builds its function, checks it, and then waits;
rounds go through the peers in turn, dgn between them, so that whatever else the machine
does falls on all alike. All processes are bound to as many processors as they have
threads, the same ones (XLA takes its threads from there).
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

# Settings of the shell that would slow libraries down on some machines.
HINDRANCES = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES", "XLA_FLAGS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def environment(threads):
    env = {k: v for k, v in os.environ.items() if k not in HINDRANCES}
    return dict(env, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), GOMAXPROCS=str(threads), JAX_PLATFORMS="cpu")


def bound(threads, command):
    """Return the command on the first processors that this process may use."""
    processors = sorted(os.sched_getaffinity(0))[:threads]
    assert len(processors) == threads, "not enough processors for %d threads" % threads
    return ["taskset", "-c", ",".join(map(str, processors))] + command


class Peer:
    """A process running serve() below."""

    def __init__(self, name, threads, arguments):
        self.name = name
        self.process = subprocess.Popen(bound(threads, [sys.executable, os.path.abspath(sys.argv[0]), "--serve", name, str(threads)] + arguments),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads))
        self.note = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("%s ended" % self.name)
        return line.strip()

    def measure(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve(call, note="", steps=1):
    """Time the function, a call of which makes so many steps, whenever asked, for about a
    third of a second. The note, if any, is how far its answer is from dgn's."""
    start = time.perf_counter()
    for _ in range(3):
        call()
    start = time.perf_counter()
    call()
    repeat = max(1, int(0.3 / (time.perf_counter() - start)))
    print(note, flush=True)
    for _ in sys.stdin:
        call()
        start = time.perf_counter()
        for _ in range(repeat):
            call()
        print((time.perf_counter() - start) / (repeat * steps), flush=True)


class Dgn:
    """The benchmark BenchmarkPeers of pkg/train, built once, with a config of one method."""

    note = ""
    folder = tempfile.TemporaryDirectory()
    binary = None

    def __init__(self, threads, config, name="dgn"):
        if Dgn.binary is None:
            Dgn.binary = os.path.join(Dgn.folder.name, "bench")
            subprocess.run(["go", "test", "-c", "-o", Dgn.binary, "./pkg/train"], check=True)
        self.threads, self.name = threads, name
        self.trips = []  # nanoseconds from core to core and back, of each process
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=Dgn.folder.name, delete=False) as f:
            f.write(config)
        self.config = f.name

    def measure(self):
        command = [Dgn.binary, "-test.run", "^$", "-test.bench", "^BenchmarkPeers$", "-test.benchtime", "300ms", "-peers-config", self.config]
        text = subprocess.check_output(bound(self.threads, command), text=True, env=environment(self.threads), cwd="pkg/train")
        if trip := re.search(r"([\d.]+) ns/roundtrip", text):
            self.trips.append(float(trip.group(1)))
        return float(re.search(r"([\d.]+) ns/op", text).group(1)) / 1e9

    def close(self):
        pass


def header(first, to=("dgn",)):
    """Print the head of the table whose rows alternate() prints."""
    titles = [first, "program", "ms", "lowest to highest"]
    for name in to:
        titles += ["times %s" % name, "quartiles"]
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|", flush=True)


def alternate(title, peers, rounds, to=("dgn",)):
    """Measure all in turn and print lines of a table: milliseconds, and times those of
    the programs in to.

    Ratios are medians of the ratios within a round, with their quartiles."""
    times = {p.name: [] for p in peers}
    for _ in range(rounds):
        for p in peers:
            times[p.name].append(p.measure())
    for p in peers:
        p.close()
    for p in peers:
        ms = [1e3 * t for t in times[p.name]]
        digits = 2 if statistics.median(ms) >= 2 else 4
        cells = [title, p.name, "%.*f" % (digits, statistics.median(ms)), "%.*f to %.*f" % (digits, min(ms), digits, max(ms))]
        for name in to:
            ratio = [t / d for t, d in zip(times[p.name], times[name])]
            quartiles = statistics.quantiles(ratio, n=4) if len(ratio) > 1 else [ratio[0]] * 3
            cells += ["%.2f" % statistics.median(ratio), "%.2f to %.2f" % (quartiles[0], quartiles[2])]
        print("| " + " | ".join(cells) + " |", flush=True)


def mlp(m, width, method):
    """Return dgn's config of the MLP 784-w-w-10."""
    return """
name: peers
data: {name: mnist}
model: {kind: mlp, hidden: [%d, %d]}
loss: {kind: logistic}
train: {batch_size: %d, epochs: 1000}
methods: [{name: a, %s}]
""" % (width, width, m, method)


def compare(served, method, names, cases):
    """The command line of a script: with --serve, run served(name, threads, m, width);
    else print the table of dgn's training step of the MLP with the method, and of the
    peers named, in the cases given, or in these."""
    if sys.argv[1:2] == ["--serve"]:
        served(sys.argv[2], *map(int, sys.argv[3:]))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    header("m, width, threads")
    for case in sys.argv[2:] or cases:
        m, width, threads = map(int, case.split(","))
        peers = [Peer(name, threads, [str(m), str(width)]) for name in names]
        tell(case, peers)
        alternate(case, [Dgn(threads, mlp(m, width, method))] + peers, rounds)


def tell(case, peers):
    """Tell how far the answers of the peers are from dgn's."""
    if notes := [p.note for p in peers if p.note]:
        print("%s differ from dgn by at most %s" % (case, max(notes, key=float)), file=sys.stderr)
