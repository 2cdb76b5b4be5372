package experiment

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/oracles"
)

// innerHeader are the columns of inner.csv.
var innerHeader = []string{"step", "iteration", "relative_residual", "duality_gap"}

// An innerLog records inner solves for log: {inner: true}: their courses for
// inner.csv, and their dual variables for duals.npz. It is told of step 1 and of
// the last step before each evaluation.
type innerLog struct {
	trace   oracles.Trace
	duals   []arrays.Array // m x k each, by increasing step
	pending bool           // there are some that duals.npz lacks
	file    FileRecord     // duals.npz as it is on disk, zero if it is not
}

// arrayDuals begins the names of dual variables, in checkpoints and in duals.npz:
// the step follows.
const arrayDuals = "alpha_"

// solves reports whether the oracle of a method has an inner solve to record.
func (m *Method) solves() bool {
	_, closed := m.Oracle.Must().(oracles.Gradient)
	return !closed
}

// recordInner records the solve of the step just made.
func (t *trainer[T]) recordInner() {
	for _, i := range t.inner.trace.Iterates {
		t.logs.iterate(t.step, i)
	}
	if o, ok := t.oracle.(oracles.DualOracle); ok {
		a := o.DualVariables()
		t.inner.duals = append(t.inner.duals, arrays.Floats(fmt.Sprint(arrayDuals, t.step), []int{a.Rows, a.Cols}, slices.Clone(a.Flat())))
		t.inner.pending = true
	}
}

// iterate writes a row of inner.csv.
func (l *logs) iterate(step int, i oracles.Iterate) {
	t := l.inner
	t.int(int64(step))
	t.int(int64(i.Iteration))
	t.optional(i.RelativeResidual)
	t.optional(i.Gap)
	t.write()
}

// saveDuals puts what there is so far into duals.npz.
func (t *trainer[T]) saveDuals() error {
	if t.inner == nil || !t.inner.pending {
		return nil
	}
	var b bytes.Buffer
	path := filepath.Join(t.keep.dir, "duals.npz")
	if err := arrays.WriteNPZ(&b, t.inner.duals); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := t.keep.files.Replace(path, b.Bytes()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	t.inner.pending, t.inner.file = false, recordOf(b.Bytes())
	return nil
}

// restoreDuals takes the dual variables out of a checkpoint's arrays. The file
// may be ahead of them, and is written anew.
func (t *trainer[T]) restoreDuals(c *checkpoint) (rest []arrays.Array) {
	for _, a := range c.arrays {
		if t.inner != nil && strings.HasPrefix(a.Name, arrayDuals) {
			t.inner.duals = append(t.inner.duals, a)
			t.inner.pending = true
		} else {
			rest = append(rest, a)
		}
	}
	return rest
}
