#!/bin/sh
# Prints the tables of docs/kernels.md that compare dgn with other programs. On a quiet
# machine, in an environment with numpy, torch and jax (python3 is taken from $PATH):
# about ten minutes. ROUNDS sets how often each is measured.
set -eu
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE
go build -o bin/ ./cmd/dgn
echo "## Direction"
python3 scripts/compare_direction.py "${ROUNDS:-7}"
echo "## Step"
python3 scripts/compare_step.py "${ROUNDS:-7}"
echo "## Convolutions"
python3 scripts/compare_conv.py 2 3
