package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
)

// A reference is what another program, or numpy written from formulas, made of 20 full-batch steps in
// float64.
type reference struct {
	folder   string
	start    string               // of the files start_batch.npz and start_start.npz
	weights  map[string][]float64 // "name.step": those after a step
	steps    int                  // the number of them that name has
	name     string
	model    string
	loss     string
	examples int
	method   string
}

// check makes the same steps from the same weights, and returns their config. With -v it tells the
// largest difference.
func (r reference) check(t *testing.T, tolerance float64) *config.Config {
	t.Helper()
	batch, err := filepath.Abs(filepath.Join(r.folder, r.start+"_batch.npz"))
	if err != nil {
		t.Fatal(err)
	}
	model := fmt.Sprintf("%s, init: {file: %s}}", strings.TrimSuffix(r.model, "}"), filepath.Join(r.folder, r.start+"_start.npz"))
	conf := parse(t, fmt.Sprintf("name: references\nprecision: float64\ndata: {name: npz, path: %[1]q, test_path: %[1]q, standardize: false}\nmodel: %[2]s\nloss: {kind: %[3]s}\ntrain: {batch_size: %[4]d, steps: 20}\nmethods: [{name: a, %[5]s}]\n",
		batch, model, r.loss, r.examples, r.method))
	tr := newTrainer[float64](Training{Problem: opened(t, conf), Method: &conf.Methods[0]}, nil)
	worst, compared := 0.0, 0
	for step := 1; step <= 20; step++ {
		tr.advance()
		tr.step++
		for i, w := range r.weights[fmt.Sprintf("%s.%d", r.name, step)] {
			compared++
			if d := math.Abs(tr.answer()[i] - w); !(d <= worst) {
				worst = d
			}
		}
	}
	if compared != r.steps*len(tr.w) {
		t.Fatalf("%d numbers were compared, not %d times %d", compared, r.steps, len(tr.w))
	}
	if !(worst <= tolerance) {
		t.Errorf("differs by %.3g", worst)
	}
	t.Logf("largest difference %.2g", worst)
	return conf
}

// referenceCases are the lines of cases.tsv.
func referenceCases(t *testing.T, folder string) (cases [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "cases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cases = append(cases, strings.Split(strings.TrimSpace(line), "\t"))
	}
	return cases
}

// referenceModels are the lines without a name, which have the model of a network, and the others.
func referenceModels(lines [][]string) (models map[string]string, cases [][]string) {
	models = map[string]string{}
	for _, c := range lines {
		if c[1] == "" {
			models[c[0]] = c[2]
		} else {
			cases = append(cases, c)
		}
	}
	return models, cases
}

func referenceWeights(t *testing.T, path string) map[string][]float64 {
	t.Helper()
	list, err := arrays.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for _, a := range list {
		out[a.Name] = a.Float64s()
	}
	return out
}
