package cli

import (
	"errors"
	"fmt"
	"io"
)

// output is the standard output. It keeps its first error, which comes back from
// every later write, so that none is lost where a caller does not look, and run
// tells of it once.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(b)
	if err != nil {
		o.err = outputError{err}
	}
	return n, o.err
}

// An outputError says that results could not be printed.
type outputError struct{ err error }

func (e outputError) Error() string {
	return fmt.Sprintf("cannot write to the standard output: %v", e.err)
}
func (e outputError) Unwrap() error { return e.err }

// told returns what a command returned with the error of its output in it, once.
func (o *output) told(err error) error {
	if o.err == nil {
		return err
	}
	var rest []error
	for _, e := range parts(err) {
		if e != nil && !errors.As(e, new(outputError)) {
			rest = append(rest, e)
		}
	}
	return errors.Join(append(rest, o.err)...)
}
