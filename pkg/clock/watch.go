package clock

import (
	"sync"
	"time"
)

// A Watch notices when the process stood still: stopped by a signal (ctrl-Z,
// kill -STOP), frozen with its container, or paused with its virtual machine. A
// goroutine beats many times a second, and finds that it was not woken. The time
// of a suspended machine needs no care: clocks of Go do not count it.
//
// Long silence alone is not enough, since a busy machine may leave a process
// waiting: it was stopped if it was told to continue since (SIGCONT), or if it used
// no processor time meanwhile.
type Watch struct {
	mu    sync.Mutex
	beat  time.Time     // the last one
	heard chan struct{} // is closed at the next
	stops []span        // by time
	users int
	quit  chan struct{}
}

// Stops sums up how a process was stopped while it made a run.
type Stops struct {
	Number int           `json:"number"`
	Time   time.Duration `json:"nanoseconds"`
}

// A span is a time in which the process was stopped.
type span struct{ from, to time.Time }

const (
	beatEvery = 20 * time.Millisecond
	// A clock trusts that there was no stop within this time of the last beat, and
	// one of less than it is not looked for.
	silence = 5 * beatEvery
	// frozen is how long a process must have used no processor time, beside a
	// fiftieth of it, to have been stopped if no signal says so.
	frozen = time.Second
)

// Process watches this process, while it is in use.
var Process Watch

// Use starts the watch; the function that it returns ends that use.
func (w *Watch) Use() (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.users++; w.users == 1 {
		w.beat, w.heard, w.stops, w.quit = time.Now(), make(chan struct{}), nil, make(chan struct{})
		go w.run(w.quit)
	}
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.users--; w.users == 0 {
			close(w.quit)
			close(w.heard)
			w.quit = nil
		}
	})
}

func (w *Watch) run(quit chan struct{}) {
	continued, forget := notifyContinued()
	defer forget()
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	last, used := time.Now(), cpuTime()
	told := false
	for {
		select {
		case <-quit:
			return
		case <-continued:
			told = true
		case <-ticker.C:
		}
		now := time.Now()
		if now.Sub(last) >= silence && !told {
			// The signal and the tick come at the same time.
			select {
			case <-continued:
				told = true
			case <-time.After(beatEvery / 2):
			}
		}
		cpu := cpuTime()
		w.note(quit, last, now, told, cpu-used)
		last, used, told = time.Now(), cpu, false
	}
}

// note records a beat at now, the last being before it: the process was told to
// continue between them or not, and used so much processor time.
func (w *Watch) note(quit chan struct{}, last, now time.Time, told bool, used time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quit != quit {
		return // a late beat of a watch that has ended
	}
	gap := now.Sub(last)
	if told && gap >= silence || gap >= frozen && used < gap/50 {
		w.stops = append(w.stops, span{last, now})
	}
	w.beat = now
	close(w.heard)
	w.heard = make(chan struct{})
}

// During returns the time for which the process was stopped between two moments,
// and how often. Where the watch has not been heard of for so long that a stop may
// be behind it, it waits for the next beat.
func (w *Watch) During(from, to time.Time) (stopped time.Duration, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.users > 0 && to.Sub(w.beat) >= silence {
		heard := w.heard
		w.mu.Unlock()
		<-heard
		w.mu.Lock()
	}
	for i := len(w.stops) - 1; i >= 0 && w.stops[i].to.After(from); i-- {
		s := w.stops[i]
		if s.from.Before(from) {
			s.from = from
		}
		if s.to.After(to) {
			s.to = to
		}
		if d := s.to.Sub(s.from); d > 0 {
			stopped += d
			times++
		}
	}
	return stopped, times
}
