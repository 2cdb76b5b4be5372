package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Start holds weights that runs start from, whatever their seeds.
type Start struct {
	File, Sum string // Sum is its SHA-256
	Weights   []float64
}

// maxPath is the length in bytes that no path of a file reaches.
const maxPath = 4096

// readStart reads the weights to start from, nil if the config names none. What is
// wrong with the file is a *FileError that lists every array that does not fit.
func readStart(c *config.Config, n *nn.Net) (*Start, error) {
	file := c.Model.Start
	if file == "" {
		return nil, nil
	}
	wrong := func(err error) error { return &FileError{fmt.Errorf("model.init.file: %w", err)} }
	if len(file) > maxPath {
		return nil, wrong(fmt.Errorf("%s is longer than any path", strict.Plain(file)))
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrong(fmt.Errorf("there is no such file as %s; a relative path starts at the working directory", file))
	}
	if err != nil {
		return nil, wrong(err)
	}
	if !info.Mode().IsRegular() {
		return nil, wrong(fmt.Errorf("%s is no regular file", file))
	}
	w, err := nn.Load[float64](file, n)
	if err != nil {
		return nil, wrong(err)
	}
	largest := math.MaxFloat64
	if c.Precision == "float32" {
		largest = math.MaxFloat32
	}
	var errs []error
	for _, p := range n.Layout().Blocks {
		for i, v := range w[p.Offset : p.Offset+p.Len()] {
			if !(math.Abs(v) <= largest) {
				errs = append(errs, fmt.Errorf("%s: array %q holds %g at position %d, which is not finite in %s", file, p.Name, v, i, c.Precision))
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, wrong(err)
	}
	sum, err := runlog.PrefixSum(file, info.Size())
	if err != nil {
		return nil, wrong(err)
	}
	return &Start{file, sum, w}, nil
}

// A FileError says what is wrong with a file of arrays that the user gave.
type FileError struct{ err error }

func (e *FileError) Error() string { return e.err.Error() }
func (e *FileError) Unwrap() error { return e.err }

// FileErrorf returns a [FileError].
func FileErrorf(format string, args ...any) error { return &FileError{fmt.Errorf(format, args...)} }
