package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/optim"
)

// TestReferences makes 20 full-batch steps in float64 with what scripts/optimizers made with
// torch.optim, schedulefree and the formulas of papers in numpy, from the same weights. With -v it
// tells the largest differences.
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
	text, err := os.ReadFile(filepath.Join(folder, "cases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	models, known := map[string]string{}, map[string]bool{}
	var cases [][]string
	for line := range strings.Lines(string(text)) {
		c := strings.Split(strings.TrimSpace(line), "\t")
		if c[1] == "" {
			models[c[0]] = c[2]
		} else {
			cases = append(cases, c)
		}
	}
	for _, c := range cases {
		net, name, optimizer := c[0], c[1], c[2]
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
			conf := parse(t, fmt.Sprintf("name: references\nprecision: float64\ndata: {name: npz, path: %[1]q, test_path: %[1]q, standardize: false}\nmodel: %[2]s\nloss: {kind: squared}\ntrain: {batch_size: 40, steps: 20}\nmethods: [{name: a, optimizer: %[3]s}]\n", batch, model, optimizer))
			known[conf.Methods[0].Optimizer.Name] = true
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
			if !(worst <= tolerance(name)) {
				t.Errorf("differs by %.3g", worst)
			}
			t.Logf("largest difference %.2g", worst)
		})
	}
	for _, name := range optim.Known.Names() {
		if !known[name] && !strings.HasPrefix(name, "adam") { // pkg/optim compares adam with torch
			t.Errorf("optimizer %s is compared with nothing", name)
		}
	}
}
