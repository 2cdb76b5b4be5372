"""The protocol of a worker process: it builds its step, checks it, prints READY with the
seconds of the first call and how far the step is from dgn's, and then, for every line
"go SECONDS", MS with the milliseconds of a step in the mean over so long.
"""
import sys
import time

from problems import Problem
from workloads import WORKLOADS


def arguments():
    """Return what a worker is told: the workload's problem, the words of its form, and its
    number of threads."""
    name, form, threads, folder = sys.argv[1:]
    return Problem(folder, WORKLOADS[name]), form.split(", ")[1:], int(threads)


def timed(call):
    start = time.perf_counter()
    out = call()
    return out, time.perf_counter() - start


def serve(call, wait, first, difference, steps=1):
    """Answer. A call makes so many steps, and may return before they are done: wait waits
    for them, as seldom as in training, but often enough to look at the clock."""
    for _ in range(3):
        call()
    wait()
    _, once = timed(lambda: (call(), wait()))
    block = max(1, int(0.01 / once))
    print("READY %.4f %.3g" % (first, difference), flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        call()
        wait()
        start, calls, elapsed = time.perf_counter(), 0, 0.0
        while elapsed < seconds:
            for _ in range(block):
                call()
            wait()
            calls += block
            elapsed = time.perf_counter() - start
        print("MS %.6f" % (1e3 * elapsed / calls / steps), flush=True)
