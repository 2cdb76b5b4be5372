package problem

import (
	"math"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
)

// Predict returns about how many seconds a run of the first method takes, on one core of the
// machine that the constants of [nn.Work] are of. It follows from the config and the sizes
// of the data alone, so that every machine shares runs out alike: it says which runs are
// longer, and not how long they are here. A limit of seconds is taken at its word.
func (p *Problem) Predict() float64 {
	c, m := p.Config, &p.Config.Methods[0]
	t, dims := c.Train, p.Net.Dims(c.Train.BatchSize)
	perEpoch := p.Train.Len() / t.BatchSize
	forward := nn.Work{Adds: dims.Forward}.Seconds()
	step := forward + oracles.PriceOf(m.Oracle.Must(), c.Loss.Must(), dims)
	forwards, jvps := optim.TrialsOf(m.LineSearch.Must())
	step += float64(float64(forwards)*forward) + float64(float64(jvps)*nn.Work{Adds: dims.JVP}.Seconds())
	steps := math.Inf(1)
	if total := t.Total(perEpoch); total > 0 {
		steps = float64(total)
	}
	adds := p.Net.MultiplyAdds()
	if t.Cost > 0 {
		unit := nn.Work{Adds: int64(t.Unit()) * (adds.Forward + adds.VJP)}.Seconds()
		steps = min(steps, float64(t.Cost*unit)/step)
	}
	if c.ValueSize() == 8 {
		step *= 2 // half as many numbers at a time
	}
	if t.Seconds > 0 {
		steps = min(steps, t.Seconds/step)
	}
	examples := p.Test.Len() + p.Train.Len()
	if n := c.Evaluate.TrainExamples; n > 0 {
		examples = min(examples, p.Test.Len()+n)
	}
	if p.Valid != nil {
		examples += p.Valid.Len()
	}
	evaluation := nn.Work{Adds: int64(examples) * adds.Forward}.Seconds()
	if c.ValueSize() == 8 {
		evaluation *= 2
	}
	return float64(steps*step) + float64(evaluations(c.Evaluate.Every, t, steps, perEpoch)*evaluation)
}

// evaluations is about how many there are in a run of so many steps.
func evaluations(every config.Every, t config.Train, steps float64, perEpoch int) float64 {
	switch {
	case every.Geometric > 0:
		return 1 + float64(every.Geometric)
	case every.Cost > 0 && t.Cost > 0:
		return 1 + t.Cost/every.Cost
	case every.Seconds > 0 && t.Seconds > 0:
		return 1 + t.Seconds/every.Seconds
	case every.Steps > 0:
		return 1 + steps/float64(every.Steps)
	}
	return 1 + steps/float64(max(perEpoch, 1))
}
