#!/bin/sh
# Draws the figures of docs/results from what is committed there: runs.csv, written
# by dgn export, or the logs of runs themselves. Needs bin/dgn; see make figures.
set -eu
cd "$(dirname "$0")/../docs/results"

# plot NAME FIGURES [FLAG...]
plot() {
	name=$1 figures=$2
	shift 2
	from=$name/runs.csv
	if [ -d "$name/runs" ]; then from=$name; fi
	../../bin/dgn plot "$from" --figure "$figures" --format png --out "$name" "$@"
}

plot quickstart overview
plot mnist overview,target
# The settings of the old figure and those that were searched, side by side.
plot mnist curves --x cost --y train_loss --log-x
plot mnist_tuned curves --x cost --y train_loss --log-x
for name in autoencoder autoencoder_128 autoencoder_relu function_fit regression cifar10 mnist_conv mnist_less oracles; do
	plot $name overview
	plot $name curves --x cost --y train_loss
done
# Twenty-two curves in one figure cannot be told apart: those on gradients, and those on a dual direction.
for folder in gradients dual; do
	on=
	if [ $folder = dual ]; then on="GN dual, "; fi
	set --
	for name in "SGD momentum" AdamW NAdam NAdamW Lion "schedule-free SGD" "schedule-free AdamW" Lookahead Muon Shampoo SOAP; do
		set -- "$@" --method "$on$name"
	done
	plot optimizers overview --out "optimizers/$folder" "$@"
done
plot inner_budget overview,formulations
plot regression_steps overview
plot regression_diabetes overview
plot mnist_gram overview
plot mnist_conv_steps overview
plot cifar10_steps overview
plot inner_solvers solvers,duals
# Against cost alone: other programs ran during the sweeps.
plot sweep_inner_budget sensitivity,formulations
plot sweep_learning_rate curves,target --x cost --y train_loss,test_accuracy
plot sweep_learning_rate sensitivity
# Equations, beside curves that others published, if a table of those is given: CURVES=curves.csv make
# figures. They are of their authors; scripts/pinn/published.py says where they are and what it takes.
pinn() { # NAME EQUATION DIMENSION NETWORK [FLAG...]
	name=$1
	shift
	python3 ../../scripts/pinn/published.py "$CURVES" "$@" >"pinn/$name/published.csv"
	../../bin/dgn plot "pinn/$name/runs.csv" "pinn/$name/published.csv" --figure curves --x wall --y test_l2 --log-x --format png --out "pinn/$name"
	rm "pinn/$name/published.csv"
}
plot pinn/burgers curves --x wall --y test_l2 --log-x # nobody's curves of it are in such a table
if [ -n "${CURVES:-}" ]; then
	pinn poisson2d_64 poisson 2 64
	pinn poisson2d poisson 2 64-64-48-48
	pinn heat1d heat 1 64-64-48-48
	pinn heat1d_64 heat 1 64
	pinn poisson5d poisson 5 64-64-48-48 --experiment exp1_poisson5d
fi
