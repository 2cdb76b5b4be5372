package train

import (
	"fmt"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Stepper makes the steps of a run and nothing besides them, for measurements: there are
// no evaluations, logs, checkpoints and probes. Each step is the one that [Training.Run]
// makes: batch assembly, linearization, oracle, optimizer, line search.
type Stepper interface {
	// Step makes the next step, with the clock running. It goes on beyond the end of the
	// run.
	Step()

	// Check returns an error if the last step did not do the work that it stands for: the
	// loss of its mini-batch is not finite, or its inner solve ended before its budget,
	// where the oracle has no tolerance to end it by.
	Check() error

	// CheckEnd returns an error if the loss of the last mini-batch is not finite after
	// the step. It takes a forward pass, and after it Check tells nothing.
	CheckEnd() error

	// Done reports whether the run ends here.
	Done() bool

	// Work tells what the steps since the start of the run took.
	Work() Work

	// Restart goes back to the start of the run.
	Restart() error

	// Threads is the number of threads that are used, which [Training.Auto] chose.
	Threads() int

	// Close ends the threads. The goroutine that made the Stepper calls it.
	Close()
}

// Work is what some steps took.
type Work struct {
	Steps           int
	Seconds         float64 // of training
	Counters        oracles.Counters
	InnerIterations int
	Optimizer       optim.Spent
	Factored        clock.Work    // by the oracle, of which Counters have the multiply-adds too
	Elementwise     time.Duration // passes over vectors by the oracle, where it tells of them
}

// Stepper returns a Stepper at the start of the run, with the step that warms it up, and
// the choice of threads, behind it. Its methods are for the goroutine that calls this.
func (t Training) Stepper() (Stepper, error) {
	pool, end, err := t.pool()
	if err != nil {
		return nil, err
	}
	// Probes and the courses of inner solves are for logs.
	p, c, m := *t.Problem, *t.Problem.Config, *t.Method
	m.Probe, c.Log.Inner, p.Config = nil, false, &c
	t.Problem, t.Method = &p, &m
	var s Stepper
	if c.Precision == "float64" {
		s, err = newStepper[float64](t, pool, end)
	} else {
		s, err = newStepper[float32](t, pool, end)
	}
	if err != nil {
		end()
		return nil, err
	}
	return s, nil
}

// stepper is the Stepper in precision T.
type stepper[T tensor.Float] struct {
	*trainer[T]
	of         Training
	rewind     func() error
	end        func()
	least      int // inner iterations of each step, 0 if it may make any number
	iterations int // inner, since the start of the run
}

func newStepper[T tensor.Float](of Training, pool *tensor.Pool, end func()) (*stepper[T], error) {
	t := newTrainer[T](of, pool)
	t.auto = of.Auto
	t.large = of.Problem.Footprint(of.Method, of.Threads).Total() > memory.Small
	if err := t.warmUp(); err != nil {
		return nil, err
	}
	t.spent, t.factored, t.elementwise = optim.Spent{}, clock.Work{}, 0
	return &stepper[T]{trainer: t, of: of, rewind: t.rewinder(), end: end, least: leastIterations(of.Method.Oracle.Must())}, nil
}

// leastIterations returns the inner iterations that every call of an oracle makes if it
// uses its budget, 0 if a tolerance may end it earlier.
func leastIterations(s oracles.Spec) int {
	switch o := s.(type) {
	case oracles.GaussNewton:
		if _, direct := o.Solver.Must().(oracles.Cholesky); direct {
			return min(o.InnerIterations, 1) // one factorisation solves the one system
		}
		return untilBudget(o.Inner)
	case oracles.ProxLinear:
		return untilBudget(o.Inner)
	case oracles.HessianFree:
		if o.Tolerance == 0 {
			return o.InnerIterations
		}
	}
	return 0
}

func untilBudget(o oracles.Inner) int {
	if o.Tolerance > 0 || o.GapTolerance > 0 {
		return 0
	}
	return o.InnerIterations
}

func (s *stepper[T]) Step() {
	s.clock.Start()
	s.advance()
	s.step++
	s.clock.Stop()
	s.iterations += s.along.report.InnerIterations
}

func (s *stepper[T]) Check() error {
	if err := s.checkLoss("before"); err != nil {
		return err
	}
	switch r := &s.along.report; {
	case r.StopReason == oracles.StoppedNonFinite:
		return fmt.Errorf("the inner solve of step %d met a NaN or an infinity", s.step)
	case r.InnerIterations < s.least && strings.TrimSuffix(r.StopReason, oracles.Jitter) != oracles.StoppedBudget:
		return fmt.Errorf("the inner solve of step %d ended after %d of %d inner iterations (%s), though no tolerance is set: its time would be that of less work; give fewer inner_iterations, or a tolerance", s.step, r.InnerIterations, s.least, r.StopReason)
	}
	return nil
}

func (s *stepper[T]) CheckEnd() error {
	s.lin.Linearize(s.w, s.x)
	return s.checkLoss("after")
}

// checkLoss looks at the loss of the mini-batch that the outputs are of.
func (s *stepper[T]) checkLoss(when string) error {
	if h := s.losses.Mean(s.lin.Outputs(), s.y); !finite(h) {
		return fmt.Errorf("the batch loss is %g %s step %d", h, when, s.step)
	}
	return nil
}

func (s *stepper[T]) Done() bool { return s.done() }

func (s *stepper[T]) Work() Work {
	return Work{Steps: s.step, Seconds: s.clock.Seconds(), Counters: s.counters, InnerIterations: s.iterations, Optimizer: s.spent, Factored: s.factored, Elementwise: s.elementwise}
}

func (s *stepper[T]) Restart() error {
	initialize(s.w, s.of)
	s.step, s.iterations, s.clock, s.spent, s.factored, s.elementwise = 0, 0, clock.Clock{}, optim.Spent{}, clock.Work{}, 0
	s.order.batch(0) // shuffles the first epoch, as the step that warms up does
	s.resetOptimizer()
	return s.rewind()
}

func (s *stepper[T]) Threads() int { return s.pool.Threads() }

func (s *stepper[T]) Close() { s.end() }
