package schedules

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "exponential", Doc: "initial, multiplied by factor over every so many steps, smoothly"},
		Exponential{Initial: 1, Factor: 0.5, Every: 1000}, newExponential, Exponential{Initial: 0.2, Factor: 0.9, Every: 10, Warmup: Warmup{Steps: 4}}, Exponential{Initial: 0.2, Factor: 0.9, Every: 10, Warmup: Warmup{Share: 0.2}})
}

// Exponential is initial factor^(t/every), t in steps since the warm-up.
type Exponential struct {
	Initial float64 `yaml:"initial" doc:"the first value"`
	Factor  float64 `yaml:"factor" doc:"decay over so many steps"`
	Every   int     `yaml:"every" doc:"steps over which the factor applies once"`
	Warmup  `yaml:",inline"`
}

var _ Schedule = Exponential{}

func newExponential(s Exponential) (Schedule, error) {
	switch {
	case !(s.Factor > 0 && s.Factor <= 1):
		return nil, strict.Field("factor", "must be above 0 and at most 1, got %g", s.Factor)
	case s.Every <= 0:
		return nil, strict.Field("every", "must be a positive number of steps, got %d", s.Every)
	}
	return s, s.check()
}

func (s Exponential) At(t Time) float64 {
	share, step := s.factor(t)
	return share * s.Initial * math.Pow(s.Factor, float64(step)/float64(s.Every))
}

func (s Exponential) Range() (lo, hi float64) { return order(0, s.Initial) }
