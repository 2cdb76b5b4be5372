package datasets

import (
	"fmt"
	"strconv"

	"github.com/dualgn/dgn/pkg/strict"
)

// An encoder turns labels or targets into vectors of length k.
type encoder struct {
	k, classes int
	enc        Encoding
	class      []int     // new class of each label
	scaling    []scaling // of each regression target
	echo       *echo     // makes targets of the inputs; nil: there are others
}

func newEncoder(raw *Raw, c Common, enc Encoding, train parts, in transform, reading map[string]string) (*encoder, error) {
	if c.Target || raw.Train.Labels == nil && raw.Train.K == 0 {
		if c.Binary != nil {
			return nil, strict.Field("binary", "does not apply: with target: %s there are no classes", targetInput)
		}
		to, err := newEcho(raw, enc, in)
		if err != nil {
			return nil, err
		}
		e := &encoder{k: raw.Train.Shape.Len(), enc: enc, echo: to}
		for j := range e.k {
			e.scaling = append(e.scaling, to.groups[j/to.area])
		}
		return e, nil
	}
	if raw.Classes == nil {
		if enc != Values && enc != Probabilities {
			return nil, fmt.Errorf("the targets are numbers, but the loss takes classes; use the loss squared or huber, or, for your own file, set data.task: classification")
		}
		if c.Binary != nil {
			return nil, strict.Field("binary", "does not apply to targets that are numbers; for classes in your own file set data.task: classification")
		}
		if enc == Probabilities {
			for _, part := range []*Examples{raw.Train, raw.Test} {
				if part == nil {
					continue
				}
				if err := part.checkUnit(); err != nil {
					return nil, err
				}
			}
		}
		e := &encoder{k: raw.Train.K, enc: enc}
		for j := range e.k {
			s := unscaled(1)
			if c.Standardize && enc == Values {
				var err error
				if s, err = standard(func(yield func(float64) bool) {
					for _, i := range train.index {
						if !yield(raw.Train.Targets[i*e.k+j]) {
							return
						}
					}
				}); err != nil {
					return nil, fmt.Errorf("target %d %w", j, err)
				}
				if s.constant() {
					return nil, fmt.Errorf("target %d is %g for every training example; there is nothing to learn", j, s.base+s.shift)
				}
			}
			e.scaling = append(e.scaling, s)
		}
		return e, nil
	}
	e := &encoder{classes: len(raw.Classes), enc: enc, class: upTo(len(raw.Classes))}
	if c.Binary != nil {
		if len(c.Binary) == 0 {
			return nil, strict.Field("binary", "the list is empty; name at least one label")
		}
		clear(e.class)
		for _, label := range c.Binary {
			l, err := raw.class(label)
			if err != nil {
				return nil, err
			}
			e.class[l] = 1
			if strconv.Itoa(l) != label {
				reading["binary"] = "labels of the file"
			}
		}
		e.classes = 2
	}
	e.k = e.classes
	if enc == PlusMinus || enc == Probabilities {
		if e.classes != 2 {
			more := ""
			if enc == Probabilities {
				more = "; for numbers in [0, 1] in your own file set data.task: regression"
			}
			return nil, fmt.Errorf("the loss takes two classes, the set has %d; say with binary: [...] which labels become class 1, or use the loss logistic%s", e.classes, more)
		}
		e.k = 1
	}
	seen := map[int]bool{}
	for _, i := range train.index {
		seen[e.class[raw.Train.Labels[i]]] = true
	}
	if len(seen) < 2 && c.Binary != nil {
		return nil, strict.Field("binary", "makes one class of all %d training examples; there is nothing to learn", len(train.index))
	}
	if len(seen) < 2 {
		return nil, fmt.Errorf("all %d training examples are of one class; there is nothing to learn", len(train.index))
	}
	return e, nil
}

// encode writes the target of example i.
func (e *encoder) encode(dst []float64, from *Examples, i int) {
	if e.class == nil {
		for j := range dst {
			dst[j] = e.scaling[j].apply(from.Targets[i*e.k+j])
		}
		return
	}
	class := e.class[from.Labels[i]]
	if e.enc == PlusMinus || e.enc == Probabilities {
		dst[0] = float64(2*class - 1)
		return
	}
	clear(dst)
	dst[class] = 1
}
