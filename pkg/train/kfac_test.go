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

// TestKFACReference makes 20 full-batch steps in float64 with what scripts/oracles/kfac.py made from
// the formulas of the papers in numpy, from the same weights. With -v it tells the largest
// differences.
func TestKFACReference(t *testing.T) {
	const folder = "testdata/kfac"
	text, err := os.ReadFile(filepath.Join(folder, "cases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	models, cases := map[string]string{}, 0
	for line := range strings.Lines(string(text)) {
		c := strings.Split(strings.TrimSpace(line), "\t")
		net, name, oracle := c[0], c[1], c[2]
		if name == "" {
			models[net] = oracle
			continue
		}
		cases++
		t.Run(net+"/"+name, func(t *testing.T) {
			list, err := arrays.ReadFile(filepath.Join(folder, net+".npz"))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string][]float64{}
			for _, a := range list {
				want[a.Name] = a.Float64s()
			}
			batch, err := filepath.Abs(filepath.Join(folder, net+"_batch.npz"))
			if err != nil {
				t.Fatal(err)
			}
			model := fmt.Sprintf("%s, init: {file: %s}}", strings.TrimSuffix(models[net], "}"), filepath.Join(folder, net+"_start.npz"))
			conf := parse(t, fmt.Sprintf("name: kfac\nprecision: float64\ndata: {name: npz, path: %[1]q, test_path: %[1]q, standardize: false}\nmodel: %[2]s\nloss: {kind: logistic}\ntrain: {batch_size: 30, steps: 20}\nmethods: [{name: a, oracle: %[3]s, optimizer: {kind: sgd, learning_rate: 0.5}}]\n", batch, model, oracle))
			tr := newTrainer[float64](Training{Problem: opened(t, conf), Method: &conf.Methods[0]}, nil)
			worst, compared := 0.0, 0
			for step := 1; step <= 20; step++ {
				tr.advance()
				tr.step++
				for i, w := range want[fmt.Sprintf("%s.%d", name, step)] {
					compared++
					if d := math.Abs(tr.answer()[i] - w); !(d <= worst) {
						worst = d
					}
				}
			}
			if compared != 3*len(tr.w) {
				t.Fatalf("%d numbers were compared, not three times %d", compared, len(tr.w))
			}
			if !(worst <= 1e-10) {
				t.Errorf("differs by %.3g", worst)
			}
			t.Logf("largest difference %.2g", worst)
		})
	}
	if cases != 7 {
		t.Errorf("%d cases", cases)
	}
}
