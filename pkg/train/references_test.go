package train

import (
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/optim"
)

// TestReferences makes the steps that scripts/optimizers made with torch.optim, schedulefree and the
// formulas of papers in numpy.
func TestReferences(t *testing.T) {
	const folder = "testdata/optimizers"
	// After the first step of SOAP, which makes no update, the gradient is the same again, diagonal in
	// the bases of its own singular vectors: elsewhere it is rounding errors over epsilon.
	tolerance := func(optimizer string) float64 {
		if optimizer == "soap" {
			return 1e-8
		}
		return 1e-12
	}
	models, cases := referenceModels(referenceCases(t, folder))
	known := map[string]bool{}
	for _, c := range cases {
		net, name, what := c[0], c[1], c[2]
		t.Run(net+"/"+name, func(t *testing.T) {
			r := reference{
				folder: folder, start: net, weights: referenceWeights(t, filepath.Join(folder, net+".npz")), steps: 3, name: name,
				model: models[net], loss: "squared", examples: 40, method: "optimizer: " + what,
			}
			known[r.check(t, tolerance(name)).Methods[0].Optimizer.Name] = true
		})
	}
	for _, name := range optim.Known.Names() {
		if !known[name] && name != "adam" && name != "adamw" { // which pkg/optim compares with torch
			t.Errorf("optimizer %s is compared with nothing", name)
		}
	}
}
