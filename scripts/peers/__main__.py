"""Print one table, in Markdown, of training steps of dgn and of other programs, measured in
turn (drive.py), each of which is first compared with dgn's (problems.py).

Run: make bench-peers, ROWS="mlp256-m128-sgd reg-exact" for a part of it, PYTHON=... to
choose the interpreter; or, after what make builds, python3 scripts/peers [ROW]... A row is
the beginning of a name in workloads.py, or products or convolutions, which are tables of
single operations (layers.py); all by default.
"""
import argparse
import os
import statistics
import tempfile

import drive
import layers
from problems import Problem, close
from workloads import WORKLOADS, chosen

TITLES = ("row", "threads", "cores", "program", "ms", "quartiles", "times dgn's", "quartiles", "GFLOP/s (of peak)", "first call, s", "differs by")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/peers", description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="beginnings of: %s products convolutions" % " ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each measurement")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--programs", help="these alone, separated by semicolons, such as 'jax, Gram; torch'")
    parser.add_argument("--oracle", action="append", default=[], metavar="TEXT", help="a row more of dgn, with TEXT in the mapping of its oracle, such as 'gram: chained'")
    return parser.parse_args()


def line(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def spread(values, digits=None):
    """Return the median and the quartiles as texts."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    if digits is None:
        digits = 4 if middle < 1 else 3 if middle < 10 else 1
    return "%.*f" % (digits, middle), "%.*f to %.*f" % (digits, low, digits, high)


def rows(name, threads, workers, looks):
    """Print what a block saw, near rounds and far ones apart."""
    peak = max(k.peak for k in looks) / (2 if WORKLOADS[name].net.precision == "float64" else 1)  # others may have slowed down any one measurement of it
    for part in drive.split(looks):
        trip = statistics.median(k.trip for k in part)
        cores = "%s, %.0f ns, %d rounds" % ("far" if part[0].far else "near", trip, len(part)) if trip else "one, %d rounds" % len(part)
        for w in workers:
            ms = [k.ms[w.name] for k in part]
            ratio = [k.ms[w.name] / k.ms["dgn"] for k in part]
            rate = "-"
            if w.name in part[0].rates:
                rate = statistics.median(k.rates[w.name] for k in part)
                rate = "%.0f (%.0f %%)" % (rate, 100 * rate / peak)
            differs = "%.0e" % w.difference if w.difference else "-"
            line([name, str(threads), cores, w.name, *spread(ms), *spread(ratio, 2), rate, "%.2f" % w.first, differs])


def measure(name, options, machine):
    """Measure a row of the table on each number of threads."""
    workload = WORKLOADS[name]
    programs = [p.strip() for p in options.programs.split(";")] if options.programs else workload.programs
    with tempfile.TemporaryDirectory() as folder:
        problem = Problem(folder, workload)
        problem.write()
        problem.direction()
        variants = options.oracle if workload.gamma else []
        for threads in map(int, options.threads.split(",")):
            workers = [drive.dgn("dgn", problem, threads)]
            try:
                for text in variants:
                    worker = drive.dgn("dgn, " + text, problem, threads, [text])
                    worker.difference = close(problem.direction(text), problem.direction(), workload.method)
                    workers.append(worker)
                workers += [drive.python(p, name, threads, folder) for p in programs if p]
                rows(name, threads, workers, drive.alternate(workers, machine, threads, options.rounds, options.seconds))
            finally:
                for w in workers:
                    w.close()


def main():
    os.chdir(os.path.join(drive.HERE, "..", ".."))
    options = arguments()
    single = [k for k in layers.TABLES if k in options.rows or not options.rows]
    names = [r for r in options.rows if r not in layers.TABLES]
    if names or not options.rows:
        machine = drive.Worker("machine", [drive.DGN, "machine"], ready=False)
        line(TITLES)
        line(["---"] * len(TITLES))
        for name in chosen(names):
            measure(name, options, machine)
        machine.close()
    for name in single:
        layers.TABLES[name]()


if __name__ == "__main__":
    main()
