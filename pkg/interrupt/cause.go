package interrupt

import (
	"context"
	"errors"
)

// Cause returns the error of a context that has ended, nil of one that
// has not: it is the context's own, and its cause.
func Cause(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); err != nil && !errors.Is(cause, err) {
		return &causedError{err, cause}
	}
	return err
}

// A causedError is a context's error with the reason why it was ended.
type causedError struct{ err, cause error }

func (e *causedError) Error() string        { return e.err.Error() + ": " + e.cause.Error() }
func (e *causedError) Is(target error) bool { return errors.Is(e.err, target) }
func (e *causedError) Unwrap() error        { return e.cause }

// Reason says why a context ended: "" if somebody asked to
// stop and gave no reason.
func Reason(ctx context.Context) string {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause.Error()
	}
	return ""
}
