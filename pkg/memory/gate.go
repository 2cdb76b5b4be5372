package memory

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/dualgn/dgn/pkg/size"
)

// A Gate lets runs in whose memory fits beside that of the runs at work. The Go
// runtime ends the whole program when memory runs out, so that a run that does not
// fit must not begin.
type Gate struct {
	left func() (Limit, bool)

	mu       sync.Mutex
	running  int   // runs let in, of those that count
	reserved int   // bytes of these
	before   Limit // what was left when there were none
	mapped   int   // bytes that the runtime held then
	changed  chan struct{}
}

// Process is the gate of the process.
var Process = NewGate(Left)

// NewGate returns a gate for the memory that a function says is left, if it knows.
func NewGate(left func() (Limit, bool)) *Gate { return &Gate{left: left} }

const (
	// Small is let in unseen: what it takes is less than what the estimate of
	// others may be wrong by.
	Small = 32 << 20

	// Estimates are of what is held. Allocation takes whole arenas of 64 MiB from
	// the system, and books of the heap an eighth at most.
	arena = 64 << 20
	share = 8
)

// An Error says that something does not fit in memory.
type Error struct {
	What  string // with its sizes
	Limit Limit
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s, and %s leaves %s; use a smaller model, train.batch_size or inner_iterations, or a machine with more memory", e.What, e.Limit.Name, size.Bytes(e.Limit.Left))
}

// wanted is the memory that must be left for a footprint.
func wanted(bytes int) int { return size.Sum(bytes, bytes/share, arena) }

// Fits returns an *[Error] if a footprint does not fit in what is left.
func (g *Gate) Fits(what string, f Footprint) error {
	n := f.Total()
	if n <= Small {
		return nil
	}
	left, ok := g.left()
	if ok && left.Left < wanted(n) { // garbage may be in the way
		debug.FreeOSMemory()
		left, ok = g.left()
	}
	if ok && left.Left < wanted(n) {
		return &Error{fmt.Sprintf("%s takes about %s of memory", what, f), left}
	}
	return nil
}

// Enter waits until a run fits beside those at work, and returns what to call at
// its end. It is an error if the run does not fit alone, or if ctx ends.
func (g *Gate) Enter(ctx context.Context, f Footprint) (leave func(), err error) {
	n := f.Total()
	if n <= Small {
		return func() {}, nil
	}
	for {
		g.mu.Lock()
		if g.running == 0 {
			if err := g.Fits("the run", f); err != nil {
				g.mu.Unlock()
				return nil, err
			}
			var ok bool
			if g.before, ok = g.left(); !ok {
				g.before.Left = math.MaxInt
			}
			g.mapped = mapped()
		}
		if g.running == 0 || wanted(size.Sum(g.reserved, n)) <= g.before.Left {
			g.running, g.reserved = g.running+1, size.Sum(g.reserved, n)
			g.collect()
			g.mu.Unlock()
			return func() { g.leave(n) }, nil
		}
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		wait := g.changed
		g.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (g *Gate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running, g.reserved = g.running-1, g.reserved-n
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// userLimit is the soft limit of the runtime that the user set with GOMEMLIMIT, a
// wish that ends no program.
var userLimit = debug.SetMemoryLimit(-1)

// collect makes the garbage collector keep the heap within what is left if runs take
// more than half of that: by itself it lets garbage grow as large as what is in use.
func (g *Gate) collect() {
	left, limit := g.before.Left, userLimit
	if left < math.MaxInt && g.reserved > left/2 {
		limit = min(limit, int64(g.mapped+left-left/(2*share)))
	}
	debug.SetMemoryLimit(limit)
}

// mapped is the memory that the runtime holds, as its limit counts it.
func mapped() int {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.Sys - s.HeapReleased)
}
