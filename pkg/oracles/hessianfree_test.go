package oracles

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestGoingBack: of the iterates that are kept, the direction is the first from the end behind
// which F rises, found with a forward pass for each that is looked at.
func TestGoingBack(t *testing.T) {
	back := 0
	for seed := range uint64(12) {
		spec, err := parse("{kind: hessian_free, gamma: 1e3, inner_iterations: 40, tolerance: 0}")
		if err != nil {
			t.Fatal(err)
		}
		l := losses.Logistic{}
		n, p := drawProblem[float64](l, 7, seed, nil)
		o := New[float64](spec, Site{Loss: l, Dims: n.Dims(7)}).(*hessianFree[float64])
		d := make([]float64, n.NumParams())
		r := o.Direction(d, p)
		var values []float64
		chosen := -1
		for i := range o.cg.n + 1 {
			x, q := o.cg.iterate(i)
			u := tensor.New[float64](7, p.Gradient.Outputs().Cols)
			p.Gradient.JVP(u, x)
			if want := quadratic(p, u) + dot(x, x)/2e3 - meanOf(p, p.Gradient.Outputs()); math.Abs(q-want) > 1e-9 {
				t.Errorf("seed %d: q of iterate %d is %g, want %g", seed, i, q, want)
			}
			values = append(values, meanOf(p, p.Gradient.OutputsAt(1, x)))
			if slices.Equal(x, d) {
				chosen = i
			}
		}
		want := o.cg.n
		for want > 0 && values[want-1] <= values[want] {
			want--
		}
		if chosen != want {
			t.Errorf("seed %d: iterate %d of %v, want %d", seed, chosen, values, want)
		}
		looks := o.cg.n - want + 1
		if want > 0 {
			looks++
		}
		if r.Counters.Forwards != looks {
			t.Errorf("seed %d: %d forward passes, want %d", seed, r.Counters.Forwards, looks)
		}
		if a := n.MultiplyAdds(); r.Counters.MultiplyAdds != 7*(a.Forward*int64(looks)+a.VJP*int64(r.Counters.VJPs)+a.JVP*int64(r.Counters.JVPs)) {
			t.Errorf("seed %d: %+v", seed, r.Counters)
		}
		if want < o.cg.n {
			back++
		}
	}
	if back == 0 {
		t.Error("nothing was gone back to: the test is too easy")
	}
}

// TestProgress: iterations end when the model gains less than asked, and not before as many as
// the rule looks back.
func TestProgress(t *testing.T) {
	s := &progressCG[float64]{q: make([]float64, 200)}
	for i := range s.q {
		s.q[i] = -1 + math.Exp(-float64(i)/5)
	}
	for i := range s.q {
		gained := (math.Exp(-float64(i-10)/5) - math.Exp(-float64(i)/5)) / (1 - math.Exp(-float64(i)/5))
		if want := i <= 10 || gained >= 10*5e-4; i <= 100 && s.progressed(i, 5e-4) != want {
			t.Errorf("after %d iterations: %t", i, !want)
		}
		if !s.progressed(i, 0) {
			t.Errorf("without a tolerance it ends after %d", i)
		}
	}
	if got, want := geometric(30), []int{1, 2, 3, 4, 5, 7, 9, 11, 14, 18, 24}; !slices.Equal(got, want) {
		t.Errorf("kept are %v, want %v", got, want)
	}
	if got := geometric(1); len(got) != 0 {
		t.Errorf("of one iteration %v", got)
	}
}

// TestWarmHessianFree: the second call starts from decay times the solution of the first, at one
// product more; a start that is worse than nothing does no harm.
func TestWarmHessianFree(t *testing.T) {
	l := losses.Squared{}
	n, p, _ := drawBatch[float64](l, 7, 5, nil)
	d := make([]float64, n.NumParams())
	bind := func(config string) *hessianFree[float64] {
		spec, err := parse(config)
		if err != nil {
			t.Fatal(err)
		}
		return New[float64](spec, Site{Loss: l, Dims: n.Dims(7)}).(*hessianFree[float64])
	}
	o := bind("{kind: hessian_free, gamma: 1, inner_iterations: 3, tolerance: 0, decay: 0.5, backtracking: false}")
	o.Direction(d, p)
	x := slices.Clone(o.cg.x)
	r := o.Direction(d, p)
	if r.Counters.JVPs != 4 || r.Counters.VJPs != 5 {
		t.Errorf("a warm start of 3 iterations takes %+v", r.Counters)
	}
	first := r.RelativeResidual
	cold := bind("{kind: hessian_free, gamma: 1, inner_iterations: 3, tolerance: 0, decay: 0, backtracking: false}")
	cold.Direction(d, p)
	if r := cold.Direction(d, p); !(first < r.RelativeResidual) || r.Counters.JVPs != 3 {
		t.Errorf("with the solution at hand the residual is %g, without %g", first, r.RelativeResidual)
	}

	// The start points uphill, and one iteration does not mend it.
	bad := bind("{kind: hessian_free, gamma: {levenberg_marquardt: {initial: 2}}, inner_iterations: 1, decay: 1}")
	tensor.Scale(nil, -1e6, x)
	if err := bad.Restore(map[string][]float64{stateSolution: x, stateGamma: {2}}); err != nil {
		t.Fatal(err)
	}
	r = bad.Direction(d, p)
	g := gradientOf(p, 0)
	tensor.Scale(nil, -2, g)
	if r.StopReason != StoppedSlope || !r.Fallback || distance(d, g) > 1e-12 || bad.gamma.current != 2/1.5 {
		t.Errorf("a bad start: %q, %g from the gradient step, gamma then %g", r.StopReason, distance(d, g), bad.gamma.current)
	}
	full := bad.Complete(true)
	u := tensor.New[float64](7, p.Gradient.Outputs().Cols)
	p.Gradient.JVP(u, d)
	if want := quadratic(p, u) - meanOf(p, p.Gradient.Outputs()); math.Abs(full.ModelChange-want) > 1e-9 {
		t.Errorf("the model of the gradient step changes by %g, want %g", full.ModelChange, want)
	}

	// What is not finite.
	p.Gradient.Outputs().Set(0, 0, math.NaN())
	if r := o.Direction(d, p); r.StopReason != StoppedNonFinite || tensor.Norm2(nil, d) != 0 || len(o.State()[stateSolution]) != 0 {
		t.Errorf("a NaN: %q, |d| = %g", r.StopReason, tensor.Norm2(nil, d))
	}
	good := maps.Clone(bad.State())
	for _, v := range []map[string][]float64{{}, {stateSolution: x[1:], stateGamma: {1}}, {stateSolution: nil}, {stateSolution: nil, stateGamma: {-1}}} {
		if bad.Restore(v) == nil {
			t.Errorf("%v is restored", v)
		}
	}
	if !slices.Equal(bad.State()[stateSolution], good[stateSolution]) || bad.gamma.current != good[stateGamma][0] {
		t.Error("a refused state changed the oracle")
	}
}

// TestHessianFreeRestoreRefuses: a state that does not fit is an error, and changes nothing.
func TestHessianFreeRestoreRefuses(t *testing.T) {
	_, _, _, o := walk(t, losses.Squared{}, "{kind: hessian_free, inner_iterations: 5}", 0.5, 0.5)
	h := o.(*hessianFree[float64])
	good := h.State()
	x := good[stateSolution]
	for _, c := range []struct {
		value []float64
		want  string
	}{
		{x[1:], fmt.Sprintf("has %d numbers, the model %d weights", len(x)-1, len(x))},
		{notFinite(x), "solution has a number that is not finite"},
	} {
		bad := maps.Clone(good)
		bad[stateSolution] = c.value
		if err := h.Restore(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	missing := maps.Clone(good)
	delete(missing, stateSolution)
	if err := h.Restore(missing); err == nil || !strings.Contains(err.Error(), "the state holds no solution") {
		t.Error(err)
	}
	for name, v := range h.State() {
		if !slices.Equal(v, good[name]) {
			t.Errorf("a refused state changed %s", name)
		}
	}
}
