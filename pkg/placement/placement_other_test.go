//go:build !linux

package placement

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// TestUnsupported: where threads cannot be bound every function says so, and round trips
// are those between CPUs that the system chooses.
func TestUnsupported(t *testing.T) {
	if _, err := Choose(1); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	if _, err := Bind([]int{0}); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	release, err := BindThread(0)
	if !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	release()
	if _, ok := LoadAverage(); ok {
		t.Error("a load that is not known")
	}
	if _, ok := Others(context.Background(), []int{0}, time.Millisecond); ok {
		t.Error("others that are not known")
	}
	ns, err := RoundTrip(0, 1)
	if one := runtime.GOMAXPROCS(0) < 2; one && !errors.Is(err, ErrOneCPU) || !one && (err != nil || !(ns > 1)) {
		t.Error(ns, err)
	}
}
