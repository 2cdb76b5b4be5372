package oracles

import (
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
)

// Gamma is a proximity parameter, whose inverse is the damping. In a config it
// is a number, a schedule, {levenberg_marquardt: {...}} or {search: [...]}.
type Gamma struct {
	number schedules.Number
	lm     *LevenbergMarquardt
	search []float64
}

var (
	_ strict.Unmarshaler = (*Gamma)(nil)
	_ registry.Nested    = Gamma{}
)

// ConstGamma returns the gamma that is always v.
func ConstGamma(v float64) Gamma { return Gamma{number: schedules.Const(v)} }

// GammaOf returns the gamma of a number or a schedule.
func GammaOf(n schedules.Number) Gamma { return Gamma{number: n} }

// AdaptiveGamma returns a gamma that follows how well the model predicts.
func AdaptiveGamma(lm LevenbergMarquardt) Gamma { return Gamma{lm: &lm} }

// SearchGamma returns the best of some values, step by step, for the solver lanczos.
func SearchGamma(values ...float64) Gamma { return Gamma{search: values} }

// LevenbergMarquardt adapts gamma to how well the model predicts: with the
// ratio of F(w + d) - F(w), F = h + (mu/2) |w|², to its prediction, gamma grows
// after a ratio above trust and shrinks after one below distrust (Levenberg 1944; Marquardt 1963;
// Moré 1978). Each step costs a forward pass.
type LevenbergMarquardt struct {
	Initial  float64 `yaml:"initial" doc:"gamma of the first step"`
	Grow     float64 `yaml:"grow" doc:"factor of gamma where the model predicts well"`
	Shrink   float64 `yaml:"shrink" doc:"factor where it does not"`
	Trust    float64 `yaml:"trust" doc:"ratio of actual to predicted change above which it does"`
	Distrust float64 `yaml:"distrust" doc:"and below which it does not"`
	Min      float64 `yaml:"min" doc:"the least gamma"`
	Max      float64 `yaml:"max" doc:"the largest"`
}

// DefaultLevenbergMarquardt has the constants of Martens 2010.
var DefaultLevenbergMarquardt = LevenbergMarquardt{Initial: 1, Grow: 1.5, Shrink: 1 / 1.5, Trust: 0.75, Distrust: 0.25, Min: 1e-6, Max: 1e6}

func (g *Gamma) UnmarshalStrict(v strict.Value) error {
	*g = Gamma{}
	if _, ok := v.Lookup("levenberg_marquardt"); ok {
		lm := DefaultLevenbergMarquardt
		o := struct {
			LM *LevenbergMarquardt `yaml:"levenberg_marquardt"`
		}{&lm}
		err := v.Decode(&o)
		g.lm = o.LM
		return err
	}
	if _, ok := v.Lookup("search"); ok {
		o := struct {
			Search []float64 `yaml:"search"`
		}{}
		err := v.Decode(&o)
		g.search = o.Search
		return err
	}
	return g.number.UnmarshalStrict(v)
}

// MarshalYAML returns what UnmarshalStrict reads.
func (g Gamma) MarshalYAML() (any, error) {
	switch {
	case g.lm != nil:
		return map[string]any{"levenberg_marquardt": *g.lm}, nil
	case g.search != nil:
		return map[string]any{"search": g.search}, nil
	}
	return g.number.MarshalYAML()
}

// Nested lists the constants of levenberg_marquardt.
func (g Gamma) Nested() (string, any) { return "levenberg_marquardt", DefaultLevenbergMarquardt }

// Check reports whether gamma is defined in a run of t.Total steps.
func (g Gamma) Check(t schedules.Time) error { return g.number.Check(t) }

// FollowsEnd reports whether gamma depends on the length of the run.
func (g Gamma) FollowsEnd() bool { return g.number.FollowsEnd() }

// valid returns an error about the key gamma unless every value is positive.
func (g Gamma) valid() error {
	switch {
	case g.lm != nil:
		o := *g.lm
		for _, c := range []struct {
			key  string
			ok   bool
			want string
			got  float64
		}{
			{"min", o.Min > 0, "positive", o.Min},
			{"max", o.Max >= o.Min && !math.IsInf(o.Max, 0), "finite and at least min", o.Max},
			{"initial", o.Initial >= o.Min && o.Initial <= o.Max, fmt.Sprintf("from min, %g, to max, %g", o.Min, o.Max), o.Initial},
			{"grow", o.Grow >= 1 && !math.IsInf(o.Grow, 0), "at least 1", o.Grow},
			{"shrink", o.Shrink > 0 && o.Shrink <= 1, "above 0 and at most 1", o.Shrink},
			{"distrust", o.Distrust >= 0, "not negative", o.Distrust},
			{"trust", o.Trust > o.Distrust, "above distrust", o.Trust},
		} {
			if !c.ok {
				return strict.Field("gamma.levenberg_marquardt."+c.key, "must be %s, got %g", c.want, c.got)
			}
		}
		return nil
	case g.search != nil:
		if len(g.search) == 0 {
			return strict.Field("gamma.search", "the list is empty; give the values to try")
		}
		for _, v := range g.search {
			if !(v > 0) || math.IsInf(v, 0) {
				return strict.Field("gamma.search", "every value must be positive and finite, got %g", v)
			}
		}
		return nil
	}
	return g.number.Positive("gamma")
}

// A proximity is gamma during a run.
type proximity struct {
	Gamma
	current float64 // of levenberg_marquardt
}

func newProximity(g Gamma) *proximity {
	p := &proximity{Gamma: g}
	if g.lm != nil {
		p.current = g.lm.Initial
	}
	return p
}

// at returns gamma at a time, of a search the largest.
func (p *proximity) at(t schedules.Time) float64 {
	switch {
	case p.lm != nil:
		return p.current
	case p.search != nil:
		return slices.Max(p.search)
	}
	return p.number.At(t)
}

// adapts reports whether the ratio of actual to predicted change is wanted.
func (p *proximity) adapts() bool { return p.lm != nil }

// adapt sets gamma for the next step. A NaN, of a step that left the domain of
// numbers, shrinks it.
func (p *proximity) adapt(ratio float64) {
	switch o := p.lm; {
	case ratio > o.Trust:
		p.current = min(p.current*o.Grow, o.Max)
	case !(ratio >= o.Distrust):
		p.current = max(p.current*o.Shrink, o.Min)
	}
}
