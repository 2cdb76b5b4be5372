#!/bin/sh
# Prints the tables of docs/kernels.md that compare dgn with other programs. On a quiet
# machine, in an environment with what scripts/requirements-peers.txt lists (python3 is
# taken from $PATH): about half an hour. ROUNDS sets how often each step is measured.
set -eu
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE
go build -o bin/ ./cmd/dgn
echo "## Direction"
python3 scripts/compare_direction.py "${ROUNDS:-7}"
echo "## Dual step"
python3 scripts/compare_dual.py --rounds "${ROUNDS:-9}"
echo "## Step"
python3 scripts/compare_step.py "${ROUNDS:-7}"
echo "## Matrix products"
python3 scripts/compare_gemm.py
echo "## Convolutions"
python3 scripts/compare_conv.py 2 3
