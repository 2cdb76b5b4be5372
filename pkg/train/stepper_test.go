package train

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// solving is toy with methods that remember steps, and solve.
var solving = []string{
	"train.batch_size=20", "train.epochs=1", "log={inner: true}",
	"methods=[{name: GN, oracle: {kind: gauss_newton, inner_iterations: 3, gamma: {levenberg_marquardt: {}}, warm_start: true}, optimizer: {kind: adam}, line_search: armijo}]",
}

// TestStepper: a Stepper makes the steps of a run with the same bits, and again after a
// restart, in either precision.
func TestStepper(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		c := parse(t, toy, append(slices.Clone(solving), "precision="+precision)...)
		p := opened(t, c)
		_, dir := trained(t, c, 0)
		want, err := nn.Load[float64](filepath.Join(dir, runlog.ParamsFile), p.Net)
		if err != nil {
			t.Fatal(err)
		}
		of := Training{Problem: p, Method: &c.Methods[0], Threads: 1}
		s, err := of.Stepper()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		columns, _ := steps(t, dir)
		for range 2 {
			n := 0
			for ; !s.Done(); n++ {
				s.Step()
				if err := s.Check(); err != nil {
					t.Fatal(err)
				}
			}
			var have []float64
			switch s := s.(type) {
			case *stepper[float32]:
				have = make([]float64, len(s.w))
				tensor.Convert(have, s.w)
			case *stepper[float64]:
				have = s.w
			}
			if n != 15 || !slices.Equal(have, want) {
				t.Errorf("%s: %d steps end at other weights than those of the run", precision, n)
			}
			work := s.Work()
			if work.Steps != n || work.InnerIterations != 3*n || work.Seconds <= 0 {
				t.Errorf("%s: %+v", precision, work)
			}
			if got := number(t, columns["multiply_adds"][n-1]); got != float64(work.Counters.MultiplyAdds) {
				t.Errorf("%s: %d multiply-adds, %g in the log", precision, work.Counters.MultiplyAdds, got)
			}
			if err := s.CheckEnd(); err != nil {
				t.Error(err)
			}
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			if s.Work() != (Work{}) || s.Done() {
				t.Errorf("%s: after a restart %+v", precision, s.Work())
			}
		}
		if !c.Log.Inner {
			t.Error("the Stepper changed the config")
		}
	}
}

// TestStepperChecks: a step that did not do its work is an error.
func TestStepperChecks(t *testing.T) {
	gn := func(oracle string) string {
		return "methods=[{name: GN, oracle: {kind: " + oracle + "}, optimizer: {kind: sgd, learning_rate: 1}}]"
	}
	for _, c := range []struct{ method, want string }{
		{gn("gauss_newton, inner_iterations: 4"), ""},
		{gn("gauss_newton, inner_iterations: 0"), ""},
		{gn("gauss_newton, solver: cholesky, inner_iterations: 10"), ""},
		{gn("gauss_newton, inner_iterations: 900, tolerance: 0.01"), ""},
		{gn("gauss_newton, inner_iterations: 900"), "the inner solve of step 1 ended after"},
		{gn("gauss_newton, formulation: primal, inner_iterations: 900"), " of 900 inner iterations ("},
		{gn("prox_linear, inner_iterations: 4"), ""},
		{gn("prox_linear, inner_iterations: 900"), "give fewer inner_iterations, or a tolerance"},
		{gn("prox_linear, inner_iterations: 900, gap_tolerance: 0.01"), ""},
		{"methods=[{name: SGD, optimizer: {kind: sgd, learning_rate: 1e30}}]", "the batch loss is NaN before step 2"},
	} {
		conf := parse(t, toy, "train.batch_size=5", c.method)
		s, err := Training{Problem: opened(t, conf), Method: &conf.Methods[0], Threads: 1}.Stepper()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Step()
		err = s.Check()
		if err == nil {
			s.Step()
			err = s.Check()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %q", c.method, err, c.want)
		}
	}
}

// TestStepperCheckEnd: what a last step leaves is looked at.
func TestStepperCheckEnd(t *testing.T) {
	c := parse(t, toy)
	s, err := Training{Problem: opened(t, c), Method: &c.Methods[0], Threads: 2}.Stepper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Step()
	if err := s.CheckEnd(); err != nil || s.Threads() != 2 {
		t.Error(err, s.Threads())
	}
	s.(*stepper[float32]).w[0] = float32(math.NaN())
	if err := s.CheckEnd(); err == nil || err.Error() != "the batch loss is NaN after step 1" {
		t.Error(err)
	}
}
