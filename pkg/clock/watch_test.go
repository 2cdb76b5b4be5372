package clock

import (
	"testing"
	"time"
)

// TestStopWatch: a long silence is a stop if a signal or the processor time says
// so, and a clock leaves out the part that lies in what it measured.
func TestStopWatch(t *testing.T) {
	start := time.Now()
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	for _, c := range []struct {
		name string
		gap  float64 // from second 1
		told bool
		used float64 // share of processor time
		want bool
	}{
		{"an ordinary beat", 0.02, false, 0, false},
		{"continued at once", 0.05, true, 0, false},
		{"stopped", 0.5, true, 0, true},
		{"stopped, with another thread late", 3, true, 0.5, true},
		{"a busy machine", 0.9, false, 0, false},
		{"a very busy machine", 5, false, 0.1, false},
		{"frozen", 5, false, 0.001, true},
	} {
		quit := make(chan struct{})
		w := &Watch{users: 1, quit: quit, heard: make(chan struct{}), beat: start}
		w.note(quit, at(0), at(1), false, time.Second)
		w.note(quit, at(1), at(1+c.gap), c.told, time.Duration(c.used*c.gap*float64(time.Second)))
		w.note(quit, at(1+c.gap), at(20), false, time.Second)
		for _, part := range []struct{ from, to float64 }{{0, 10}, {1, 1 + c.gap}, {1 + c.gap/2, 10}, {0, 1 + c.gap/4}, {0, 1}, {1 + c.gap, 10}} {
			want := min(part.to, 1+c.gap) - max(part.from, 1)
			if !c.want || want < 1e-12 {
				want = 0
			}
			got, times := w.During(at(part.from), at(part.to))
			if d := got.Seconds() - want; d > 1e-6 || d < -1e-6 || (times > 0) != (want > 0) {
				t.Errorf("%s: stopped %v from %g to %g, %d times, want %g s", c.name, got, part.from, part.to, times, want)
			}
		}
	}
}

// TestStopWatchWaits: what was measured up to a moment long after the last beat is
// not known before the next.
func TestStopWatchWaits(t *testing.T) {
	quit := make(chan struct{})
	start := time.Now()
	w := &Watch{users: 1, quit: quit, heard: make(chan struct{}), beat: start}
	go func() {
		time.Sleep(10 * time.Millisecond)
		w.note(quit, start, start.Add(time.Minute), true, 0)
	}()
	if got, n := w.During(start, start.Add(time.Minute)); got != time.Minute || n != 1 {
		t.Errorf("stopped %v, %d times", got, n)
	}
	c := Clock{Watch: w, since: start.Add(50 * time.Second)}
	if c.Stop(); c.Total > 0 {
		t.Errorf("the clock counts %v of a stop", c.Total)
	}
}

// TestStopWatchUses: the watch runs as long as somebody uses it.
func TestStopWatchUses(t *testing.T) {
	var w Watch
	for range 3 {
		one, two := w.Use(), w.Use()
		one()
		one()
		began := time.Now()
		for time.Since(began) < 2*silence { // beats go on
			if got, n := w.During(began, time.Now()); got != 0 || n != 0 {
				t.Fatalf("stopped %v, %d times", got, n)
			}
		}
		two()
		w.During(began, time.Now().Add(time.Hour)) // returns, though nothing is to be heard
	}
}
