package schedules

import "github.com/dualgn/dgn/pkg/registry"

func init() {
	registry.Add(&Known, registry.Info{Name: "constant", Doc: "initial, after the warm-up"},
		Constant{Initial: 1}, newConstant, Constant{Initial: 0.3, Warmup: Warmup{Steps: 5}}, Constant{Initial: 0.3, Warmup: Warmup{Share: 0.5}})
}

// Constant is initial.
type Constant struct {
	Initial float64 `yaml:"initial" doc:"the value"`
	Warmup  `yaml:",inline"`
}

var _ Schedule = Constant{}

func newConstant(s Constant) (Schedule, error) { return s, s.check() }

func (s Constant) At(t Time) float64 {
	share, _ := s.factor(t)
	return share * s.Initial
}

func (s Constant) Range() (lo, hi float64) { return order(s.low()*s.Initial, s.Initial) }

// order returns the least and the largest of some numbers.
func order(v ...float64) (lo, hi float64) {
	lo, hi = v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}
