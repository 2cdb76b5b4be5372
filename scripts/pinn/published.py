#!/usr/bin/env python3
"""Writes other people's curves as a table that `dgn plot` draws beside ours.

    scripts/pinn/published.py CURVES.csv poisson 2 64-64-48-48 >published.csv
    dgn plot RESULTS published.csv --figure curves --x wall --y test_l2

CURVES.csv has the columns source, experiment, equation, dimension, network, optimizer, variant,
seconds, step, loss and l2_error, as the curves that the authors of arXiv 2405.15603 and
arXiv 2505.12149 put online do. Their times are those of a GPU, and the names of the methods say so.
"""

import argparse
import csv
import sys

# The columns of `dgn export --csv`; what nobody told is left empty.
COLUMNS = (
    "experiment dataset method method_index seed outcome flags version commit cpu isa threads jobs varied step epoch wall_seconds cost "
    "oracle_calls train_loss train_accuracy valid_loss valid_accuracy test_loss test_accuracy test_rmse test_l2"
).split()
FIRST = 119  # from here on colours have other marks than among the first 21 methods of a config, see StyleOf in pkg/figure
VARIANTS = {"exact": "", "full": "", "auto": "*", "per_layer": " (layers)", "diagonal": " (diagonal)", "[": ""}


def name(row):
    """The method of a row: KFAC* is the variant that its authors call so."""
    variant = VARIANTS.get(row["variant"].split()[0] if row["variant"] else "", "")
    return f"{row['optimizer']}{variant}, {row['source'].split()[1]}, GPU"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves")
    parser.add_argument("equation")
    parser.add_argument("dimension")
    parser.add_argument("network", help="widths of the hidden layers, as 64-64-48-48")
    parser.add_argument("--only", help="optimizers to keep, as Adam,KFAC,ENGD-W")
    parser.add_argument("--experiment", help="the experiment to keep, where several have this problem")
    args = parser.parse_args()
    only = args.only.split(",") if args.only else None

    with open(args.curves, newline="") as f:
        rows = [
            r for r in csv.DictReader(f)
            if (r["equation"], r["dimension"]) == (args.equation, args.dimension)
            and r["network"] == "mlp-tanh-" + args.network
            and r["variant"] != "diagonal"  # an order of magnitude behind all others
            and (only is None or r["optimizer"] in only)
            and args.experiment in (None, r["experiment"])
        ]
    if not rows:
        sys.exit(f"{args.curves} has no curves of {args.equation} in {args.dimension} dimensions with the network {args.network}")
    experiments = {}
    for r in rows:
        experiments.setdefault(name(r), set()).add(r["experiment"])
    for method, found in experiments.items():
        if len(found) > 1:
            sys.exit(f"{method} is in several experiments, whose curves are not one: {', '.join(sorted(found))}; choose by --experiment")
    rows = list({(name(r), r["step"]): r for r in rows}.values())  # of two of one step the last
    methods = list(dict.fromkeys(name(r) for r in rows))
    out = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    out.writeheader()
    for r in rows:
        out.writerow({
            "experiment": r["experiment"], "dataset": args.equation, "method": name(r), "method_index": FIRST + methods.index(name(r)), "seed": 0,
            "outcome": "finished", "version": r["source"], "cpu": "a GPU", "threads": 1, "jobs": 1, "step": r["step"], "epoch": r["step"],
            "wall_seconds": r["seconds"], "cost": 0, "oracle_calls": 0, "train_loss": r["loss"], "test_l2": r["l2_error"],
        })


if __name__ == "__main__":
    main()
