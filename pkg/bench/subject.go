package bench

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/stats"
	"github.com/dualgn/dgn/pkg/train"
)

// A subject is a method that is measured, and what was found.
type subject struct {
	of    train.Training
	plain *subject // that it is compared with; itself, if it is one
	steps int      // of a round
	// period is a number of steps in which work that is not of every step has its share.
	period int
	err    error // why there are no numbers

	total   turn      // of all rounds
	seconds []float64 // of a step, by round
}

// subjects returns one for each problem, after the plain SGD steps of their batch sizes.
func subjects(problems []*problem.Problem, like train.Training) []*subject {
	plain := map[int]*subject{}
	var plains, methods []*subject
	for _, p := range problems {
		batch := p.Config.Train.BatchSize
		if plain[batch] == nil {
			s := &subject{of: like}
			s.plain, s.of.Problem = s, plainOf(p)
			plain[batch], plains = s, append(plains, s)
		}
		s := &subject{of: like, plain: plain[batch]}
		s.of.Problem = p
		methods = append(methods, s)
	}
	all := append(plains, methods...)
	for _, s := range all {
		s.of.Method = &s.of.Problem.Config.Methods[0]
	}
	return all
}

// plainOf is a problem with the method that others are compared with in place of its own:
// one gradient, and one pass over the weights.
func plainOf(p *problem.Problem) *problem.Problem {
	sgd, err := registry.Choose(&optim.Known, "sgd", func(o *optim.SGD) { o.LearningRate = schedules.Const(plainRate) })
	if err != nil {
		panic("bench: " + err.Error())
	}
	q, c := *p, *p.Config
	q.Config = &c
	c.Methods = []config.Method{{
		Name:       plainName,
		Oracle:     config.Oracle{Choice: oracles.Known.Default("gradient")},
		Optimizer:  config.Optimizer{Choice: sgd},
		LineSearch: config.LineSearch{Choice: optim.LineSearches.Default("none")},
	}}
	return &q
}

func (s *subject) name() string { return s.of.Method.Name }

// begin makes a turn that does not count, and finds how many steps a round has.
func (s *subject) begin(ctx context.Context) error {
	s.period = periodOf(s.of.Method)
	least := s.period // or its rarer work would be left out
	t := s.turn(ctx, func(t *turn) bool { return t.Seconds >= roundTime.Seconds()/4 && t.Steps >= least })
	if t.Steps > 0 {
		s.steps = wholePeriods(max(1, int(math.Round(roundTime.Seconds()*float64(t.Steps)/t.Seconds))), s.period)
	}
	return s.failure(ctx)
}

// periodOf is the least common multiple of the periods of a method's optimizer and oracle, at most maxPeriod.
func periodOf(m *config.Method) int {
	a, b := optim.Period(m.Optimizer.Must()), oracles.Period(m.Oracle.Must())
	for p := a; p <= maxPeriod; p += a {
		if p%b == 0 {
			return p
		}
	}
	return maxPeriod
}

// wholePeriods rounds a number of steps up to a multiple of a period, in which rarer work has its share.
func wholePeriods(steps, period int) int { return (steps + period - 1) / period * period }

// round makes a turn that counts.
func (s *subject) round(ctx context.Context) error {
	if s.err != nil {
		return nil
	}
	t := s.turn(ctx, func(t *turn) bool { return t.Steps >= s.steps })
	s.total.add(t)
	s.seconds = append(s.seconds, t.Seconds/float64(t.Steps))
	return s.failure(ctx)
}

// failure returns what stops everything: an interruption, or that there is nothing to
// compare with.
func (s *subject) failure(ctx context.Context) error {
	if ctx.Err() != nil {
		return interrupt.Cause(ctx)
	}
	if s.err != nil && s == s.plain {
		return &experiment.RunError{Run: s.name(), Err: s.err}
	}
	return nil
}

// A turn is some steps of one method.
type turn struct {
	train.Work
	mallocs uint64
	peak    int  // bytes resident, 0 where it is not known
	blind   bool // the peak is not known
}

func (t *turn) add(o turn) {
	t.Steps += o.Steps
	t.Seconds += o.Seconds
	t.Counters.Add(o.Counters)
	t.InnerIterations += o.InnerIterations
	t.Optimizer.Add(o.Optimizer)
	t.Factored.Add(o.Factored)
	t.Elementwise += o.Elementwise
	t.mallocs += o.mallocs
	t.peak, t.blind = max(t.peak, o.peak), t.blind || o.blind
}

// turn makes steps until there are enough of them, or ctx ends, from the initial weights
// and again from there after passSteps, or the periods around them, or where a run would end. They are made as a run
// of its own, in memory that is made for it and given back, so that methods are not in the
// way of each other. A failure is noted in s.
func (s *subject) turn(ctx context.Context, enough func(*turn) bool) (t turn) {
	debug.FreeOSMemory() // of the turn before
	leave, err := memory.Process.Enter(ctx, s.of.Problem.Footprint(s.of.Method, s.of.Threads))
	if err != nil {
		s.err = err
		return t
	}
	defer leave()
	reset := memory.ResetPeak()
	steps, err := s.of.Stepper()
	if err != nil {
		s.err = err
		return t
	}
	defer steps.Close()
	s.of.Threads, s.of.Auto = steps.Threads(), false // as chosen in the first turn
	for s.err == nil && ctx.Err() == nil {
		s.err = t.pass(ctx, steps, wholePeriods(passSteps, s.period), enough)
		if enough(&t) {
			break
		}
		if s.err == nil {
			s.err = steps.Restart()
		}
	}
	peak, ok := memory.Peak()
	t.peak, t.blind = peak, !reset || !ok
	return t
}

// pass adds steps from the start of a run to the turn, at most so many.
func (t *turn) pass(ctx context.Context, steps train.Stepper, most int, enough func(*turn) bool) error {
	var before, after runtime.MemStats
	was := *t
	runtime.ReadMemStats(&before)
	for {
		steps.Step()
		if err := steps.Check(); err != nil {
			return err
		}
		made := turn{Work: steps.Work()}
		*t = was
		t.add(made)
		if made.Steps == most || steps.Done() || enough(t) || ctx.Err() != nil {
			break
		}
	}
	runtime.ReadMemStats(&after)
	t.mallocs += after.Mallocs - before.Mallocs
	return steps.CheckEnd()
}

// result sums up the rounds.
func (s *subject) result() Method {
	n := float64(s.total.Steps)
	c := s.total.Counters
	m := Method{
		Name: s.name(), BatchSize: s.of.Problem.Config.Train.BatchSize, Threads: s.of.Threads, Steps: s.steps,
		Counters: Counters{
			Forwards: float64(c.Forwards) / n, JVPs: float64(c.JVPs) / n, VJPs: float64(c.VJPs) / n, GramProducts: float64(c.GramProducts) / n,
			MultiplyAdds: float64(c.MultiplyAdds) / n, InnerIterations: float64(s.total.InnerIterations) / n,
		},
		Allocs: float64(s.total.mallocs) / n,
	}
	var costs []float64
	for i, seconds := range s.seconds {
		costs = append(costs, seconds/s.plain.seconds[i])
	}
	m.StepSeconds, m.StepRange = summed(s.seconds)
	m.RelativeCost, m.CostRange = summed(costs)
	m.RelativeAdds = m.Counters.MultiplyAdds / s.plain.adds()
	m.Update, m.Factored = s.update(), s.matrices(s.total.Factored)
	m.Vectors.Seconds = s.total.Elementwise.Seconds() / n
	m.Vectors.RelativeCost = m.Vectors.Seconds / (s.plain.total.Seconds / float64(s.plain.total.Steps))
	m.GFLOPS = 2 * m.Counters.MultiplyAdds / m.StepSeconds / 1e9
	if !s.total.blind {
		m.PeakRSS = &s.total.peak
	}
	return m
}

// adds are the multiply-adds of a step.
func (s *subject) adds() float64 {
	return float64(s.total.Counters.MultiplyAdds) / float64(s.total.Steps)
}

// update is what the optimizer took of a step.
func (s *subject) update() Update {
	n, spent := float64(s.total.Steps), s.total.Optimizer
	u := Update{Seconds: spent.Time.Seconds() / n, Products: s.matrices(spent.Products), Factorisations: s.matrices(spent.Factorisations)}
	u.Elementwise = u.Seconds - u.Products.Seconds - u.Factorisations.Seconds
	return u
}

// matrices is what work with matrices took of a step.
func (s *subject) matrices(w clock.Work) Matrices {
	n, plain := float64(s.total.Steps), s.plain.total
	m := Matrices{Seconds: w.Time.Seconds() / n, MultiplyAdds: float64(w.MultiplyAdds) / n}
	m.RelativeCost = m.Seconds / (plain.Seconds / float64(plain.Steps))
	m.RelativeAdds = m.MultiplyAdds / s.plain.adds()
	return m
}

// summed returns the median of some numbers, and their range.
func summed(v []float64) (median float64, ends [2]float64) {
	return stats.Median(v), [2]float64{slices.Min(v), slices.Max(v)}
}
