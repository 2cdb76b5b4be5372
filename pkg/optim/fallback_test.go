package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestStaleFactors: where what is remembered of a matrix has been spoilt, the last root or basis
// stands in, updates stay finite, and that is told.
func TestStaleFactors(t *testing.T) {
	var l tensor.Layout
	l.Add(tensor.Block{Name: "0.weight", Shape: []int{7, 5}})
	l.Add(tensor.Block{Name: "0.bias", Shape: []int{7}})
	rng := rand.New(rand.NewPCG(1, 2))
	d, w, u := make([]float64, l.Len), make([]float64, l.Len), make([]float64, l.Len)
	tried := 0
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			spec, err := trial()
			if err != nil {
				t.Fatal(err)
			}
			o := New[float64](spec, l, nil)
			factors, ok := o.State().Float64["factors"]
			if !ok {
				continue
			}
			tried++
			told := false
			for step := range 2 * Period(spec) {
				for j := range d {
					d[j] = rng.NormFloat64()
				}
				if step == 1 {
					factors[0] = math.NaN()
				}
				o.Update(u, d, w, schedules.Time{Step: step})
				fallback := o.(Reporter).Report().Fallback
				told = told || fallback == FallbackStale
				if step == 0 && fallback != "" {
					t.Errorf("%s/%d: %q without a reason", name, i, fallback)
				}
				for j, v := range u {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatalf("%s/%d, step %d: weight %d moves by %g", name, i, step, j, v)
					}
				}
			}
			if !told {
				t.Errorf("%s/%d: a factor with a NaN is not told of", name, i)
			}
		}
	}
	if tried < 4 {
		t.Errorf("only %d optimizers have factors", tried)
	}
}

// TestJitter: a factor that is singular in float32 has the inverse root of its neighbour.
func TestJitter(t *testing.T) {
	var l tensor.Layout
	l.Add(tensor.Block{Name: "0.weight", Shape: []int{6, 3}})
	s := Known.Entry("shampoo").Defaults.(Shampoo)
	s.Epsilon = 1e-30
	o := New[float32](s, l, nil)
	d, w, u := make([]float32, l.Len), make([]float32, l.Len), make([]float32, l.Len)
	for j := range d {
		d[j] = 1 + float32(j%3)
	}
	o.Update(u, d, w, schedules.Time{})
	if got := o.(Reporter).Report().Fallback; got != FallbackJitter {
		t.Errorf("reported %q", got)
	}
	// Of rank 1, P is G over the root of its norm, twice: G/|G|.
	norm := tensor.Norm2(nil, d)
	for j, v := range u {
		if want := 0.1 * float64(d[j]) / norm; math.Abs(float64(v)-want) > 1e-4 {
			t.Errorf("weight %d moves by %g, want %g", j, v, want)
		}
	}
}
