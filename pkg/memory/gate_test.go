package memory

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestGate: of runs made at the same time, as many are let in as fit together.
func TestGate(t *testing.T) {
	left := 1000 << 20
	gate := NewGate(func() (Limit, bool) { return Limit{Name: "the test", Left: left}, true })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	of := func(bytes int) Footprint { return Footprint{{"numbers", bytes}} }
	first, err := gate.Enter(ctx, of(400<<20))
	if err != nil {
		t.Fatal(err)
	}
	left = 500 << 20 // which the first run has taken
	second, err := gate.Enter(ctx, of(400<<20))
	if err != nil {
		t.Fatal(err)
	}
	if leave, err := gate.Enter(ctx, of(10)); err != nil { // of no weight
		t.Error(err)
	} else {
		leave()
	}
	third := make(chan error)
	go func() {
		leave, err := gate.Enter(ctx, of(400<<20))
		if err == nil {
			leave()
		}
		third <- err
	}()
	select {
	case err := <-third:
		t.Fatalf("a third run is let in: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	first()
	if err := <-third; err != nil {
		t.Error(err)
	}
	go func() {
		_, err := gate.Enter(ctx, of(900<<20))
		third <- err
	}()
	cancel()
	if err := <-third; !errors.Is(err, context.Canceled) {
		t.Errorf("an interruption while waiting: %v", err)
	}
	second()
	var fault *Error
	if _, err := gate.Enter(context.Background(), of(900<<20)); !errors.As(err, &fault) {
		t.Errorf("alone, and too large: %v", err)
	}
	if gate.running != 0 || gate.reserved != 0 {
		t.Errorf("%+v", gate)
	}
}
