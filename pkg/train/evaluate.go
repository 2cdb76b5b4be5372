package train

import (
	"context"
	"fmt"
	"math"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A score is what a network achieves on one split: means over its examples. The
// weights of examples multiply the losses, and nothing else.
// NaN marks what does not apply.
type score struct {
	examples int // 0: there is no such split
	loss     float64
	accuracy float64 // fraction of right classes
	rmse     float64 // of regression targets, in their own unit

	// At points where u is compared with the solution of an equation, in place of the others:
	// how far it is from that, also relative to its size.
	known        bool
	l2, relative float64
}

var noScore = score{loss: math.NaN(), accuracy: math.NaN(), rmse: math.NaN(), l2: math.NaN(), relative: math.NaN()}

// scores are those of one moment of a run.
type scores struct{ train, valid, test score }

// metric returns a score by its column name in metrics.csv.
func (s scores) metric(name string) float64 {
	switch name {
	case "train_loss":
		return s.train.loss
	case "train_accuracy":
		return s.train.accuracy
	case "valid_loss":
		return s.valid.loss
	case "valid_accuracy":
		return s.valid.accuracy
	case "valid_l2":
		return s.valid.l2
	}
	panic("train: not a metric to stop on: " + name)
}

// diverged returns what is not finite, "" if all is well.
func (s scores) diverged() string {
	for _, split := range []struct {
		name string
		score
	}{{"train", s.train}, {"valid", s.valid}, {"test", s.test}} {
		switch {
		case split.examples == 0:
		case split.known && !finite(split.l2):
			return fmt.Sprintf("%s L2 error is %g", split.name, split.l2)
		case !split.known && !finite(split.loss):
			return fmt.Sprintf("%s loss is %g", split.name, split.loss)
		}
	}
	return ""
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// An evaluator scores weights on the splits of a problem.
type evaluator[T tensor.Float] struct {
	data  *datasets.Set
	loss  losses.Loss
	batch *datasets.Batcher[T]
	lin   *nn.Linearization[T]
	x     tensor.Matrix[T]
	y     tensor.Matrix[float64]
	omega []float64 // weights of the chunk, where the set has any
	guess []float64 // the targets that a loss says the outputs predict

	train []int // the examples of the training split that are evaluated
}

func newEvaluator[T tensor.Float](c *config.Config, p *datasets.Set, n *nn.Net, pool *tensor.Pool) *evaluator[T] {
	e := &evaluator[T]{
		data: p, loss: c.Loss.Must(), batch: datasets.NewBatcher[T](pool),
		lin: nn.NewLinearization[T](n, problem.EvalChunk, pool),
		x:   tensor.New[T](problem.EvalChunk, p.Shape.Len()),
		y:   tensor.New[float64](problem.EvalChunk, p.Outputs), omega: make([]float64, problem.EvalChunk), guess: make([]float64, p.Outputs),
	}
	e.train = stream(c.Data.Common.SplitSeed.Value, streamSubset).Perm(p.Train.Len())
	if n := c.Evaluate.TrainExamples; n > 0 && n < len(e.train) {
		e.train = e.train[:n]
	}
	return e
}

// evaluate scores the weights w. It gives up early, with ctx's error, when
// asked to.
func (e *evaluator[T]) evaluate(ctx context.Context, w []T) (scores, error) {
	var out scores
	for _, s := range []struct {
		to    *score
		split *datasets.Split
		idx   []int
	}{{&out.train, e.data.Train, e.train}, {&out.valid, e.data.Valid, nil}, {&out.test, e.data.Test, nil}} {
		*s.to = noScore
		if s.split == nil {
			continue
		}
		if s.idx == nil {
			s.idx = make([]int, s.split.Len())
			for i := range s.idx {
				s.idx[i] = i
			}
		}
		var err error
		if *s.to, err = e.score(ctx, w, s.split, s.idx); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (e *evaluator[T]) score(ctx context.Context, w []T, split *datasets.Split, idx []int) (score, error) {
	var loss, right, squares, size float64
	classes := e.data.Classes > 0
	for lo := 0; lo < len(idx); lo += problem.EvalChunk {
		if err := ctx.Err(); err != nil {
			return noScore, err
		}
		chunk := idx[lo:min(lo+problem.EvalChunk, len(idx))]
		x, y := e.x.RowRange(0, len(chunk)), e.y.RowRange(0, len(chunk))
		e.batch.Read(split, chunk, x, y)
		z := e.lin.Linearize(w, x)
		weighted := losses.Weighted{Loss: e.loss, Omega: split.Omega(e.omega, chunk)}
		for i := range chunk {
			zi, yi := z.Row(i), y.Row(i)
			loss += weighted.ValueOf(i, zi, yi)
			if classes {
				if losses.Correct(zi, yi) {
					right++
				}
				continue
			}
			if l, ok := e.loss.(losses.Predictor); ok {
				l.Predict(e.guess, zi)
				zi = e.guess
			}
			for j := range zi {
				r := (zi[j] - yi[j]) * e.data.TargetScale[j]
				squares += r * r
				size += yi[j] * yi[j]
			}
		}
	}
	n := float64(len(idx))
	s := noScore
	s.examples, s.loss = len(idx), loss/n
	switch {
	case classes:
		s.accuracy = right / n
	case e.data.Equation == nil:
		s.rmse = math.Sqrt(squares / (n * float64(e.data.Outputs)))
	case split != e.data.Train:
		s.known, s.loss = true, math.NaN()
		s.l2, s.relative = math.Sqrt(squares/n), math.Sqrt(squares/size)
	}
	return s, nil
}
