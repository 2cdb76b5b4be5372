#!/bin/sh
# A sweep in N parts by GNU parallel, J at a time, each on one thread:
#
#   examples/shards/parallel.sh CONFIG N J [FLAG...]
#
# With --sshloginfile NODES --workdir . among the options of parallel the parts go to the
# machines that are listed there. A part that fails, or whose machine does, is made by the
# next call, which makes only what is missing.
set -eu
config=$1 n=$2 jobs=$3
shift 3
seq 0 $((n - 1)) | parallel --quote --jobs "$jobs" --tag --line-buffer dgn sweep "$config" --threads 1 --shard "{}/$n" "$@"
