#!/bin/sh
# A sweep with a part for each machine, by a plain loop over ssh. They see this folder, on a
# disk that they share, under the same path:
#
#   examples/shards/ssh.sh CONFIG "NODE..." [FLAG...]
#
# SSH may hold another command than ssh, with options. It fails if one part does; the same
# call again makes only what is missing.
set -eu
config=$1 nodes=$2
shift 2

# quote makes a word of the shell at the other end of a text.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }
command="cd $(quote "$PWD") && exec dgn sweep"
for word in "$config" "$@"; do command="$command $(quote "$word")"; done
n=$(echo "$nodes" | wc -w) i=0 parts=
for node in $nodes; do
	${SSH:-ssh} "$node" "$command --shard $i/$n" </dev/null &
	parts="$parts $!" i=$((i + 1))
done
failed=0
for part in $parts; do wait "$part" || failed=1; done
exit $failed
