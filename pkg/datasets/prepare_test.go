package datasets

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
	"pgregory.net/rapid"
)

// tableSet returns n rows of two features: the row's number, and a constant.
func tableSet(n int) *Examples {
	e := &Examples{Shape: tensor.Shape{C: 2, H: 1, W: 1}, K: 1}
	for i := range n {
		e.Values = append(e.Values, float64(i), 7)
		e.Targets = append(e.Targets, 3*float64(i)+1)
	}
	return e
}

// read returns all examples of a split.
func read[T tensor.Float](s *Split, pool *tensor.Pool) (x tensor.Matrix[T], y tensor.Matrix[float64]) {
	n := s.Len()
	x, y = tensor.New[T](n, s.Shape().Len()), tensor.New[float64](n, s.k)
	NewBatcher[T](pool).Read(s, upTo(n), x, y)
	return x, y
}

// TestSplits: the parts are disjoint and complete, of the sizes asked for, and
// depend on the seed alone.
func TestSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(10, 200).Draw(t, "n")
		test := rapid.Float64Range(0.1, 0.5).Draw(t, "test")
		c := Common{Test: &test, Validation: rapid.Float64Range(0.1, 0.5).Draw(t, "validation"), SplitSeed: SplitSeed{Value: rapid.Uint64().Draw(t, "seed")}}
		prepare := func(seed uint64) []int {
			c := c
			c.SplitSeed.Value = seed
			p, err := Prepare(&Raw{Train: tableSet(n)}, c, Values)
			if err != nil {
				t.Fatal(err)
			}
			var rows []int
			for _, s := range []*Split{p.Train, p.Valid, p.Test} {
				x, y := read[float64](s, nil)
				for i := range x.Rows {
					rows = append(rows, int(x.At(i, 0)))
					if y.At(i, 0) != 3*x.At(i, 0)+1 {
						t.Fatal("an example has the target of another")
					}
				}
			}
			if want := int(test*float64(n) + 0.5); p.Test.Len() != want {
				t.Fatalf("%d test examples of %d, want %d", p.Test.Len(), n, want)
			}
			return rows
		}
		a := prepare(c.SplitSeed.Value)
		if !slices.Equal(a, prepare(c.SplitSeed.Value)) {
			t.Fatal("the same seed splits otherwise")
		}
		sorted := slices.Sorted(slices.Values(a))
		if !slices.Equal(sorted, upTo(n)) {
			t.Fatalf("the parts are not a partition: %v", sorted)
		}
		if n > 50 && slices.Equal(a, prepare(c.SplitSeed.Value+1)) {
			t.Fatal("another seed gives the same split")
		}
	})
}

// TestStandardization: inputs and targets of the training part have mean 0 and
// deviation 1, other parts are transformed by the same numbers, and constant
// columns become 0.
func TestStandardization(t *testing.T) {
	p, err := Prepare(&Raw{Train: tableSet(100)}, Defaults(), Values)
	if err != nil {
		t.Fatal(err)
	}
	x, y := read[float64](p.Train, nil)
	var s, target moments
	for i := range x.Rows {
		s.add(x.At(i, 0))
		target.add(y.At(i, 0))
		if x.At(i, 1) != 0 {
			t.Fatalf("the constant column is %g", x.At(i, 1))
		}
	}
	for _, m := range []moments{s, target} {
		if math.Abs(m.mean) > 1e-12 || math.Abs(m.deviation()-1) > 1e-12 {
			t.Errorf("mean %g, deviation %g", m.mean, m.deviation())
		}
	}
	// One straight line through both parts: x is i, y is 3 i + 1, and both are
	// standardised to the same number.
	tx, ty := read[float64](p.Test, nil)
	for i := range tx.Rows {
		if math.Abs(tx.At(i, 0)-ty.At(i, 0)) > 1e-12 {
			t.Fatal("the test part is standardised by other numbers than the training part")
		}
	}
	var test moments
	for i := range tx.Rows {
		test.add(tx.At(i, 0))
	}
	if math.Abs(test.mean) < 1e-6 {
		t.Error("the test part entered the statistics")
	}
	if d := p.TargetScale[0] / 3; d < 20 || d > 40 {
		t.Errorf("target scale %g", p.TargetScale[0])
	}
	if want := []string{"constant in the training part, so set to 0: input column 1"}; !slices.Equal(p.Notes, want) {
		t.Errorf("notes %q", p.Notes)
	}
}

// TestPixels: images of bytes are standardised by channel, or go to [0, 1];
// float32 and float64 agree, with any number of threads.
func TestPixels(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	e := &Examples{Shape: tensor.Shape{C: 3, H: 4, W: 5}}
	for i := range 200 * 60 {
		e.Pixels = append(e.Pixels, uint8(rng.IntN(50)+20*(i/20%3)))
	}
	for i := range 200 {
		e.Labels = append(e.Labels, i%4)
	}
	raw := &Raw{Train: e, Classes: classNames(4)}
	p, err := Prepare(raw, Defaults(), OneHot)
	if err != nil {
		t.Fatal(err)
	}
	x, y := read[float64](p.Train, nil)
	for c := range 3 {
		var s moments
		for i := range x.Rows {
			for _, v := range x.Row(i)[20*c : 20*c+20] {
				s.add(v)
			}
		}
		if math.Abs(s.mean) > 1e-12 || math.Abs(s.deviation()-1) > 1e-12 {
			t.Errorf("channel %d: mean %g, deviation %g", c, s.mean, s.deviation())
		}
	}
	for i := range y.Rows {
		label := e.Labels[p.Train.index[i]]
		for j, v := range y.Row(i) {
			if (j == label) != (v == 1) {
				t.Fatalf("target %v of label %d", y.Row(i), label)
			}
		}
	}
	pool := tensor.NewPool(3)
	defer pool.Close()
	x32, _ := read[float32](p.Train, pool)
	for i, v := range x.Flat() {
		if float32(v) != x32.Flat()[i] {
			t.Fatalf("float32 %g, float64 %g", x32.Flat()[i], v)
		}
	}
	p, err = Prepare(raw, Common{}, OneHot)
	if err != nil {
		t.Fatal(err)
	}
	x, _ = read[float64](p.Train, nil)
	for i, v := range x.Row(0) {
		if want := float64(e.Pixels[p.Train.index[0]*60+i]) / 255; v != want {
			t.Fatalf("without standardisation: %g, want %g", v, want)
		}
	}
}

func TestBinary(t *testing.T) {
	e := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}}
	for i := range 40 {
		e.Values, e.Labels = append(e.Values, float64(i)), append(e.Labels, i%4)
	}
	raw := &Raw{Train: e, Test: e, Classes: classNames(4)}
	p, err := Prepare(raw, Common{Binary: Labels{"1", "3"}}, PlusMinus)
	if err != nil {
		t.Fatal(err)
	}
	_, y := read[float64](p.Test, nil)
	if p.Outputs != 1 || p.Classes != 2 || !slices.Equal(y.Flat()[:4], []float64{-1, 1, -1, 1}) {
		t.Errorf("%d outputs, %d classes, targets %v", p.Outputs, p.Classes, y.Flat()[:4])
	}
	p, err = Prepare(raw, Common{Binary: Labels{"1", "3"}}, Values)
	if err != nil {
		t.Fatal(err)
	}
	_, y = read[float64](p.Test, nil)
	if !slices.Equal(y.Flat()[:4], []float64{1, 0, 0, 1}) {
		t.Errorf("one-hot targets %v", y.Flat()[:4])
	}
}

func TestLimits(t *testing.T) {
	e := tableSet(50)
	p, err := Prepare(&Raw{Train: e, Test: e}, Common{TrainLimit: 10, TestLimit: 5}, Values)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := read[float64](p.Train, nil)
	if p.Train.Len() != 10 || p.Test.Len() != 5 || x.At(9, 0) != 9 {
		t.Errorf("%d and %d examples", p.Train.Len(), p.Test.Len())
	}
}

func TestPrepareErrors(t *testing.T) {
	fraction := func(f float64) *float64 { return &f }
	labelled := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}, Values: make([]float64, 10), Labels: []int{0, 1, 2, 0, 1, 2, 0, 1, 2, 0}}
	same := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}, Values: make([]float64, 10), Labels: make([]int, 10)}
	flat := tableSet(10)
	for i := range flat.Targets {
		flat.Targets[i] = 2
	}
	classes := &Raw{Train: labelled, Classes: classNames(3)}
	for _, c := range []struct {
		raw  *Raw
		c    Common
		enc  Encoding
		want string
	}{
		{&Raw{Train: tableSet(10), Test: tableSet(5)}, Common{Test: fraction(0.5)}, Values, "test: does not apply: the set has a test part of its own, of 5 examples"},
		{&Raw{Train: tableSet(10)}, Common{Test: fraction(1)}, Values, "test: must be a fraction between 0 and 1, got 1"},
		{&Raw{Train: tableSet(10)}, Common{Test: fraction(0.01)}, Values, "10 examples are left to train on and 0 to test on"},
		{&Raw{Train: tableSet(10)}, Common{TrainLimit: 9}, Values, "train_limit: is 9, but there are only 8 examples"},
		{&Raw{Train: tableSet(10)}, Common{TestLimit: -1}, Values, "test_limit: must be 0 (all) or a number of examples, got -1"},
		{&Raw{Train: tableSet(10)}, Common{Validation: 1}, Values, "validation: must be 0 or a fraction below 1, got 1"},
		{&Raw{Train: tableSet(10)}, Common{Validation: 0.01}, Values, "validation: 0.01 of 8 examples is none"},
		{&Raw{Train: tableSet(10)}, Common{}, OneHot, "the targets are numbers, but the loss takes classes; use the loss squared or huber"},
		{&Raw{Train: tableSet(10)}, Common{Binary: Labels{"1"}}, Values, "binary: does not apply to targets that are numbers"},
		{&Raw{Train: flat}, Common{Standardize: true}, Values, "target 0 is 2 for every training example; there is nothing to learn"},
		{classes, Common{}, PlusMinus, "the loss takes two classes, the set has 3; say with binary: [...]"},
		{classes, Common{Binary: Labels{"3"}}, PlusMinus, `binary: no example has the label "3"; the labels are 0, 1, 2`},
		{classes, Common{Binary: Labels{"0", "1", "2"}}, PlusMinus, "binary: makes one class of all 8 training examples; there is nothing to learn"},
		{classes, Common{Binary: Labels{}}, PlusMinus, "binary: the list is empty; name at least one label"},
		{&Raw{Train: same, Classes: classNames(3)}, Common{}, OneHot, "all 8 training examples are of one class"},
	} {
		_, err := Prepare(c.raw, c.c, c.enc)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v\nwant %s", err, c.want)
		}
	}
}

// TestEmbedded compares the embedded sets with what their descriptions say.
func TestEmbedded(t *testing.T) {
	for _, c := range []struct {
		name             string
		rows, features   int
		perClass         []int
		meanFirst, meanT float64 // of the first column, and of the targets
	}{
		// From scikit-learn's documentation: class distribution of digits, 212
		// malignant and 357 benign tumours of mean radius 14.127, and patients of
		// mean age 48.5181 and mean progression 152.1335.
		{"digits", 1797, 64, []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}, 0, 0},
		{"breast_cancer", 569, 30, []int{212, 357}, 14.127, 0},
		{"diabetes", 442, 10, nil, 48.5181, 152.1335},
	} {
		raw, err := open(t, t.TempDir(), "{name: "+c.name+"}", OneHot)
		if err != nil {
			t.Fatal(err)
		}
		e := raw.Train
		perClass := make([]int, len(c.perClass))
		for _, l := range e.Labels {
			perClass[l]++
		}
		if e.Len() != c.rows || e.Shape.Len() != c.features || !slices.Equal(perClass, c.perClass) || len(raw.Classes) != len(c.perClass) {
			t.Errorf("%s: %d examples of %d features, classes %v", c.name, e.Len(), e.Shape.Len(), perClass)
		}
		if e.Pixels != nil {
			if len(e.Pixels) != c.rows*c.features || slices.Max(e.Pixels) != 16 {
				t.Errorf("%s: %d pixels up to %d", c.name, len(e.Pixels), slices.Max(e.Pixels))
			}
			continue
		}
		var first, target moments
		for i := range e.Len() {
			first.add(e.Values[i*c.features])
		}
		for _, v := range e.Targets {
			target.add(v)
		}
		if math.Abs(first.mean-c.meanFirst) > 1e-3 || math.Abs(target.mean-c.meanT) > 1e-3 {
			t.Errorf("%s: means %g and %g", c.name, first.mean, target.mean)
		}
		d := Known.Default(c.name).Must().Describe()
		if d.Train != e.Len() || d.Shape != e.Shape || d.Classes != len(raw.Classes) || d.Targets != e.K || !d.Embedded {
			t.Errorf("%s: described as %+v", c.name, d)
		}
	}
}

func TestBatcherAllocatesNothing(t *testing.T) {
	raw, err := open(t, t.TempDir(), "{name: digits}", OneHot)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Prepare(raw, Defaults(), OneHot)
	if err != nil {
		t.Fatal(err)
	}
	pool := tensor.NewPool(2)
	defer pool.Close()
	b := NewBatcher[float32](pool)
	index := rand.New(rand.NewPCG(1, 2)).Perm(p.Train.Len())[:64]
	x, y := tensor.New[float32](64, 64), tensor.New[float64](64, 10)
	if n := testing.AllocsPerRun(10, func() { b.Read(p.Train, index, x, y) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
