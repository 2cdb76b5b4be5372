package schedules

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "inverse_sqrt", Doc: "initial/sqrt(1 + t/scale), t in steps since the warm-up"},
		InverseSqrt{Initial: 1, Scale: 1}, newInverseSqrt, InverseSqrt{Initial: 0.5, Scale: 100, Warmup: Warmup{Steps: 10}}, InverseSqrt{Initial: 0.5, Scale: 100, Warmup: Warmup{Share: 0.2}})
}

// InverseSqrt is initial/√(1 + t/scale), t in steps since the warm-up.
type InverseSqrt struct {
	Initial float64 `yaml:"initial" doc:"the first value"`
	Scale   float64 `yaml:"scale" doc:"steps after which the decay sets in"`
	Warmup  `yaml:",inline"`
}

var _ Schedule = InverseSqrt{}

func newInverseSqrt(s InverseSqrt) (Schedule, error) {
	if s.Scale <= 0 {
		return nil, strict.Field("scale", "must be a positive number of steps, got %g", s.Scale)
	}
	return s, s.check()
}

func (s InverseSqrt) At(t Time) float64 {
	share, step := s.factor(t)
	return share * s.Initial / math.Sqrt(1+float64(step)/s.Scale)
}

func (s InverseSqrt) Range() (lo, hi float64) { return order(0, s.Initial) }
