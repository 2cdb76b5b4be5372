package arrays

import (
	"errors"
	"fmt"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A Header is what a file says of an array before its elements are read. It may
// claim anything.
type Header struct {
	Name  string
	Shape []int

	kind   kind
	memory int64 // bytes of the elements, as they are kept
}

// Len returns the number of elements.
func (h Header) Len() int { return int(h.memory) / h.kind.memory }

// Bytes returns how many bytes the elements take, as they are kept.
func (h Header) Bytes() int64 { return h.memory }

// A Check is told of every array of a file, in file order, before any elements
// are read. An error refuses the file; ErrSkip leaves the array out.
type Check func(Header) error

// ErrSkip is the error of a Check that leaves an array out.
var ErrSkip = errors.New("leave this array out")

// MaxBytes bounds the elements of all arrays of a file, in memory. A Check of
// what is expected is a better bound.
const MaxBytes = 8 << 30

// maxDims is the most dimensions that NumPy's arrays have.
const maxDims = 64

// newHeader checks what a file claims: that elements of that kind fill size
// bytes.
func newHeader(name string, shape []int, k kind, size int64) (Header, error) {
	if len(shape) > maxDims {
		return Header{}, fmt.Errorf("array %.60q: it has %d dimensions; at most %d are read", name, len(shape), maxDims)
	}
	n, ok := elements(shape)
	if !ok || int64(n)*int64(k.size) != size {
		return Header{}, fmt.Errorf("array %.60q: its shape %.80s needs %d-byte elements that do not fit its %d bytes", name, fmt.Sprint(shape), k.size, size)
	}
	return Header{name, shape, k, int64(n) * int64(k.memory)}, nil
}

// A gate lets the arrays of a file pass that are wanted, as long as they are
// not too large together.
type gate struct {
	checks []Check
	total  int64
}

func (g *gate) pass(h Header) (wanted bool, err error) {
	for _, check := range g.checks {
		if err := check(h); err == ErrSkip {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	if g.total += h.memory; g.total > MaxBytes {
		return false, fmt.Errorf("array %.60q: with it the arrays are longer than %s, the most that is read", h.Name, diskfile.Size(MaxBytes))
	}
	return true, nil
}
