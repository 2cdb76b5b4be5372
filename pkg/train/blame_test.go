package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/runlog"
)

// rare is an equation whose right-hand side is no number near one corner.
type rare struct{ datasets.Equation }

func (r rare) Source(x, work []float64) float64 {
	if x[0]+x[1] > 1.9 {
		return math.NaN()
	}
	return r.Equation.Source(x, work)
}

// TestBlame: a run whose points are at fault, of a later drawing, says so and where.
func TestBlame(t *testing.T) {
	c := parse(t, "name: a\ndata: {name: poisson, interior: 20, boundary: 6, resample: 1, test_points: 9, valid_points: 9}\nmodel: {kind: mlp, hidden: [4], activation: tanh}\nloss: squared\ntrain: {epochs: 1000}\nevaluate: {every: 100}\nmethods: [{name: a, optimizer: {kind: sgd, learning_rate: 1e-6}}]\n")
	p := opened(t, c)
	s := *p.Set.Equation
	s.Equation = rare{s.Equation}
	p.Set.Equation = &s
	out, _ := output(t)
	end, err := Training{Problem: p, Method: &c.Methods[0], Threads: 1}.Run(context.Background(), out)
	if err != nil || end.Outcome != runlog.Diverged || !strings.Contains(end.Detail, "right-hand side is NaN at the point [0.9") && !strings.Contains(end.Detail, "right-hand side is NaN at the point [1") {
		t.Errorf("%+v, %v", end, err)
	}
}
