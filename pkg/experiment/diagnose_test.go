package experiment

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
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
		opt := options(t.TempDir())
		if r := run(t, c, opt); len(r.Failed) > 0 {
			t.Fatal(r.Failed)
		}
		steps, _ := rows(t, filepath.Join(opt.Out, "runs/sgd/0/steps.csv"))

		p, err := Open(c, opt.Data)
		if err != nil {
			t.Fatal(err)
		}
		tr := newTrainer[float64](c, &c.Methods[0], 0, p.Problem, p.Net, nil)
		tr.batch.Read(tr.problem.Train, tr.order.batch(0), tr.x, tr.y)
		lin := nn.NewLinearization[float64](p.Net, c.Train.BatchSize, nil)
		lin.Linearize(tr.w, tr.x)
		tr.oracle.Direction(tr.d, &oracles.Problem[float64]{Loss: tr.loss, Time: tr.time(0), Gradient: oracles.Batch[float64]{Jacobian: lin, Targets: tr.y}})
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
