package oracles

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestState is the conformance suite of what a checkpoint keeps: every oracle,
// with every trial setting and with every solver, adapting gamma and starting
// warm where it can, saved in the middle of a run and restored into one bound
// anew, continues with the same bits. It knows no oracle by name, and so finds
// one that remembers something in secret.
func TestState(t *testing.T) {
	matters := 0
	test := func(name string, spec Spec, l losses.Loss) {
		if spec.Check(l) != nil {
			return
		}
		t.Run(name, func(t *testing.T) {
			if continues[float64](t, spec, l) {
				matters++
			}
			continues[float32](t, spec, l)
		})
	}
	for _, kind := range Known.Names() {
		for i, trial := range Known.Entry(kind).Trials {
			for _, loss := range losses.Known.Names() {
				spec, err := trial()
				if err != nil {
					t.Fatal(err)
				}
				test(fmt.Sprintf("%s/%d/%s", kind, i, loss), spec, losses.Known.Default(loss).Must())
			}
		}
	}
	served, _ := combos()
	for _, c := range some(served) {
		for _, options := range [][]string{{"gamma: {levenberg_marquardt: {}}"}, {"warm_start: true"}, {"warm_start: true", "gamma: {levenberg_marquardt: {}}"}} {
			if spec, err := c.spec(options...); err == nil {
				test(c.String()+"/"+strings.Join(options, ","), spec, c.loss)
			}
		}
	}
	if matters < 20 {
		t.Errorf("only %d settings make an oracle whose state matters", matters)
	}
}

// continues runs an oracle for some mini-batches, and again with a change of
// oracles after each. It reports whether a change without the state shows.
func continues[T tensor.Float](t *testing.T, spec Spec, l losses.Loss) (matters bool) {
	const m, steps, examples = 7, 5, 12
	var n *nn.Net
	var problems [steps]*Subproblem[T]
	for i := range problems {
		// Weights and examples differ from step to step, and some come again.
		n, problems[i] = drawProblem[T](l, m, uint64(i), nil)
		problems[i].Time.Step = i
		addCurvature(spec, n, problems[i])
		problems[i].Gradient.Examples = rand.New(rand.NewPCG(uint64(i), 0)).Perm(examples)[:m]
	}
	bind := func() Oracle[T] { return New[T](spec, Site{Loss: l, Dims: n.Dims(m)}) }
	step := func(o Oracle[T], i int) (out []uint64) {
		d := make([]T, n.NumParams())
		r := o.Direction(d, problems[i])
		r = o.Complete(i%2 == 0)
		for _, v := range d {
			out = append(out, math.Float64bits(float64(v)))
		}
		for _, v := range []float64{r.Gamma, r.Slope, r.RelativeResidual, r.GradNorm, r.ModelChange, r.Gap, r.Primal, float64(r.InnerIterations), float64(r.Counters.MultiplyAdds)} {
			out = append(out, math.Float64bits(v))
		}
		return out
	}
	var want [steps][]uint64
	whole := bind()
	for i := range problems {
		want[i] = step(whole, i)
	}
	for _, cut := range []int{1, 3} {
		first, second, forgetful := bind(), bind(), bind()
		for i := range cut {
			step(first, i)
		}
		step(second, steps-1) // a warm-up, whose memory must not stay
		if s, ok := first.(Stateful); ok {
			if err := second.(Stateful).Restore(s.State()); err != nil {
				t.Fatal(err)
			}
			step(first, steps-1) // which must not touch what was restored
		} else {
			second = bind()
		}
		for i := cut; i < steps; i++ {
			if !slices.Equal(step(second, i), want[i]) {
				t.Errorf("restored after %d mini-batches, the oracle goes another way at %d", cut, i)
				return matters
			}
			matters = !slices.Equal(step(forgetful, i), want[i]) || matters
		}
	}
	return matters
}

// TestRestoreRefuses: a state that does not fit is an error, and changes nothing.
func TestRestoreRefuses(t *testing.T) {
	c := combo{"gauss_newton", "dual", "cg", "", losses.Known.Default("logistic").Must(), "logistic"}
	n, p := newProblem[float64](c.loss, 7, nil)
	o := c.bind(n, 7, "warm_start: true", "gamma: {levenberg_marquardt: {max: 100}}").(*dualGN[float64])
	d := make([]float64, n.NumParams())
	o.Direction(d, p)
	good := map[string][]float64{}
	for k, v := range o.State() {
		good[k] = slices.Clone(v)
	}
	if len(good) != 2 {
		t.Fatalf("the state is %v", good)
	}
	for _, c := range []struct {
		key   string
		value []float64
		want  string
	}{
		{"gamma", nil, "expected one number from 1e-06 to 100"},
		{"gamma", []float64{1, 1}, "expected one number"},
		{"gamma", []float64{101}, "gamma is [101]"},
		{"gamma", []float64{math.NaN()}, "gamma is [NaN]"},
		{"duals", make([]float64, 4), "4 dual variables, which is not a multiple of the 3"},
		{"more", nil, "the oracle remembers [duals, gamma], the state holds [duals, gamma, more]"},
	} {
		bad := maps.Clone(good)
		bad[c.key] = c.value
		if err := o.Restore(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v\n  says %v\n  want %s", c.key, c.value, err, c.want)
		}
	}
	if err := o.Restore(map[string][]float64{}); err == nil {
		t.Error("an empty state is restored")
	}
	if now := o.State(); !slices.Equal(now["gamma"], good["gamma"]) || !slices.Equal(now["duals"], good["duals"]) {
		t.Error("a refused state changed the oracle")
	}
}
