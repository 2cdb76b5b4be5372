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


WINDOW = 100  # steps behind which training begins again, as in dgn/main.go: later ones may have less to do


def serve(call, wait, restart, first, difference, steps=1):
    """Answer. A call makes so many steps, and may return before they are done: wait waits
    for them, as seldom as in training, but often enough to look at the clock. restart goes back
    to the initial weights, with the clock stopped, and one call that is not timed follows."""
    for _ in range(3):
        call()
    wait()
    _, once = timed(lambda: (call(), wait()))
    window = max(1, WINDOW // steps)
    block = min(window, max(1, int(0.01 / once)))
    print("READY %.4f %.3g" % (first, difference), flush=True)
    for line in sys.stdin:
        seconds = float(line.split()[1])
        calls, elapsed = 0, 0.0
        while elapsed < seconds:
            restart()
            call()
            wait()
            begun, start, made = elapsed, time.perf_counter(), 0
            while made < window and elapsed < seconds:
                for _ in range(block):
                    call()
                wait()
                made += block
                elapsed = begun + time.perf_counter() - start
            calls += made
        print("MS %.6f" % (1e3 * elapsed / calls / steps), flush=True)
