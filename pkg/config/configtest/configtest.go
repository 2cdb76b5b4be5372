// Package configtest has the small experiments that tests of several packages make, on
// embedded data. It imports no package of dgn, so that the tests of config can use it too.
package configtest

import "testing"

// Toy has two methods that make 12 steps from each of two seeds.
const Toy = `
name: toy
seeds: [0, 1]
data: {name: digits, train_limit: 300, test_limit: 100}
model: {kind: mlp, hidden: [12]}
loss: {kind: logistic}
train: {batch_size: 50, epochs: 2}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: Adam!, optimizer: {kind: adam, learning_rate: 0.01}}
`

// TwoMethods is an experiment to sweep over: one method has an inner solver, and a name
// with a dot.
const TwoMethods = `
name: toy
seeds: [0, 1]
data: {name: digits, train_limit: 200, test_limit: 100}
model: {kind: mlp, hidden: [8]}
loss: {kind: logistic}
train: {batch_size: 50, epochs: 1}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: GN v1.5, oracle: {kind: gauss_newton, inner_iterations: 1, gamma: 1}, optimizer: {kind: sgd, learning_rate: 1}}
`

// Read returns what a reader of configs, such as config.Parse, makes of a text and of
// assignments KEY=VALUE. An error ends the test.
func Read[C any](t testing.TB, read func(path string, text []byte, sets []string) (C, error), text string, sets ...string) C {
	t.Helper()
	c, err := read("toy.yaml", []byte(text), sets)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
