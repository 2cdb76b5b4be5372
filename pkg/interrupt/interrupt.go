// Package interrupt ends work that looks at no context.
package interrupt

import (
	"context"
	"time"
)

// grace is how long f has to clean up after itself.
const grace = 300 * time.Millisecond

// Return returns what f does, or the cause of ctx soon after that ends. Then f
// is left to itself, so it must not write what another may write after that: it
// is for reading, and for files that are replaced whole.
func Return[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(grace):
		var none T
		return none, context.Cause(ctx)
	}
}
