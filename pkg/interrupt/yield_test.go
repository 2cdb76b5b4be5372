//go:build unix

package interrupt

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestYield: SIGUSR1 ends a context, with its cause, and again it does nothing.
func TestYield(t *testing.T) {
	ctx, stop := OnYield(context.Background())
	defer stop()
	if err := Told(ctx, nil); err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	for range 3 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("the context does not end")
		}
	}
	if why := Reason(ctx); why != ErrYield.Error() {
		t.Errorf("the reason is %q", why)
	}
	if err := Told(ctx, ctx.Err()); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrYield) {
		t.Error(err)
	}
	other := errors.New("other")
	if err := Told(ctx, other); err != other {
		t.Error(err)
	}
}

// TestNoYield: a context that ended for another reason does not tell of a yield.
func TestNoYield(t *testing.T) {
	parent, cancel := context.WithCancel(context.Background())
	ctx, stop := OnYield(parent)
	cancel()
	if err := Told(ctx, ctx.Err()); !errors.Is(err, context.Canceled) || errors.Is(err, ErrYield) {
		t.Error(err)
	}
	stop()
}
