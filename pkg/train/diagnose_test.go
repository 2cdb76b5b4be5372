package train

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestLogIsOfTheStep: what the log says of a step holds at the weights that the
// step started from, whatever the update made of them since.
func TestLogIsOfTheStep(t *testing.T) {
	for _, oracle := range []string{
		"{kind: gradient}", "{kind: gradient, weight_decay: 0.1}",
		"{kind: gauss_newton}", "{kind: gauss_newton, weight_decay: 0.05}", "{kind: gauss_newton, inner_iterations: 0}",
		"{kind: gauss_newton, formulation: primal}",
		"{kind: prox_linear, gamma: 3}", "{kind: prox_linear, gamma: 3, weight_decay: 0.2}", "{kind: prox_linear, formulation: primal}",
	} {
		c := parse(t, toy, "precision=float64", "seeds=[0]", "train.epochs=1", "log.gap=true", "model.activation=tanh",
			"methods.SGD.oracle="+oracle, "methods.SGD.optimizer={kind: sgd, learning_rate: 1}")
		_, dir := trained(t, c, 0)
		steps, _ := steps(t, dir)

		p := opened(t, c)
		tr := newTrainer[float64](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
		tr.batch.Read(tr.data.Train, tr.order.batch(0), tr.x, tr.y)
		lin := nn.NewLinearization[float64](p.Net, c.Train.BatchSize, nil)
		lin.Linearize(tr.w, tr.x)
		tr.oracle.Direction(tr.d, &oracles.Subproblem[float64]{Loss: tr.loss, Time: tr.time(), Gradient: oracles.Batch[float64]{Jacobian: lin, Targets: tr.y}})
		r := tr.oracle.Complete(true)
		for column, want := range map[string]float64{"grad_norm": r.GradNorm, "slope": r.Slope, "duality_gap": r.Gap} {
			if math.IsNaN(want) {
				if got := steps[column][0]; got != "" {
					t.Errorf("%s: %s is %s, but does not apply", oracle, column, got)
				}
				continue
			}
			if got := number(t, steps[column][0]); math.Abs(got-want) > 1e-10*math.Abs(want) {
				t.Errorf("%s: %s of the first step is %.12g, want %.12g", oracle, column, got, want)
			}
		}
	}
}

// TestSlopeIsTimedWork: what a line search asks for is the same work inside the
// clock whatever the log asks for. Every oracle gives its slope without being
// diagnosed, with the bits of the diagnosis; the log of a step leaves that of the
// line search alone.
func TestSlopeIsTimedWork(t *testing.T) {
	for _, kind := range oracles.Known.Names() {
		for i := range oracles.Known.Entry(kind).Trials {
			spec, err := oracles.Known.Entry(kind).Trials[i]()
			if err != nil {
				t.Fatal(err)
			}
			c := parse(t, toy, "precision=float64", "methods.SGD.line_search=armijo")
			p := opened(t, c)
			tr := newTrainer[float64](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
			tr.setOracle(spec)
			diagnosed := &counting[float64]{Oracle: tr.oracle}
			tr.oracle = diagnosed
			if _, ok := diagnosed.Oracle.(oracles.Sloper); ok {
				tr.oracle = &sloping[float64]{counting: diagnosed}
			}
			tr.direct()
			slope := tr.along.Slope()
			if diagnosed.calls != 0 || math.IsNaN(slope) {
				t.Errorf("%s, trial %d: slope %g after %d diagnoses", kind, i, slope, diagnosed.calls)
			}
			again := diagnosed.Oracle.Complete(false)
			if rate, _ := tr.optimizer.ScalesDirection(tr.now); slope != rate*again.Slope {
				t.Errorf("%s, trial %d: slope %g, diagnosed %g", kind, i, slope, rate*again.Slope)
			}
		}
	}
	// With every step logged the line search still works for itself.
	var slopes [2]int
	for i, every := range []int{1, 1000} {
		c := parse(t, toy, "seeds=[0]", fmt.Sprintf("log.every=%d", every), "methods.SGD.line_search=armijo")
		p := opened(t, c)
		tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
		s := &sloping[float32]{counting: &counting[float32]{Oracle: tr.oracle}}
		tr.oracle = s
		train(t, tr)
		slopes[i] = s.slopes
	}
	if slopes[0] != 13 || slopes[1] != 13 { // 12 steps and the warm-up's
		t.Errorf("the line search asked the oracle for %v slopes", slopes)
	}
}

// train runs a trainer to its end.
func train[T tensor.Float](t *testing.T, tr *trainer[T]) {
	t.Helper()
	tr.out, _ = output(t)
	if outcome, _, err := tr.train(context.Background()); outcome != runlog.Finished || err != nil {
		t.Fatal(outcome, err)
	}
	if err := tr.out.Log.Close(); err != nil {
		t.Fatal(err)
	}
}

// counting counts how often an oracle is diagnosed.
type counting[T tensor.Float] struct {
	oracles.Oracle[T]
	calls int
}

func (c *counting[T]) Complete(gap bool) oracles.Report {
	c.calls++
	return c.Oracle.Complete(gap)
}

// sloping counts how often an oracle is asked for a slope.
type sloping[T tensor.Float] struct {
	*counting[T]
	slopes int
}

func (s *sloping[T]) Slope() float64 {
	s.slopes++
	return s.Oracle.(oracles.Sloper).Slope()
}

// TestWarmUpIsForgotten: after the warm-up every oracle, with every optimizer and
// a line search, goes on with the bits of one that was never used.
func TestWarmUpIsForgotten(t *testing.T) {
	for _, optimizer := range []string{"{kind: sgd, learning_rate: 0.5}", "{kind: sgd, learning_rate: 0.1, momentum: 0.9}", "{kind: adam}"} {
		c := parse(t, toy, "methods.SGD.line_search=armijo", "methods.SGD.optimizer="+optimizer)
		p := opened(t, c)
		for _, kind := range oracles.Known.Names() {
			for i := range oracles.Known.Entry(kind).Trials {
				spec, err := oracles.Known.Entry(kind).Trials[i]()
				if err != nil {
					t.Fatal(err)
				}
				var ends [2]string
				for j := range ends {
					tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, nil)
					tr.setOracle(spec)
					if j == 1 {
						if err := tr.warmUp(); err != nil {
							t.Fatal(err)
						}
					}
					for tr.step = range 8 {
						tr.advance()
					}
					ends[j] = fmt.Sprint(tr.w, tr.counters, tr.gradientSteps)
				}
				if ends[0] != ends[1] {
					t.Errorf("%s, trial %d, %s: a warm-up changes the run", kind, i, optimizer)
				}
			}
		}
	}
}

// TestFirstStepAllocates: after the warm-up the first step finds its work space.
func TestFirstStepAllocates(t *testing.T) {
	c := parse(t, toy, "model.hidden=[100]", "methods.SGD.optimizer={kind: sgd, momentum: 0.9}", "methods.SGD.oracle={kind: gauss_newton, formulation: primal}")
	p := opened(t, c)
	pool := tensor.NewPool(1)
	defer pool.Close()
	tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0], Seed: 0}, pool)
	if err := tr.warmUp(); err != nil {
		t.Fatal(err)
	}
	var allocated [2]uint64
	for i := range allocated {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tr.advance()
		runtime.ReadMemStats(&after)
		allocated[i] = after.TotalAlloc - before.TotalAlloc
	}
	if allocated[0] > allocated[1]+uint64(len(tr.w)) { // one vector takes four times that
		t.Errorf("the first step allocates %d bytes, the second %d, with %d weights", allocated[0], allocated[1], len(tr.w))
	}
}
