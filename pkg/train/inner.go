package train

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
)

// An innerLog records inner solves for log: {inner: true}: their courses for
// inner.csv, and their dual variables for duals.npz. It is told of step 1 and of
// the last step before each evaluation.
type innerLog struct {
	trace   oracles.Trace
	duals   []arrays.Array    // m x k each, by increasing step
	pending bool              // there are some that duals.npz lacks
	file    runlog.FileRecord // duals.npz as it is on disk, zero if it is not
}

// recordInner records the solve of the step just made.
func (t *trainer[T]) recordInner() {
	for _, i := range t.inner.trace.Iterates {
		t.out.Log.Iterate(&runlog.Iterate{Step: t.step, Iteration: i.Iteration, RelativeResidual: i.RelativeResidual, DualityGap: i.Gap})
	}
	if o, ok := t.oracle.(oracles.DualOracle); ok {
		a := o.DualVariables()
		t.inner.duals = append(t.inner.duals, arrays.Floats(runlog.DualsName(t.step), []int{a.Rows, a.Cols}, slices.Clone(a.Flat())))
		t.inner.pending = true
	}
}

// saveDuals puts what there is so far into duals.npz.
func (t *trainer[T]) saveDuals() error {
	if t.inner == nil || !t.inner.pending {
		return nil
	}
	var b bytes.Buffer
	path := filepath.Join(t.out.Checkpoints.Dir, runlog.DualsFile)
	if err := arrays.WriteNPZ(&b, t.inner.duals); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := t.out.Checkpoints.Files.Replace(path, b.Bytes()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	t.inner.pending, t.inner.file = false, runlog.RecordOf(b.Bytes())
	return nil
}

// restoreDuals takes the dual variables out of a checkpoint's arrays. The file
// may be ahead of them, and is written anew.
func (t *trainer[T]) restoreDuals(c *checkpoint.Checkpoint) (rest []arrays.Array) {
	for _, a := range c.Arrays {
		if t.inner != nil && runlog.IsDuals(a.Name) {
			t.inner.duals = append(t.inner.duals, a)
			t.inner.pending = true
		} else {
			rest = append(rest, a)
		}
	}
	return rest
}
