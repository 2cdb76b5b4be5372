package schedules

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "step", Doc: "initial, multiplied by factor every so many steps or epochs"},
		Step{Initial: 1, Factor: 0.1, Every: 30, Unit: "epoch"}, newStep, Step{Initial: 2, Factor: 0.5, Every: 7, Unit: "step", Warmup: Warmup{Steps: 3}}, Step{Initial: 2, Factor: 0.5, Every: 7, Unit: "step", Warmup: Warmup{Share: 0.2}})
}

// Step is initial factor^floor(t/every), t counted in steps or epochs since the
// warm-up.
type Step struct {
	Initial float64 `yaml:"initial" doc:"the first value"`
	Factor  float64 `yaml:"factor" doc:"what each drop multiplies with"`
	Every   int     `yaml:"every" doc:"steps or epochs between drops"`
	Unit    string  `yaml:"unit" doc:"step or epoch"`
	Warmup  `yaml:",inline"`
}

var _ Schedule = Step{}

func newStep(s Step) (Schedule, error) {
	switch {
	case !(s.Factor > 0 && s.Factor <= 1):
		return nil, strict.Field("factor", "must be above 0 and at most 1, got %g", s.Factor)
	case s.Every <= 0:
		return nil, strict.Field("every", "must be a positive number, got %d", s.Every)
	case s.Unit != "step" && s.Unit != "epoch":
		return nil, strict.Field("unit", "must be step or epoch, got %q", s.Unit)
	}
	return s, s.check()
}

func (s Step) At(t Time) float64 {
	share, step := s.factor(t)
	every := s.Every
	if s.Unit == "epoch" {
		every = size.Product(every, max(t.StepsPerEpoch, 1))
	}
	return share * s.Initial * math.Pow(s.Factor, float64(step/every))
}

func (s Step) Range() (lo, hi float64) { return order(0, s.Initial) }
