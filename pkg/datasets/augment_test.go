package datasets

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// imageSet returns n images of two channels and 3x4 values, all different, as
// bytes or as numbers.
func imageSet(n int, bytes bool) *Examples {
	e := &Examples{Shape: tensor.Shape{C: 2, H: 3, W: 4}}
	for i := range n * e.Shape.Len() {
		if bytes {
			e.Pixels = append(e.Pixels, uint8(1+i%255))
		} else {
			e.Values = append(e.Values, float64(1+i%255))
		}
	}
	for i := range n {
		e.Labels = append(e.Labels, i%2)
	}
	return e
}

// augmented are the training images of a set for one chance.
func augmented[T tensor.Float](t *testing.T, e *Examples, a *Augment, c Chance, index []int, pool *tensor.Pool) (x tensor.Matrix[T], s *Split) {
	t.Helper()
	p, err := Prepare(&Raw{Train: e, Test: e, Classes: classNames(2)}, Common{Standardize: true, Augment: a}, OneHot)
	if err != nil {
		t.Fatal(err)
	}
	x = tensor.New[T](len(index), e.Shape.Len())
	NewBatcher[T](pool).ReadAugmented(p.Augment, c, p.Train, index, x, tensor.New[float64](len(index), 2))
	return x, p.Train
}

// TestAugment compares images, cut out of a padded original by the definition,
// with those of a batch.
func TestAugment(t *testing.T) {
	const n = 64
	for _, bytes := range []bool{true, false} {
		for _, a := range []*Augment{nil, {}, {Crop: 1}, {Flip: true}, {Crop: 2, Flip: true}} {
			e := imageSet(n, bytes)
			c := Chance{Key: 3, Step: 5}
			x, s := augmented[float64](t, e, a, c, upTo(n), nil)
			plain, _ := augmented[float64](t, e, nil, c, upTo(n), nil)
			moves := map[move]bool{}
			for i := range n {
				var m move
				if a != nil {
					m = c.of(a, i)
				}
				moves[m] = true
				for ch := range 2 {
					for r := range 3 {
						for j := range 4 {
							fromR, fromJ := r+m.down, j+m.right
							if m.mirror {
								fromJ = 3 - j + m.right
							}
							want := s.fill[ch]
							if fromR >= 0 && fromR < 3 && fromJ >= 0 && fromJ < 4 {
								want = plain.At(i, ch*12+fromR*4+fromJ)
							}
							if got := x.At(i, ch*12+r*4+j); got != want {
								t.Fatalf("bytes %v, %+v, image %d, %+v: value %d,%d,%d is %g, want %g", bytes, a, i, m, ch, r, j, got, want)
							}
						}
					}
				}
			}
			if a != nil && (a.Crop > 0 || a.Flip) && len(moves) < 2 {
				t.Errorf("%+v: %d different moves", a, len(moves))
			}
		}
	}
}

// TestAugmentChance: how an example is augmented follows from key, step and
// example alone.
func TestAugmentChance(t *testing.T) {
	const n = 40
	a, c := &Augment{Crop: 2, Flip: true}, Chance{Key: 1, Step: 7}
	e := imageSet(n, true)
	x, _ := augmented[float32](t, e, a, c, upTo(n), nil)
	pool := tensor.NewPool(3)
	defer pool.Close()
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)[:n/2]
	y, _ := augmented[float32](t, e, a, c, order, pool)
	for r, i := range order {
		if !slices.Equal(y.Row(r), x.Row(i)) {
			t.Errorf("example %d is another in row %d of another batch", i, r)
		}
	}
	p, err := Prepare(&Raw{Train: e, Test: e, Classes: classNames(2)}, Common{Augment: a}, OneHot)
	if err != nil {
		t.Fatal(err)
	}
	b, all := NewBatcher[float32](nil), tensor.New[float64](n, 2)
	plain, again := tensor.New[float32](n, x.Cols), tensor.New[float32](n, x.Cols)
	b.Read(p.Train, upTo(n), plain, all)
	b.ReadAugmented(a, c, p.Train, upTo(n), again, all)
	b.Read(p.Train, upTo(n), again, all)
	if !slices.Equal(plain.Data, again.Data) {
		t.Error("examples are augmented after those of training")
	}
	for _, other := range []Chance{{Key: 2, Step: 7}, {Key: 1, Step: 8}} {
		if y, _ := augmented[float32](t, e, a, other, upTo(n), nil); slices.Equal(y.Data, x.Data) {
			t.Errorf("%+v augments as %+v does", other, c)
		}
	}
}

// TestAugmentUniform: all moves are as frequent as each other, of the steps of
// one example, and of pairs of neighbouring examples and steps.
func TestAugmentUniform(t *testing.T) {
	a := &Augment{Crop: 1, Flip: true} // 9 places, 2 ways
	const n = 18 * 18 * 100
	code := func(m move) int {
		c := (m.down+1)*3 + m.right + 1
		if m.mirror {
			c += 9
		}
		return c
	}
	for name, draw := range map[string]func(i int) int{
		"steps":               func(i int) int { return code(Chance{9, i}.of(a, 4)) },
		"examples":            func(i int) int { return code(Chance{9, 2}.of(a, i)) },
		"keys":                func(i int) int { return code(Chance{uint64(i), 2}.of(a, 4)) },
		"neighbouring":        func(i int) int { return 18*code(Chance{9, 2}.of(a, i)) + code(Chance{9, 2}.of(a, i+1)) },
		"neighbouring steps":  func(i int) int { return 18*code(Chance{9, i}.of(a, 4)) + code(Chance{9, i + 1}.of(a, 4)) },
		"with 32 examples on": func(i int) int { return 18*code(Chance{9, i}.of(a, 4)) + code(Chance{9, i}.of(a, 36)) },
	} {
		count := map[int]float64{}
		for i := range n {
			count[draw(i)]++
		}
		cells := 18.0
		if strings.Contains(name, "neigh") || strings.Contains(name, "32") {
			cells = 18 * 18
		}
		var chi2 float64
		for _, k := range count {
			d := k - n/cells
			chi2 += d * d / (n / cells)
		}
		chi2 += float64(cells-float64(len(count))) * n / cells
		// Chi-squared of cells-1 degrees has mean cells-1 and deviation √(2(cells-1)).
		if z := (chi2 - (cells - 1)) / math.Sqrt(2*(cells-1)); z > 5 || z < -5 {
			t.Errorf("%s: chi-squared is %.1f deviations from its mean", name, z)
		}
	}
}

func TestAugmentErrors(t *testing.T) {
	for _, c := range []struct {
		e    *Examples
		a    Augment
		want string
	}{
		{tableSet(9), Augment{Flip: true}, "augment: applies to images, not to examples of shape 2"},
		{imageSet(9, true), Augment{Crop: 3}, "augment: crop must be from 0 to 2 for images of shape 2x3x4, got 3"},
		{imageSet(9, true), Augment{Crop: -1}, "crop must be from 0"},
	} {
		raw := &Raw{Train: c.e, Test: c.e}
		enc := Values
		if c.e.Labels != nil {
			raw.Classes = classNames(2)
		}
		if _, err := Prepare(raw, Common{Augment: &c.a}, enc); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v, want %s", err, c.want)
		}
	}
}
