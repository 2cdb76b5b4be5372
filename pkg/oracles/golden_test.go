package oracles

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A golden case is a linearized mini-batch and the directions expected of the
// methods of its config (testdata/golden/README.md).
type goldenCase struct {
	net      *nn.Net
	problem  *Subproblem[float64]
	methods  map[string]registry.Choice[Spec]
	expected map[string]arrays.Array
}

func readArrays(t *testing.T, path string) map[string]arrays.Array {
	t.Helper()
	list, err := arrays.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]arrays.Array{}
	for _, a := range list {
		m[a.Name] = a
	}
	return m
}

// readGolden reads a case.
func readGolden(t *testing.T, dir string) goldenCase {
	t.Helper()
	path := filepath.Join(dir, "config.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := strict.Parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	at := func(v strict.Value, key string) strict.Value {
		found, ok := v.Lookup(key)
		if !ok {
			t.Fatalf("%s: no key %s", path, key)
		}
		return found
	}
	model, err := nn.Models.Decode(at(doc.Root(), "model"))
	if err != nil {
		t.Fatal(err)
	}
	loss, err := losses.Known.Decode(at(doc.Root(), "loss"))
	if err != nil {
		t.Fatal(err)
	}
	c := goldenCase{methods: map[string]registry.Choice[Spec]{}, expected: readArrays(t, filepath.Join(dir, "expected.npz"))}
	items, err := at(doc.Root(), "methods").Items()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range items {
		name, _ := at(m, "name").Text()
		if c.methods[name], err = Known.Decode(at(m, "oracle")); err != nil {
			t.Fatal(err)
		}
	}

	batch := readArrays(t, filepath.Join(dir, "batch.npz"))
	x := batch["x"]
	in := tensor.Shape{C: x.Shape[1], H: 1, W: 1}
	if len(x.Shape) == 4 {
		in.H, in.W = x.Shape[2], x.Shape[3]
	}
	if c.net, err = model.Must().Build(in, model.Must().Outputs()); err != nil {
		t.Fatal(err)
	}
	m, k := x.Shape[0], c.net.Outputs()
	w, err := nn.Load[float64](filepath.Join(dir, "params.npz"), c.net)
	if err != nil {
		t.Fatal(err)
	}
	lin := nn.NewLinearization[float64](c.net, m, nil)
	lin.Linearize(w, tensor.View(m, in.Len(), x.Float64s()))
	c.problem = problemOf(loss.Must(), lin, targets(batch["y"], m, k))
	return c
}

// targets encodes labels: as -1 and +1 for one output.
func targets(y arrays.Array, m, k int) tensor.Matrix[float64] {
	if !y.IsInt() {
		return tensor.View(m, k, y.Float64s())
	}
	out := tensor.New[float64](m, k)
	for i, label := range y.Ints() {
		if k == 1 {
			out.Set(i, 0, float64(2*label-1))
		} else {
			out.Set(i, int(label), 1)
		}
	}
	return out
}

func goldenCases(t *testing.T) map[string]goldenCase {
	t.Helper()
	files, err := filepath.Glob("../../testdata/golden/*/config.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	out := map[string]goldenCase{}
	for _, f := range files {
		out[filepath.Base(filepath.Dir(f))] = readGolden(t, filepath.Dir(f))
	}
	return out
}

// distance is the largest difference, relative to the largest value.
func distance(a, b []float64) float64 {
	var d, scale float64
	for i := range a {
		d, scale = math.Max(d, math.Abs(a[i]-b[i])), math.Max(scale, math.Abs(b[i]))
	}
	return d / math.Max(scale, 1e-300)
}

// TestGolden compares every direction with the reference.
func TestGolden(t *testing.T) {
	for name, c := range goldenCases(t) {
		t.Run(name, func(t *testing.T) {
			want := c.expected["loss"].Float64s()[0]
			if got := losses.Mean(c.problem.Loss, c.problem.Gradient.Outputs(), c.problem.Gradient.Targets); math.Abs(got-want) > 1e-13*math.Abs(want) {
				t.Errorf("the loss is %.17g, want %.17g", got, want)
			}
			if len(c.methods) == 0 {
				t.Fatal("no method to compare")
			}
			for name, m := range c.methods {
				checkGolden(t, c, name, m.Must())
			}
		})
	}
}

// checkGolden compares one method with the reference: to 1e-8, and to 1e-6 where
// the reference itself is a converged prox-linear solve.
func checkGolden(t *testing.T, c goldenCase, name string, spec Spec) {
	tol := 1e-8
	if strings.HasPrefix(name, "prox") {
		tol = 1e-6
	}
	d := make([]float64, c.net.NumParams())
	o := New[float64](spec, Site{Loss: c.problem.Loss, Dims: c.net.Dims(c.problem.Gradient.Outputs().Rows)})
	r := o.Direction(d, c.problem)
	r = o.Complete(true)
	values := map[string]float64{"slope": r.Slope, "primal": r.Primal, "dual": r.Dual()}
	for what, got := range values {
		want, ok := c.expected[name+"/"+what]
		if !ok {
			continue
		}
		if w := want.Float64s()[0]; !(math.Abs(got-w) <= tol*math.Abs(w)) {
			t.Errorf("%s: %s %.12g, want %.12g", name, what, got, w)
		}
	}
	if dist := distance(d, c.expected[name+"/direction"].Float64s()); !(dist <= tol) {
		t.Errorf("%s: the direction is %.2g away (%s after %d)", name, dist, r.StopReason, r.InnerIterations)
	}
	if alpha, ok := c.expected[name+"/alpha"]; ok {
		if dist := distance(o.(DualOracle).DualVariables().Flat(), alpha.Float64s()); !(dist <= tol) {
			t.Errorf("%s: alpha is %.2g away", name, dist)
		}
	}
	gradient := c.expected["gradient"].Float64s()
	if norm := tensor.Norm2(nil, gradient); math.Abs(r.GradNorm-norm) > 1e-10*norm {
		t.Errorf("%s: |grad h| = %.12g, want %.12g", name, r.GradNorm, norm)
	}
}
