package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
)

// TestOracleReferences makes 20 full-batch steps in float64 with what scripts/oracles made with
// torch.optim.LBFGS, and with the formulas of papers in numpy, from the same weights. With -v it tells
// the largest differences.
func TestOracleReferences(t *testing.T) {
	for _, oracle := range []string{"lbfgs", "hessian_free"} {
		folder := filepath.Join("testdata", oracle)
		text, err := os.ReadFile(filepath.Join(folder, "cases.tsv"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]float64{}
		list, err := arrays.ReadFile(filepath.Join(folder, "weights.npz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			want[a.Name] = a.Float64s()
		}
		for line := range strings.Lines(string(text)) {
			c := strings.Split(strings.TrimSpace(line), "\t")
			name, loss, model, method := c[0], c[1], c[2], c[3]
			t.Run(oracle+"/"+name, func(t *testing.T) {
				batch, err := filepath.Abs(filepath.Join(folder, loss+"_batch.npz"))
				if err != nil {
					t.Fatal(err)
				}
				model := fmt.Sprintf("%s, init: {file: %s}}", strings.TrimSuffix(model, "}"), filepath.Join(folder, loss+"_start.npz"))
				conf := parse(t, fmt.Sprintf("name: references\nprecision: float64\ndata: {name: npz, path: %[1]q, test_path: %[1]q, standardize: false}\nmodel: %[2]s\nloss: {kind: %[3]s}\ntrain: {batch_size: 40, steps: 20}\nmethods: [{name: a, %[4]s}]\n", batch, model, loss, method))
				tr := newTrainer[float64](Training{Problem: opened(t, conf), Method: &conf.Methods[0]}, nil)
				worst, compared := 0.0, 0
				for step := 1; step <= 20; step++ {
					tr.advance()
					tr.step++
					for i, w := range want[fmt.Sprintf("%s.%d", name, step)] {
						compared++
						if d := math.Abs(tr.w[i] - w); !(d <= worst) {
							worst = d
						}
					}
				}
				if compared != 5*len(tr.w) {
					t.Fatalf("%d numbers were compared, not five times %d", compared, len(tr.w))
				}
				if !(worst <= 1e-8) {
					t.Errorf("differs by %.3g", worst)
				}
				t.Logf("largest difference %.2g", worst)
			})
		}
	}
}
