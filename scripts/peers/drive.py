"""Let programs take turns. Each is a process of its own, bound to as many processors as it
has threads, the same ones; it builds its step, checks it, and waits. Rounds go through
the programs in turn, so that whatever else the machine does falls on all alike, and while
one works the others are stopped: threads of some libraries, as OpenBLAS's, spin for the next call long
after one, on the processors of whoever is next.

The host of a virtual machine may move its cores nearer to each other, or apart, at any
time, which changes times on two threads by more than most differences between programs.
So every round begins with a look at how far they are apart, and numbers of near and far
rounds are kept apart.
"""
import os
import signal
import subprocess
import sys

from workloads import WORKLOADS

# Settings of the shell that would slow libraries down on some machines.
HINDRANCES = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES", "XLA_FLAGS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
DGN = "bin/peers-dgn"
FAR = 150  # nanoseconds of a round trip from core to core from which they are far, as in scripts/threads.sh
FEWEST = 3  # rounds of which medians are told beside those of more
HERE = os.path.dirname(os.path.abspath(__file__))


def environment(threads, folder=None):
    """Return what makes libraries use so many threads, and keep what they compile in a new
    folder: first calls then do not find what an earlier run compiled."""
    env = {k: v for k, v in os.environ.items() if k not in HINDRANCES}
    if folder:
        env["TORCHINDUCTOR_CACHE_DIR"] = folder
    return dict(env, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), GOMAXPROCS=str(threads),
                JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="", TORCHINDUCTOR_COMPILE_THREADS="1")


def bound(threads, command):
    """Return the command on the last processors that this process may use."""
    processors = sorted(os.sched_getaffinity(0))[-threads:]
    assert len(processors) == threads, "not enough processors for %d threads" % threads
    return ["taskset", "-c", ",".join(map(str, processors))] + command


class Worker:
    """A process that answers lines with lines of numbers."""

    def __init__(self, name, command, env=None, ready=True):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.first, self.difference = (self.answer("READY") + [0])[:2] if ready else (0, 0)

    def answer(self, begin):
        for line in self.process.stdout:
            word, *numbers = line.split() or [""]
            if word == begin:  # libraries may print lines of their own
                return [float(v) for v in numbers]
        raise RuntimeError("%s ended with exit code %d" % (self.name, self.process.wait()))

    def ask(self, line, begin):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer(begin)

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def proceed(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.proceed()  # if an error left it stopped
        self.process.stdin.close()
        self.process.wait()


def python(program, workload, threads, folder):
    """Return the worker of a program in Python."""
    kind = "residuals" if WORKLOADS[workload].net.precision == "float64" else program.split(",")[0]
    script = os.path.join(HERE, kind + "_worker.py")
    command = [sys.executable, script, workload, program, str(threads), folder]
    return Worker(program, bound(threads, command), environment(threads, os.path.join(folder, "compiled%d" % threads)))


def dgn(name, problem, threads, oracle=()):
    """Return dgn's worker of a problem, with more text in the mapping of its oracle."""
    path = problem.path(name.replace("/", " ") + ".yaml")
    with open(path, "w") as f:
        f.write(problem.workload.config(oracle))
    w = problem.workload
    if w.net.precision == "float64":  # of residuals, whose points dgn draws
        return Worker(name, bound(threads, [DGN, path, str(threads)]), environment(threads))
    classes = 0 if w.net.outputs == 1 else w.net.outputs
    command = [DGN, path] + [str(v) for v in (*w.net.shape, classes, w.examples, threads)]
    return Worker(name, bound(threads, command), environment(threads))


class Look:
    """What one round saw: nanoseconds of a round trip, GFLOP/s of the peak in float32, and of each
    program the milliseconds of a step and, of dgn's, GFLOP/s."""

    def __init__(self, trip, peak):
        self.trip, self.peak = trip, peak
        self.ms, self.rates = {}, {}

    @property
    def far(self):
        return self.trip >= FAR


def alternate(workers, machine, threads, rounds, seconds):
    """Return Looks: rounds of them with the cores near, or so many with them far, whatever
    comes first. Who goes first in a round, behind the look at the machine, takes turns too."""
    looks = []
    for w in workers:
        w.stop()
    while max(sum(k.far for k in looks), sum(not k.far for k in looks)) < rounds:
        look = Look(*machine.ask("look %d" % threads, "NS"))
        first = len(looks) % len(workers)
        for w in workers[first:] + workers[:first]:
            w.proceed()
            ms, *rate = w.ask("go %g" % seconds, "MS")
            w.stop()
            look.ms[w.name] = ms
            if rate:
                look.rates[w.name] = rate[0]
        looks.append(look)
    return looks


def split(looks):
    """Return the near rounds and the far ones, without those that are too few."""
    parts = [[k for k in looks if not k.far], [k for k in looks if k.far]]
    return [p for p in parts if len(p) >= min(FEWEST, max(map(len, parts)))]
