package experiment

import (
	"context"
	"fmt"
	"math"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Score is what a network achieves on one split: means over its examples. The
// weights of examples multiply the losses, and nothing else.
// NaN marks what does not apply.
type Score struct {
	Examples int // 0: there is no such split
	Loss     float64
	Accuracy float64 // fraction of right classes
	RMSE     float64 // of regression targets, in their own unit
}

var noScore = Score{0, math.NaN(), math.NaN(), math.NaN()}

// An Evaluation holds the scores of one moment of a run.
type Evaluation struct{ Train, Valid, Test Score }

// metric returns a score by its column name in metrics.csv.
func (e Evaluation) metric(name string) float64 {
	switch name {
	case "train_loss":
		return e.Train.Loss
	case "train_accuracy":
		return e.Train.Accuracy
	case "valid_loss":
		return e.Valid.Loss
	case "valid_accuracy":
		return e.Valid.Accuracy
	}
	panic("experiment: not a metric to stop on: " + name)
}

// diverged returns what is not finite in e, "" if all is well.
func (e Evaluation) diverged() string {
	for _, s := range []struct {
		name  string
		score Score
	}{{"train", e.Train}, {"valid", e.Valid}, {"test", e.Test}} {
		if s.score.Examples > 0 && !finite(s.score.Loss) {
			return fmt.Sprintf("%s loss is %g", s.name, s.score.Loss)
		}
	}
	return ""
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// evalChunk is the number of examples evaluated at a time; it is fixed, since
// the order of summation is part of a result's bits.
const evalChunk = 256

// An evaluator scores weights on the splits of a problem.
type evaluator[T tensor.Float] struct {
	problem *datasets.Problem
	loss    losses.Loss
	batch   *datasets.Batcher[T]
	lin     *nn.Linearization[T]
	x       tensor.Matrix[T]
	y       tensor.Matrix[float64]
	omega   []float64 // weights of the chunk, where the set has any

	train []int // the examples of the training split that are evaluated
}

func newEvaluator[T tensor.Float](c *Config, p *datasets.Problem, n *nn.Net, pool *tensor.Pool) *evaluator[T] {
	e := &evaluator[T]{
		problem: p, loss: c.Loss.Must(), batch: datasets.NewBatcher[T](pool),
		lin: nn.NewLinearization[T](n, evalChunk, pool),
		x:   tensor.New[T](evalChunk, p.Shape.Len()),
		y:   tensor.New[float64](evalChunk, p.Outputs), omega: make([]float64, evalChunk),
	}
	e.train = stream(c.Data.Common.SplitSeed, streamSubset).Perm(p.Train.Len())
	if n := c.Evaluate.TrainExamples; n > 0 && n < len(e.train) {
		e.train = e.train[:n]
	}
	return e
}

// evaluate scores the weights w. It gives up early, with ctx's error, when
// asked to.
func (e *evaluator[T]) evaluate(ctx context.Context, w []T) (Evaluation, error) {
	var out Evaluation
	for _, s := range []struct {
		to    *Score
		split *datasets.Split
		idx   []int
	}{{&out.Train, e.problem.Train, e.train}, {&out.Valid, e.problem.Valid, nil}, {&out.Test, e.problem.Test, nil}} {
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

func (e *evaluator[T]) score(ctx context.Context, w []T, split *datasets.Split, idx []int) (Score, error) {
	var loss, right, squares float64
	classes := e.problem.Classes > 0
	for lo := 0; lo < len(idx); lo += evalChunk {
		if err := ctx.Err(); err != nil {
			return noScore, err
		}
		chunk := idx[lo:min(lo+evalChunk, len(idx))]
		x, y := e.x.RowRange(0, len(chunk)), e.y.RowRange(0, len(chunk))
		e.batch.Read(split, chunk, x, y)
		z := e.lin.Linearize(w, x)
		weighted := losses.Weighted{Loss: e.loss, Omega: split.Omega(e.omega, chunk)}
		for i := range chunk {
			zi, yi := z.Row(i), y.Row(i)
			loss += weighted.ValueOf(i, zi, yi)
			if classes {
				if losses.Correct(e.loss, zi, yi) {
					right++
				}
				continue
			}
			for j := range zi {
				r := (zi[j] - yi[j]) * e.problem.TargetScale[j]
				squares += r * r
			}
		}
	}
	n := float64(len(idx))
	s := Score{Examples: len(idx), Loss: loss / n, Accuracy: math.NaN(), RMSE: math.NaN()}
	if classes {
		s.Accuracy = right / n
	} else {
		s.RMSE = math.Sqrt(squares / (n * float64(e.problem.Outputs)))
	}
	return s, nil
}
