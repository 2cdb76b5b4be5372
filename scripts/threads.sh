#!/bin/sh
# Compares one thread, two, and the choice that runs make with --threads auto: repeats of
# the runs of a config with each take turns, threads bound to CPUs, and medians of
# milliseconds a step are printed, apart for cores that are near and far: the host of a
# virtual machine may move it from one to the other at any time. A round trip of FAR_NS
# nanoseconds or more (default 150) is far.
#
#   scripts/threads.sh configs/digits.yaml [ROUNDS]
set -eu
config=$1
rounds=${2:-7}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go build -o "$out/dgn" ./cmd/dgn
for round in $(seq "$rounds"); do
	for k in 0 1 2; do # each goes first in turn
		case $(((round + k) % 3)) in 0) threads=1 ;; 1) threads=2 ;; 2) threads=auto ;; esac
		"$out/dgn" run "$config" --threads $threads --timing=3 --out "$out/results" --figures none --quiet >"$out/log" 2>&1 || { cat "$out/log" >&2 && exit 1; }
		awk -F, -v t=$threads 'NR > 1 && $16 == "" { print $1 "," t "," $10 "," 1000 * $9 "," $14 }' "$out/results/timing.csv"
		rm -rf "$out/results"
	done
done >"$out/all"
awk -F, -v far="${FAR_NS:-150}" '
	function add(key, x) { v[key, ++count[key]] = x }
	{ methods[$1] = 1; where = $5 + 0 < far ? "near" : "far" }
	$2 == 1 { add($1 ",near,1", $4); add($1 ",far,1", $4); next }
	{ add($1 "," where "," $2, $4); chosen[$1, where, $2, $3]++; add(where, $5) }
	function median(key,   n, i, j, x) {
		n = count[key]
		for (i = 2; i <= n; i++) { x = v[key, i]; for (j = i - 1; j > 0 && v[key, j] > x; j--) v[key, j + 1] = v[key, j]; v[key, j + 1] = x }
		return n % 2 ? v[key, (n + 1) / 2] : (v[key, n / 2] + v[key, n / 2 + 1]) / 2
	}
	END {
		for (m in methods) for (k = 0; k < 2; k++) {
			where = k ? "far" : "near"; key = m "," where
			if (!count[key ",2"] || !count[key ",auto"]) { printf "%-14s %-4s  not met\n", m, where; continue }
			a = median(key ",1"); b = median(key ",2"); c = median(key ",auto"); best = a < b ? a : b
			printf "%-14s %-4s %3.0f ns  1: %.4f  2: %.4f  auto: %.4f ms a step, %+.1f %% from the better; chose 1 in %d runs, 2 in %d\n", m, where, median(where), a, b, c, 100 * (c / best - 1), chosen[m, where, "auto", 1], chosen[m, where, "auto", 2]
		}
	}' "$out/all"
