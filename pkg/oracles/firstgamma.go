package oracles

import (
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
)

// A FirstGamma is the gamma of a first step about which nothing is known but the gradient: a
// number or a schedule, or auto, the zero value, which keeps the step no longer than 1 in the
// sum of its numbers.
type FirstGamma struct {
	schedules.Number
	given bool
}

var _ strict.Unmarshaler = (*FirstGamma)(nil)

// FirstGammaOf returns the gamma of a number or a schedule.
func FirstGammaOf(n schedules.Number) FirstGamma { return FirstGamma{n, true} }

func (g *FirstGamma) UnmarshalStrict(v strict.Value) error {
	*g = FirstGamma{}
	if text, _ := v.Text(); text == automatic {
		return nil
	}
	g.given = true
	return g.Number.UnmarshalStrict(v)
}

// MarshalYAML returns what UnmarshalStrict reads.
func (g FirstGamma) MarshalYAML() (any, error) {
	if !g.given {
		return automatic, nil
	}
	return g.Number.MarshalYAML()
}
