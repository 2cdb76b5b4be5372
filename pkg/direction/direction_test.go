package direction

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/problem"
)

const (
	goldenDir   = "../../testdata/golden"
	equationDir = "../../testdata/golden-pinn"
)

func byName(list []arrays.Array) map[string]arrays.Array {
	m := map[string]arrays.Array{}
	for _, a := range list {
		m[a.Name] = a
	}
	return m
}

// away is the largest difference of two arrays, relative to the largest value.
func away(t *testing.T, got, want arrays.Array) float64 {
	t.Helper()
	g, w := got.Float64s(), want.Float64s()
	if len(g) != len(w) {
		t.Fatalf("%s has %d values, want %d", got.Name, len(g), len(w))
	}
	var d, scale float64
	for i := range w {
		d, scale = math.Max(d, math.Abs(g[i]-w[i])), math.Max(scale, math.Abs(w[i]))
	}
	return d / math.Max(scale, 1e-300)
}

// TestDirectionGolden compares what comes out of files with what went into the
// reference, for every method of every case, in both precisions. In float32 the
// condition of the systems, up to some thousands here, amplifies rounding of 6e-8.
func TestDirectionGolden(t *testing.T) {
	checkGolden(t, goldenDir, map[string]float64{"float64": 1e-8, "float32": 3e-4})
}

// TestEquationGolden is TestDirectionGolden for residuals of equations.
func TestEquationGolden(t *testing.T) {
	checkGolden(t, equationDir, map[string]float64{"float64": 1e-10, "float32": 3e-4})
}

// checkGolden compares every case in a folder, to a tolerance for each precision.
func checkGolden(t *testing.T, folder string, tols map[string]float64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", "config.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden cases", err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		list, err := arrays.ReadFile(filepath.Join(dir, "expected.npz"))
		if err != nil {
			t.Fatal(err)
		}
		expected := byName(list)
		for _, precision := range []string{"float64", "float32"} {
			c, err := config.LoadMethods(file, []string{"precision=" + precision})
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for _, m := range c.Methods {
				out, err := Of(c, m.Name, filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz"), quiet)
				if err != nil {
					t.Fatal(err)
				}
				got := byName(out)
				tol := tols[precision]
				if precision == "float64" && strings.HasPrefix(m.Name, "prox") {
					tol = 1e-6
				}
				for _, key := range []string{"direction", "alpha", "slope", "primal", "dual"} {
					want, ok := expected[m.Name+"/"+key]
					if !ok {
						continue
					}
					if got[key].Name == "" {
						t.Errorf("%s, %s: no %s", dir, m.Name, key)
						continue
					}
					d := away(t, got[key], want)
					worst = math.Max(worst, d)
					if !(d <= tol) {
						t.Errorf("%s, %s, %s: %s is %.2g away", dir, m.Name, precision, key, d)
					}
				}
				for _, key := range []string{"gradient", "outputs", "loss"} {
					if d := away(t, got[key], expected[key]); !(d <= tol) {
						t.Errorf("%s, %s: %s is %.2g away", dir, m.Name, key, d)
					}
				}
				if m.Oracle.Name == "gradient" && (got["gap"].Name != "" || got["inner_iterations"].Name != "") {
					t.Errorf("%s, %s: reports what does not apply", dir, m.Name)
				}
			}
			t.Logf("%s, %s: %d methods, at most %.2g away", filepath.Base(dir), precision, len(c.Methods), worst)
		}
	}
}

// TestAcceleration: the acceleration of a direction is written, where the oracle has one, and the rest
// is as without.
func TestAcceleration(t *testing.T) {
	dir := filepath.Join(equationDir, "poisson-2d")
	written := func(sets ...string) map[string]arrays.Array {
		c, err := config.LoadMethods(filepath.Join(dir, "config.yaml"), sets)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Of(c, "gn-dual-cholesky-10000", filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz"), quiet)
		if err != nil {
			t.Fatal(err)
		}
		return byName(out)
	}
	line, curve := written(), written("methods.gn-dual-cholesky-10000.oracle.acceleration=geodesic")
	if _, there := line["acceleration"]; there {
		t.Error("a line has an acceleration")
	}
	a, there := curve["acceleration"]
	if !there {
		t.Fatal("a curve has no acceleration")
	}
	if got, want := len(a.Float64s()), len(curve["direction"].Float64s()); got != want {
		t.Fatalf("the acceleration has %d numbers, want %d", got, want)
	}
	for name := range line {
		if d := away(t, curve[name], line[name]); d != 0 {
			t.Errorf("%s is %.2g away", name, d)
		}
	}
}

// TestDirectionErrors feeds files that do not fit.
func TestDirectionErrors(t *testing.T) {
	dir := filepath.Join(goldenDir, "mlp-logistic")
	params, batch := filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz")
	c, err := config.LoadMethods(filepath.Join(dir, "config.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	method := c.Methods[0].Name
	good, err := arrays.ReadFile(batch)
	if err != nil {
		t.Fatal(err)
	}
	x, y := byName(good)["x"], byName(good)["y"]
	ints := func(v int64) arrays.Array {
		labels := make([]int64, y.Len())
		labels[2] = v
		return arrays.Int64("y", y.Shape, labels)
	}
	omega := func(v ...float64) arrays.Array { return arrays.Float64("omega", []int{len(v)}, v) }
	nan := append([]float64(nil), x.Float64s()...)
	nan[3] = math.NaN()
	for _, b := range []struct {
		arrays []arrays.Array
		want   string
	}{
		{[]arrays.Array{x}, "a batch needs the arrays x"},
		{[]arrays.Array{x, y, arrays.Int64("z", []int{1}, []int64{1})}, `array "z" is not part of a batch; it takes x and y`},
		{[]arrays.Array{arrays.Float64("x", []int{x.Len()}, x.Float64s()), y}, "want m x features or m x C x H x W"},
		{[]arrays.Array{x, arrays.Int64("y", []int{2}, []int64{0, 1})}, "y has shape [2]; want 8 labels"},
		{[]arrays.Array{x, ints(4)}, "label 4 of example 2 is out of range 0 to 3"},
		{[]arrays.Array{x, ints(-1)}, "label -1 of example 2 is out of range 0 to 3"},
		{[]arrays.Array{arrays.Float64("x", x.Shape, nan), y}, "x holds NaN at position 3"},
		{[]arrays.Array{x, arrays.Float64("y", []int{8, 4}, make([]float64, 32))}, "row 0 of y is not a distribution over 4 classes"},
		{[]arrays.Array{x, arrays.Float64("y", []int{8, 2}, make([]float64, 16))}, "y has shape [8 2]; the model has 4 outputs"},
		{[]arrays.Array{x, y, omega(1, 2)}, "omega has shape [2]; want 8 weights"},
		{[]arrays.Array{x, y, omega(1, 1, -2, 1, 1, 1, 1, 1)}, "omega holds -2 at position 2; a weight is 0 or a positive number"},
		{[]arrays.Array{x, y, omega(1, 1, 1, 1, math.NaN(), 1, 1, 1)}, "omega holds NaN at position 4"},
		{[]arrays.Array{x, y, omega(1, 1, 1, 1, 1, 1, 1, math.Inf(1))}, "omega holds +Inf at position 7"},
		{[]arrays.Array{x, y, omega(make([]float64, 8)...)}, "every weight in omega is 0"},
		{[]arrays.Array{arrays.Float64("x", []int{8, 1}, make([]float64, 8)), y}, `array "0.weight" has shape`},
	} {
		path := filepath.Join(t.TempDir(), "batch.npz")
		if err := arrays.WriteFile(path, b.arrays); err != nil {
			t.Fatal(err)
		}
		_, err := Of(c, method, params, path, quiet)
		var file *problem.FileError
		if err == nil || !strings.Contains(err.Error(), b.want) || !errors.As(err, &file) {
			t.Errorf("says %v\nwant %s", err, b.want)
		}
	}
	if _, err := Of(c, "gn-exakt-0.1", params, batch, quiet); err == nil || !strings.Contains(err.Error(), `there is no method "gn-exakt-0.1"; did you mean "gn-exact-0.1"?`) {
		t.Errorf("an unknown method: %v", err)
	}
	if _, err := Of(c, method, "nosuch.npz", batch, quiet); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing weights: %v", err)
	}
	binary, err := config.LoadMethods(filepath.Join(goldenDir, "mlp-binary-logistic", "config.yaml"), []string{"loss=hinge", "methods=[{name: SGD, optimizer: sgd}]"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "batch.npz")
	if err := arrays.WriteFile(path, []arrays.Array{arrays.Float64("x", []int{1, 4}, make([]float64, 4)), arrays.Float64("y", []int{1}, []float64{1})}); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(binary, binary.Methods[0].Name, filepath.Join(goldenDir, "mlp-binary-logistic", "params.npz"), path, quiet); err == nil || !strings.Contains(err.Error(), "a binary loss takes y as integers 0 and 1") {
		t.Errorf("float labels of a binary loss: %v", err)
	}
}

// TestDirectionOutputs: where the config does not say how many outputs there
// are, batch or weights do.
func TestDirectionOutputs(t *testing.T) {
	for _, name := range []string{"mlp-logistic", "mlp-squared", "mlp-binary-logistic"} {
		dir := filepath.Join(goldenDir, name)
		c, err := config.LoadMethods(filepath.Join(dir, "config.yaml"), []string{"model.outputs=0"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Of(c, c.Methods[0].Name, filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz"), quiet); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDirectionWeights: an example of weight 2 in a batch is two examples, and one of
// weight 0 is none: gradients and losses of the two batches differ by the number of
// examples that they are divided by.
func TestDirectionWeights(t *testing.T) {
	for _, name := range []string{"mlp-logistic", "mlp-squared", "mlp-binary-logistic"} {
		dir := filepath.Join(goldenDir, name)
		c, err := config.LoadMethods(filepath.Join(dir, "config.yaml"), []string{"precision=float64"})
		if err != nil {
			t.Fatal(err)
		}
		list, err := arrays.ReadFile(filepath.Join(dir, "batch.npz"))
		if err != nil {
			t.Fatal(err)
		}
		x, y := byName(list)["x"], byName(list)["y"]
		m := x.Shape[0]
		omega := make([]float64, m)
		var rows []int
		for i := range omega {
			omega[i] = float64(i % 3)
			for range i % 3 {
				rows = append(rows, i)
			}
		}
		call := func(list ...arrays.Array) map[string]arrays.Array {
			path := filepath.Join(t.TempDir(), "batch.npz")
			if err := arrays.WriteFile(path, list); err != nil {
				t.Fatal(err)
			}
			out, err := Of(c, c.Methods[0].Name, filepath.Join(dir, "params.npz"), path, quiet)
			if err != nil {
				t.Fatal(err)
			}
			return byName(out)
		}
		got, want := call(x, y, arrays.Float64("omega", []int{m}, omega)), call(chosen(x, rows), chosen(y, rows))
		scale := float64(len(rows)) / float64(m)
		for _, key := range []string{"loss", "gradient"} {
			scaled := want[key].Float64s()
			for i := range scaled {
				scaled[i] *= scale
			}
			if d := away(t, got[key], arrays.Float64(key, want[key].Shape, scaled)); d > 1e-12 {
				t.Errorf("%s: %s is %g away from that of copies", name, key, d)
			}
		}
	}
}

// chosen are some rows of an array.
func chosen(a arrays.Array, rows []int) arrays.Array {
	width := a.Len() / a.Shape[0]
	shape := append([]int{len(rows)}, a.Shape[1:]...)
	if a.IsInt() {
		var v []int64
		for _, r := range rows {
			v = append(v, a.Ints()[r*width:(r+1)*width]...)
		}
		return arrays.Int64(a.Name, shape, v)
	}
	var v []float64
	for _, r := range rows {
		v = append(v, a.Float64s()[r*width:(r+1)*width]...)
	}
	return arrays.Float64(a.Name, shape, v)
}

// TestEquationErrors feeds batches that are none of an equation.
func TestEquationErrors(t *testing.T) {
	dir := filepath.Join(equationDir, "poisson-2d")
	params, batch := filepath.Join(dir, "params.npz"), filepath.Join(dir, "batch.npz")
	list, err := arrays.ReadFile(batch)
	if err != nil {
		t.Fatal(err)
	}
	good := byName(list)
	m := good["x"].Shape[0]
	const batchFile = "batch.npz"
	part := func(v float64) arrays.Array {
		parts := make([]float64, m)
		parts[3] = v
		return arrays.Float64("part", []int{m}, parts)
	}
	zeros := arrays.Int64("y", []int{m}, make([]int64, m))
	for _, c := range []struct {
		name, set, want string
		batch           []arrays.Array
	}{
		{"no part", "", "part is missing; a batch of an equation needs it beside x and y", []arrays.Array{good["x"], good["y"]}},
		{"short part", "", "part has shape [3]; want 20 numbers", []arrays.Array{good["x"], good["y"], arrays.Float64("part", []int{3}, make([]float64, 3))}},
		{"other part", "", "part holds 2 at position 3; it is 0 inside", []arrays.Array{good["x"], good["y"], part(2)}},
		{"NaN", "", "part holds NaN at position 3", []arrays.Array{good["x"], good["y"], part(math.NaN())}},
		{"dimension", "data.dimension=3", "x has examples of shape 2; the equation poisson has 3 coordinates", list},
		{"images", "", "x has examples of shape 2x1x2", []arrays.Array{arrays.Float64("x", []int{m / 2, 2, 1, 2}, good["x"].Float64s()), arrays.Float64("y", []int{m / 2, 1}, make([]float64, m/2)), good["part"]}},
		{"no equation", "data=digits", "part is for equations, and the config names none", list},
		{"relu", "model.activation=relu", "layer 1 (relu): is piecewise linear", list},
		{"outputs", "model.outputs=2", "outputs: is 2, but the equation poisson is for one function u", list},
		{"classes", "loss=logistic", "loss: the residuals of the equation poisson are numbers", list},
		{"all inside", "", "warns: " + batchFile + ": none of the 20 points is on the boundary or at the initial time", []arrays.Array{good["x"], good["y"], arrays.Float64("part", []int{m}, make([]float64, m))}},
		{"integers", "", "", []arrays.Array{good["x"], zeros, good["part"]}},
		{"own weights", "", "", append([]arrays.Array{arrays.Float64("omega", []int{m}, good["x"].Float64s()[:m])}, list...)},
	} {
		var sets []string
		if c.set != "" {
			sets = []string{c.set}
		}
		config, err := config.LoadMethods(filepath.Join(dir, "config.yaml"), sets)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), batchFile)
		if err := arrays.WriteFile(file, c.batch); err != nil {
			t.Fatal(err)
		}
		_, err = Of(config, config.Methods[0].Name, params, file, func(what string) {
			c.want = strings.TrimPrefix(c.want, "warns: ")
			if want := filepath.Join(filepath.Dir(file), c.want); !strings.HasPrefix(what, want) {
				t.Errorf("%s warns %q, want %q", c.name, what, want)
			}
			c.want = ""
		})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\n  says %v\n  want %s", c.name, err, c.want)
		}
	}
}
