package train

import (
	"path/filepath"
	"testing"
)

// TestOracleReferences makes the steps that scripts/oracles made with torch.optim.LBFGS, and with the
// formulas of papers in numpy.
func TestOracleReferences(t *testing.T) {
	for _, oracle := range []string{"lbfgs", "hessian_free"} {
		folder := filepath.Join("testdata", oracle)
		weights := referenceWeights(t, filepath.Join(folder, "weights.npz"))
		for _, c := range referenceCases(t, folder) {
			t.Run(oracle+"/"+c[0], func(t *testing.T) {
				r := reference{folder: folder, start: c[1], weights: weights, steps: 5, name: c[0], model: c[2], loss: c[1], examples: 40, method: c[3]}
				r.check(t, 1e-8)
			})
		}
	}
}

// TestKFACReference makes the steps that scripts/oracles/kfac.py made from the formulas of the papers in numpy.
func TestKFACReference(t *testing.T) {
	const folder = "testdata/kfac"
	models, cases := referenceModels(referenceCases(t, folder))
	for _, c := range cases {
		net, name, what := c[0], c[1], c[2]
		t.Run(net+"/"+name, func(t *testing.T) {
			r := reference{
				folder: folder, start: net, weights: referenceWeights(t, filepath.Join(folder, net+".npz")), steps: 3, name: name,
				model: models[net], loss: "logistic", examples: 30, method: "oracle: " + what + ", optimizer: {kind: sgd, learning_rate: 0.5}",
			}
			r.check(t, 1e-10)
		})
	}
	if len(cases) != 7 {
		t.Errorf("%d cases", len(cases))
	}
}
