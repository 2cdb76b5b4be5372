package datasets

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// unitTable is n rows of two columns in [0, 1], and a third that is constant.
func unitTable(n int) *Examples {
	e := &Examples{Shape: tensor.Shape{C: 3, H: 1, W: 1}}
	for i := range n {
		e.Values = append(e.Values, float64(i)/float64(n), float64(i*i%n)/float64(n), 0.25)
	}
	return e
}

// TestTargetInput: targets are the inputs as the network sees them, or, in [0, 1], what
// they are in the data; the same for bytes and numbers, labelled or not.
func TestTargetInput(t *testing.T) {
	labelled := imageSet(30, true)
	for name, c := range map[string]struct {
		raw   *Raw
		white float64
	}{
		"bytes":   {&Raw{Train: labelled, Classes: classNames(2)}, 255},
		"table":   {&Raw{Train: unitTable(30)}, 1},
		"regress": {&Raw{Train: tableSet(30)}, 0},
	} {
		for _, standardize := range []bool{true, false} {
			for _, enc := range []Encoding{Values, Probabilities} {
				if enc == Probabilities && c.white == 0 {
					continue
				}
				p, err := Prepare(c.raw, Common{Standardize: standardize, Target: true, Validation: 0.2}, enc)
				if err != nil {
					t.Fatal(name, err)
				}
				if want := c.raw.Train.Shape.Len(); p.Outputs != want || p.Classes != 0 || len(p.Notes) == 0 {
					t.Errorf("%s: %d outputs of %d inputs, %d classes, notes %q", name, p.Outputs, want, p.Classes, p.Notes)
				}
				pool := tensor.NewPool(3)
				for _, s := range []*Split{p.Train, p.Valid, p.Test} {
					x, y := read[float64](s, nil)
					_, again := read[float32](s, pool)
					if !slices.Equal(y.Data, again.Data) {
						t.Errorf("%s: targets depend on threads or precision", name)
					}
					if enc == Values && !slices.Equal(x.Flat(), y.Flat()) {
						t.Errorf("%s, standardize %v: targets are not the inputs", name, standardize)
					}
					if enc == Values {
						continue
					}
					e := c.raw.Train
					for r, i := range s.index {
						for j := range y.Cols {
							want := 0.0
							if e.Pixels != nil {
								want = float64(e.Pixels[i*y.Cols+j]) / c.white
							} else {
								want = e.Values[i*y.Cols+j]
							}
							if y.At(r, j) != want {
								t.Fatalf("%s: target %g of an input %g", name, y.At(r, j), want)
							}
						}
					}
				}
				pool.Close()
			}
		}
	}
}

// TestTargetScale: RMSE is told in the unit of the data, whatever the targets are.
func TestTargetScale(t *testing.T) {
	raw, err := open(t, t.TempDir(), "{name: digits}", Values)
	if err != nil {
		t.Fatal(err)
	}
	for _, standardize := range []bool{true, false} {
		for _, enc := range []Encoding{Values, Probabilities} {
			p, err := Prepare(raw, Common{Standardize: standardize, Target: true}, enc)
			if err != nil {
				t.Fatal(err)
			}
			_, y := read[float64](p.Train, nil)
			a, b := y.At(0, 3), y.At(1, 3)
			pixel := func(r int) float64 { return float64(raw.Train.Pixels[p.Train.index[r]*64+3]) }
			if got, want := (a-b)*p.TargetScale[3], pixel(0)-pixel(1); want == 0 || math.Abs(got-want) > 1e-12 {
				t.Errorf("standardize %v, encoding %d: a difference of %g is %g", standardize, enc, want, got)
			}
			// Targets are made when they are read: 64 numbers for each of 1,797 images
			// would be 920 kB.
			if n := p.Bytes(); n > 200_000 {
				t.Errorf("the set holds %d bytes", n)
			}
		}
	}
}

// TestTargetAugmented: the target of an augmented image is the augmented image.
func TestTargetAugmented(t *testing.T) {
	a := &Augment{Crop: 2, Flip: true}
	for _, bytes := range []bool{true, false} {
		for _, enc := range []Encoding{Values, Probabilities} {
			e := imageSet(40, bytes)
			for i := range e.Values {
				e.Values[i] /= 256
			}
			p, err := Prepare(&Raw{Train: e, Test: e, Classes: classNames(2)}, Common{Standardize: true, Augment: a, Target: true}, enc)
			if err != nil {
				t.Fatal(err)
			}
			n, width := p.Train.Len(), e.Shape.Len()
			x, y := tensor.New[float64](n, width), tensor.New[float64](n, width)
			plain, still := tensor.New[float64](n, width), tensor.New[float64](n, width)
			b := NewBatcher[float64](nil)
			b.ReadAugmented(p.Augment, Chance{Key: 1, Step: 2}, p.Train, upTo(n), x, y)
			b.Read(p.Train, upTo(n), plain, still)
			if slices.Equal(still.Data, y.Data) {
				t.Error("nothing was augmented")
			}
			to := map[[2]float64]float64{} // from inputs of a channel to targets
			area := e.Shape.H * e.Shape.W
			for i, v := range plain.Data {
				to[[2]float64{float64(i % width / area), v}] = still.Data[i]
			}
			for i, v := range x.Data {
				ch := i % width / area
				want, ok := to[[2]float64{float64(ch), v}]
				if v == p.Train.fill[ch] {
					want, ok = p.Train.echo.fill[ch], true
				}
				if !ok || y.Data[i] != want {
					t.Fatalf("bytes %v, encoding %d: target %g of the input %g, want %g", bytes, enc, y.Data[i], v, want)
				}
			}
			if enc == Probabilities && p.Train.echo.fill[0] != 0 {
				t.Errorf("the border of targets is %g", p.Train.echo.fill[0])
			}
		}
	}
}

// TestProbabilities: targets in [0, 1] are left as they are, and of two classes are -1 and 1.
func TestProbabilities(t *testing.T) {
	e := tableSet(20)
	for i := range e.Targets {
		e.Targets[i] = float64(i%7) / 6
	}
	p, err := Prepare(&Raw{Train: e}, Defaults(), Probabilities)
	if err != nil {
		t.Fatal(err)
	}
	_, y := read[float64](p.Train, nil)
	for r, i := range p.Train.index {
		if y.At(r, 0) != e.Targets[i*e.K] || p.TargetScale[0] != 1 {
			t.Errorf("target %g became %g, in units of %g", e.Targets[i*e.K], y.At(r, 0), p.TargetScale[0])
		}
	}
	labelled := imageSet(20, true)
	if p, err = Prepare(&Raw{Train: labelled, Classes: classNames(2)}, Defaults(), Probabilities); err != nil {
		t.Fatal(err)
	}
	_, y = read[float64](p.Train, nil)
	for r, i := range p.Train.index {
		if y.Cols != 1 || y.At(r, 0) != float64(2*labelled.Labels[i]-1) {
			t.Errorf("label %d became %v", labelled.Labels[i], y.Row(r))
		}
	}
}

// TestTargetFiles: tables and arrays whose rows are their own targets need no others, and
// what is outside [0, 1] is told with its place.
func TestTargetFiles(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a.csv", "x,y,w\n0,0.5,1\n1,0.25,2\n0.5,0,1\n")
	writeFile(t, dir, "wide.csv", "x,y\n0,0.5\n1,7\n0.5,0\n")
	writeFile(t, dir, "input.csv", "x,input\n0,0.5\n1,0.2\n0.5,0\n")
	npz := func(name string, list ...arrays.Array) {
		if err := arrays.WriteFile(filepath.Join(dir, name), list); err != nil {
			t.Fatal(err)
		}
	}
	x := arrays.Float64("x", []int{3, 2}, []float64{0, 1, 0.5, 0.25, 1, 1})
	npz("x.npz", x)
	npz("labels.npz", x, arrays.Int64("y", []int{3}, []int64{7, -1, 5}))
	npz("wide.npz", arrays.Float64("x", []int{3, 2}, []float64{0, 1, 0.5, 25, 1, 1}))
	npz("far.npz", x, arrays.Float64("y", []int{3, 2}, []float64{0, 1, 1, 1, 1, -0.5}))
	npz("bits.npz", x, arrays.Float64("y", []int{3, 2}, []float64{0, 1, 1, 1, 1, 0}))
	const damaged, option, fine = "damaged", "option", ""
	for _, c := range []struct {
		options string
		enc     Encoding
		kind    string
		want    string
	}{
		{"name: csv, path: a.csv, header: true, target: input", Probabilities, damaged, "line 3, column 2 (w): 2 is not in [0, 1], but target: input makes it a target"},
		{"name: csv, path: a.csv, header: true, target: input, weight: w", Probabilities, fine, ""},
		{"name: csv, path: wide.csv, header: true, target: input", Values, fine, ""},
		{"name: csv, path: wide.csv, header: true, target: input, test_path: a.csv", Values, damaged, "has w besides"},
		{"name: csv, path: wide.csv, header: true, target: input, task: regression", Values, option, "task: does not apply with target: input"},
		{"name: csv, path: wide.csv, header: true, target: [x, y]", Probabilities, option, "target: every column of"},
		{"name: csv, path: wide.csv, header: true, task: regression", Probabilities, damaged, "line 3, column 1 (y): the target 7 is not in [0, 1], but the loss takes targets in [0, 1]; use the loss squared or huber, or scale them"},
		{"name: csv, path: a.csv, header: true, target: [x, y]", Probabilities, fine, ""},
		{"name: csv, path: input.csv, header: true, target: input", Values, option, "target: input stands for the inputs themselves, but"},
		{"name: csv, path: input.csv, header: true, target: [input]", Values, fine, ""},
		{"name: csv, path: a.csv, target: input", Values, damaged, "is not a number; if this line names the columns, set header: true"},
		{"name: npz, path: x.npz, target: input", Probabilities, fine, ""},
		{"name: npz, path: x.npz", Probabilities, damaged, "needs the two arrays x and y"},
		{"name: npz, path: labels.npz, target: input", Values, fine, ""},
		{"name: npz, path: wide.npz, target: input", Probabilities, damaged, "input 1 of example 1 is 25, but target: input makes it a target"},
		{"name: npz, path: wide.npz, target: input", Values, fine, ""},
		{"name: npz, path: x.npz, target: input, task: regression", Values, option, "task: does not apply with target: input"},
		{"name: npz, path: far.npz", Probabilities, damaged, "target 1 of example 2 is -0.5, but the loss takes targets in [0, 1]"},
		{"name: npz, path: bits.npz", Probabilities, fine, ""},
	} {
		doc, err := strict.Parse("c.yaml", []byte("{"+c.options+"}"))
		if err != nil {
			t.Fatal(err)
		}
		common := Defaults()
		choice, err := Known.Decode(doc.Root(), &common)
		if err != nil {
			t.Fatal(err)
		}
		env := offline(dir)
		env.TargetInput = bool(common.Target)
		raw, err := choice.Must().Open(env, c.enc)
		if err == nil {
			_, err = Prepare(raw, common, c.enc)
		}
		kind := fine
		switch {
		case errors.As(err, new(*DamagedError)):
			kind = damaged
		case errors.As(err, new(*strict.FieldError)):
			kind = option
		case err != nil:
			kind = "other"
		}
		if kind != c.kind || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s error %v\nwant %s %s", c.options, kind, err, c.kind, c.want)
		}
	}
}

// TestTargetErrors: what has no sense is refused with what to do.
func TestTargetErrors(t *testing.T) {
	images := &Raw{Train: imageSet(20, true), Classes: classNames(2)}
	flat := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}, Values: make([]float64, 10)}
	for _, c := range []struct {
		raw  *Raw
		c    Common
		enc  Encoding
		want string
	}{
		{images, Common{Target: true}, OneHot, "target: input makes numbers to predict of the inputs, but the loss takes classes; use the loss squared"},
		{images, Common{Target: true}, PlusMinus, "target: input makes numbers"},
		{images, Common{Target: true, Binary: Labels{"1"}}, Values, "binary: does not apply: with target: input there are no classes"},
		{&Raw{Train: flat}, Common{Standardize: true}, Values, "every input is the same for all training examples"},
		{&Raw{Train: unitTable(20)}, Common{}, OneHot, "target: input makes numbers"},
		{&Raw{Train: tableSet(20)}, Common{Target: true}, Probabilities, "input 1 of example 0 is 7, but target: input makes it a target, and the loss takes those in [0, 1]"},
		{&Raw{Train: tableSet(20)}, Common{}, Probabilities, "but the loss takes targets in [0, 1]"},
	} {
		_, err := Prepare(c.raw, c.c, c.enc)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v\nwant %s", err, c.want)
		}
	}
	for text, want := range map[string]string{"target: output": "data.target: expected input, which makes each input its own target", "target: [input]": "expected input"} {
		doc, err := strict.Parse("a.yaml", []byte("data: {name: digits, "+text+"}"))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("data")
		common := Defaults()
		if _, err := Known.Decode(v, &common); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: says %v\nwant %s", text, err, want)
		}
	}
}
