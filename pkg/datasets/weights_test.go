package datasets

import (
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// TestSplitOmega: the weight of an example stays with it, whatever part it goes to.
func TestSplitOmega(t *testing.T) {
	const n = 40
	e := &Examples{Shape: tensor.Shape{C: 1, H: 1, W: 1}, K: 1}
	for i := range n {
		e.Values = append(e.Values, float64(i))
		e.Targets = append(e.Targets, float64(i*i))
		e.Omega = append(e.Omega, float64(3*i))
	}
	p, err := Prepare(&Raw{Train: e}, Common{Validation: 0.3, TestLimit: 5, SplitSeed: SplitSeed{Value: 2}}, Values)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Split{"train": p.Train, "validation": p.Valid, "test": p.Test} {
		b := NewBatcher[float64](nil)
		index := []int{s.Len() - 1, 0, 1}
		x, y := tensor.New[float64](3, 1), tensor.New[float64](3, 1)
		b.Read(s, index, x, y)
		omega := s.Omega(make([]float64, 8), index)
		if len(omega) != 3 {
			t.Fatalf("%s: %d weights of 3 examples", name, len(omega))
		}
		for r, v := range omega {
			if v != 3*x.At(r, 0) {
				t.Errorf("%s: the weight of example %g is %g", name, x.At(r, 0), v)
			}
		}
	}
	e.Omega = nil
	if w := p.Train.Omega(make([]float64, 8), []int{0}); w != nil {
		t.Errorf("a set without weights has %v", w)
	}
}
