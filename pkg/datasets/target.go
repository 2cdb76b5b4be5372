package datasets

import (
	"fmt"
	"slices"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// targetInput is what a config writes for inputs that are their own targets.
const targetInput = "input"

// An InputTarget says whether the target of an example is its input, as an autoencoder
// has it, whatever labels or targets a set has.
type InputTarget bool

func (t *InputTarget) UnmarshalStrict(v strict.Value) error {
	if text, ok := v.Text(); !ok || text != targetInput {
		return v.Errorf("expected %s, which makes each input its own target; left out, targets are those of the data set", targetInput)
	}
	*t = true
	return nil
}

func (t InputTarget) MarshalYAML() (any, error) {
	if t {
		return targetInput, nil
	}
	return "", nil
}

// A TableTarget is the columns of a table that are targets or, of an autoencoder, its
// inputs themselves.
type TableTarget struct {
	Columns Columns
	Input   bool
}

func (t *TableTarget) UnmarshalStrict(v strict.Value) error {
	*t = TableTarget{}
	if text, ok := v.Text(); ok && text == targetInput {
		t.Input = true
		return nil
	}
	return v.Decode(&t.Columns)
}

func (t TableTarget) MarshalYAML() (any, error) {
	if t.Input {
		return targetInput, nil
	}
	return t.Columns, nil
}

// outsideUnit reports whether a number is not in [0, 1].
func outsideUnit(v float64) bool { return !(v >= 0 && v <= 1) }

// What to do about targets outside [0, 1], and about inputs that are their own targets.
const (
	scaleTargets = "the loss takes targets in [0, 1]; use the loss squared or huber, or scale them"
	scaleInputs  = "target: input makes it a target, and the loss takes those in [0, 1]; use the loss squared or huber, or scale it in the file"
)

// checkUnit finds a target outside [0, 1], one of k of each example, or an input that is
// its own target.
func (e *Examples) checkUnit() error {
	values, what, hint := e.Targets, "target", scaleTargets
	if e.K == 0 && e.Labels == nil {
		values, what, hint = e.Values, "input", scaleInputs
	}
	i := slices.IndexFunc(values, outsideUnit)
	if i < 0 {
		return nil
	}
	width := len(values) / e.Len()
	return fmt.Errorf("%s %d of example %d is %g, but %s", what, i%width, i/width, values[i], hint)
}

// An echo makes the targets of inputs that are their own: of numbers in [0, 1] what they
// are, pixels divided by that of white; else the inputs as the network sees them.
type echo struct {
	transform
	tables []*kernel.ByteTable[float64] // of bytes
	fill   []float64                    // target 0 of each channel: the border of augmented images
}

func newEcho(raw *Raw, enc Encoding, in transform) (*echo, error) {
	if enc == OneHot || enc == PlusMinus {
		return nil, strict.Field("target", "%s makes numbers to predict of the inputs, but the loss takes classes; use the loss squared or huber, or binary_logistic for inputs in [0, 1]", targetInput)
	}
	t := &echo{transform: in}
	if enc == Probabilities {
		for _, e := range []*Examples{raw.Train, raw.Test} {
			if e == nil {
				continue
			}
			if err := (&Examples{Shape: e.Shape, Values: e.Values}).checkUnit(); err != nil {
				return nil, err
			}
		}
		t.transform = identityTransform(raw.Train)
	}
	if !slices.ContainsFunc(t.groups, func(s scaling) bool { return !s.constant() }) {
		return nil, fmt.Errorf("every input is the same for all training examples; with target: %s there is nothing to learn", targetInput)
	}
	for g := range t.groups {
		t.fill = append(t.fill, t.apply(0, g))
	}
	if raw.Train.Pixels != nil {
		t.tables = byteTables[float64](t.transform)
	}
	return t, nil
}

// note says what the targets are.
func (t *echo) note(enc Encoding, pixels, standardized bool) string {
	as := "as it is in the data"
	switch {
	case enc == Values && standardized:
		as = "standardised"
	case pixels:
		as = fmt.Sprintf("pixels divided by %g", t.groups[0].scale)
	}
	return "the target of each example is its input, " + as
}

// byteTables has the numbers that stand for the bytes of each channel.
func byteTables[T tensor.Float](t transform) (tables []*kernel.ByteTable[T]) {
	for g := range t.groups {
		var numbers [256]float64
		for v := range numbers {
			numbers[v] = t.apply(float64(v), g)
		}
		tables = append(tables, kernel.NewByteTable[T](numbers))
	}
	return tables
}

// read sets dst to the target of example i of a split; next is the one to come.
func (t *echo) read(dst []float64, s *Split, i, next int) {
	if t.tables != nil {
		lookUp(dst, s.pixels(i), s.pixels(next), t.tables, t.area)
		return
	}
	for j, v := range s.from.Values[s.index[i]*len(dst):][:len(dst)] {
		dst[j] = t.apply(v, j/t.area)
	}
}
