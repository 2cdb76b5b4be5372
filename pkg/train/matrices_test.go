package train

import (
	"bytes"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

// rowwise is an optimizer that sees matrices: it scales each row of a matrix to
// the mean of the norms that the row has had, which it keeps in float64 whatever
// the precision of the weights. Other blocks move along the direction.
type rowwise struct {
	LearningRate float64 `yaml:"learning_rate"`
}

func (o rowwise) Optimizers() optim.Optimizers {
	return optim.OptimizersOf(o, newRowwise[float32], newRowwise[float64])
}

type rowwiseOf[T tensor.Float] struct {
	rowwise
	layout tensor.Layout
	norms  map[string][]float64 // by block, a number for each row
	steps  int64
}

func newRowwise[T tensor.Float](o rowwise, l tensor.Layout, _ *tensor.Pool) optim.Optimizer[T] {
	r := &rowwiseOf[T]{rowwise: o, layout: l, norms: map[string][]float64{}}
	for _, b := range l.Blocks {
		if b.IsMatrix() {
			r.norms[b.Name] = make([]float64, b.Shape[0])
		}
	}
	return r
}

func (o *rowwiseOf[T]) Update(u, d, _ []T, _ schedules.Time) {
	o.steps++
	for _, b := range o.layout.Blocks {
		copy(tensor.Of(b, u), tensor.Of(b, d))
		if !b.IsMatrix() {
			tensor.Scale(nil, T(o.LearningRate), tensor.Of(b, u))
			continue
		}
		update := tensor.MatrixOf(b, u)
		for r, mean := range o.norms[b.Name] {
			norm := tensor.Norm2(nil, update.Row(r))
			o.norms[b.Name][r] += (norm - mean) / float64(o.steps)
			tensor.Scale(nil, T(o.LearningRate*o.norms[b.Name][r]/(norm+1e-12)), update.Row(r))
		}
	}
}

func (o *rowwiseOf[T]) ScalesDirection(schedules.Time) (float64, bool) { return 0, false }
func (o *rowwiseOf[T]) State() optim.State {
	return optim.State{Float64: o.norms, Steps: []*int64{&o.steps}}
}

// TestOptimizerOfMatrices: an optimizer that sees the blocks of the weights, with a
// state of other lengths and another precision, trains, and continues from a
// checkpoint with the same bits.
func TestOptimizerOfMatrices(t *testing.T) {
	c := parse(t, toy)
	c.Methods[0].Optimizer = config.Optimizer{Choice: registry.ChoiceOf(&optim.Known, "rowwise", rowwise{0.1}, func(o rowwise) (optim.Spec, error) { return o, nil })}
	p := opened(t, c)
	fresh := func() *trainer[float32] { return unloggedTrainer(c, p) }
	run := func(tr *trainer[float32], steps int) {
		for range steps {
			tr.advance()
			tr.step++
		}
	}
	whole, first, second := fresh(), fresh(), fresh()
	run(whole, 7)
	run(first, 3)
	first.evaluated = 0
	saved := first.checkpoint()
	saved.Number = 1
	data, err := saved.Encode()
	if err != nil {
		t.Fatal(err)
	}
	from, err := decode(bytes.Clone(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := second.restore(from); err != nil {
		t.Fatal(err)
	}
	run(second, 4)
	for i, w := range whole.w {
		if second.w[i] != w {
			t.Fatalf("weight %d is %g after a restart, and %g without", i, second.w[i], w)
		}
	}
	if start := fresh().w; tensor.Norm2(nil, start) == tensor.Norm2(nil, whole.w) {
		t.Error("nothing was trained")
	}
}
