package schedules

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "cosine", Doc: "from initial to final along half a cosine", Reference: "Loshchilov and Hutter 2017, arXiv 1608.03983"},
		Cosine{Initial: 1}, newCosine, Cosine{Initial: 0.1, Final: 0.01, Steps: 20, Warmup: Warmup{Steps: 5}}, Cosine{Initial: 0.1, Warmup: Warmup{Share: 0.25}})
	registry.Add(&Known, registry.Info{Name: "linear", Doc: "from initial to final along a line"},
		Linear{Initial: 1}, newLinear, Linear{Initial: 0.1, Final: 0.01, Steps: 20, Warmup: Warmup{Steps: 5}}, Linear{Initial: 0.1, Final: 0.01, Steps: 20, Warmup: Warmup{Share: 0.1}})
}

// Cosine is final + (initial - final) (1 + cos(π t/T))/2, t in steps since the
// warm-up, and final from T on. Where T is the rest of the run, the run ends at T,
// and its last step, at T - 1, does not have the final value yet. Of a run with a budget
// of cost or seconds, t and T are shares of that.
type Cosine struct {
	Initial float64 `yaml:"initial" doc:"the first value"`
	Final   float64 `yaml:"final" doc:"the value at the end"`
	Steps   int     `yaml:"steps" doc:"length after the warm-up; 0: the rest of the run"`
	Warmup  `yaml:",inline"`
}

// Linear is initial + (final - initial) t/T, t and T as for Cosine.
type Linear Cosine

var (
	_ Ending = Cosine{}
	_ Ending = Linear{}
)

func newCosine(s Cosine) (Schedule, error) {
	if s.Steps < 0 {
		return nil, strict.Field("steps", "must be 0 (the rest of the run) or a number of steps, got %d", s.Steps)
	}
	return s, s.check()
}

func newLinear(s Linear) (Schedule, error) {
	_, err := newCosine(Cosine(s))
	return s, err
}

func (s Cosine) At(t Time) float64 {
	share, x := s.progress(s.Steps, t)
	return share * (s.Final + (s.Initial-s.Final)*(1+math.Cos(math.Pi*x))/2)
}

func (s Cosine) Check(t Time) error { return s.checkSpan("cosine", s.Steps, t) }

// FollowsEnd reports whether T is the rest of the run, or the warm-up a share of it.
func (s Cosine) FollowsEnd() bool { return s.Steps == 0 || s.Warmup.FollowsEnd() }

func (s Cosine) Range() (lo, hi float64) {
	return order(s.low()*s.Initial, s.Initial, s.Final)
}

func (s Linear) At(t Time) float64 {
	share, x := s.progress(s.Steps, t)
	return share * (s.Initial + (s.Final-s.Initial)*x)
}

func (s Linear) Check(t Time) error { return s.checkSpan("linear", s.Steps, t) }

func (s Linear) FollowsEnd() bool { return Cosine(s).FollowsEnd() }

func (s Linear) Range() (lo, hi float64) { return Cosine(s).Range() }
