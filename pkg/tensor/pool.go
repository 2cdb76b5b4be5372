package tensor

import (
	"runtime"
	"sync/atomic"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A Pool runs loops on a fixed number of threads. It belongs to one goroutine:
// loops do not nest and do not overlap. A nil Pool runs everything on the
// calling goroutine.
type Pool struct {
	threads int // that take part in loops
	spins   int // rounds of waiting before a thread sleeps
	busy    atomic.Bool
	work    loop
	workers []*worker // besides the caller
	closed  atomic.Bool

	args32 args[float32]
	args64 args[float64]
}

// A worker is a goroutine that waits for loops. Training starts one every few
// microseconds, so it first waits in a loop of its own, and then sleeps.
type worker struct {
	loops  atomic.Uint32 // told to it so far
	asleep atomic.Bool
	wake   chan struct{}
	_      [64]byte // its own cache line
}

// spinRounds times spinPauses is some 300 microseconds: more than the parts of a
// training step that run on one thread, and several times what it takes to wake a
// thread that sleeps.
const (
	spinRounds = 2000
	spinPauses = 8
)

// A loop is the one being run. Workers take chunks by counting next up, so a
// chunk's bounds never depend on who runs it.
type loop struct {
	n, grain int
	threads  int // that may take part
	next     atomic.Int64
	body     func(lo, hi int)         // one of the two
	on       func(worker, lo, hi int) // is told which thread it is on
	panicked atomic.Pointer[any]

	// door is the number of workers in the loop, plus shut once there is no chunk
	// left. The caller waits for those who came in, not for those who were told:
	// a processor may be busy with something else for longer than the loop takes.
	door atomic.Int64
}

const shut = 1 << 32

// NewPool returns a pool of so many threads, the caller's included.
func NewPool(threads int) *Pool { return NewPoolOn(threads, func(int) {}) }

// NewPoolOn is [NewPool] of threads besides the caller's that begin with a call of
// begin, which is told which of them it is on, from 1: it can bind them to CPUs. What a
// goroutine locks to its thread there goes with the pool.
func NewPoolOn(threads int, begin func(thread int)) *Pool {
	p := &Pool{threads: max(threads, 1)}
	p.work.door.Store(shut)
	if p.threads <= runtime.GOMAXPROCS(0) {
		p.spins = spinRounds
	}
	for i := range p.threads - 1 {
		w := &worker{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		go func() {
			begin(i + 1)
			for seen := uint32(0); ; {
				seen = w.wait(seen, p.spins)
				if p.closed.Load() {
					return
				}
				if p.work.enter() {
					if i+1 < p.work.threads { // and not one that was told of an earlier loop
						p.work.run(i + 1)
					}
					p.work.door.Add(-1)
				}
			}
		}()
	}
	return p
}

// wait returns, when the worker has been told of more loops than the first seen
// ones, how many they are by then.
func (w *worker) wait(seen uint32, spins int) uint32 {
	for {
		for range spins {
			if n := w.loops.Load(); n != seen {
				return n
			}
			kernel.Pause(spinPauses)
		}
		w.asleep.Store(true)
		// A loop told of before asleep was set wakes nobody, and is seen here.
		if n := w.loops.Load(); n != seen && w.asleep.CompareAndSwap(true, false) {
			return n
		}
		<-w.wake
		if n := w.loops.Load(); n != seen {
			return n
		}
	}
}

// tell announces a loop.
func (w *worker) tell() {
	w.loops.Add(1)
	if w.asleep.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

// Close ends the pool's goroutines. The pool must be idle.
func (p *Pool) Close() {
	if p == nil || p.closed.Swap(true) {
		return
	}
	for _, w := range p.workers {
		w.tell()
	}
}

// Threads returns the number of threads that take part in loops, 1 for a nil pool.
func (p *Pool) Threads() int {
	if p == nil {
		return 1
	}
	return p.threads
}

// Use makes the loops that follow run on the first so many threads of the pool, of which
// the others sleep. A number that the pool does not have panics.
func (p *Pool) Use(threads int) {
	if threads < 1 || threads > len(p.workers)+1 {
		panic("tensor: Use: the pool has not so many threads")
	}
	p.threads = threads
}

// For calls body(lo, hi) for the chunks [0, grain), [grain, 2 grain), ... of
// [0, n), the last one shorter, in any order and on several threads at once.
// The chunks do not depend on the number of threads. It allocates nothing; a
// body made in advance keeps the caller from allocating too. A panic of body
// comes back to the caller.
func (p *Pool) For(n, grain int, body func(lo, hi int)) { p.run(n, grain, body, nil) }

// forOn is For with a body that is told which thread runs it, from 0 to
// Threads()-1, so that it can use work space of its own.
func (p *Pool) forOn(n, grain int, body func(worker, lo, hi int)) { p.run(n, grain, nil, body) }

func (p *Pool) run(n, grain int, body func(lo, hi int), on func(worker, lo, hi int)) {
	if n <= 0 {
		return
	}
	if grain <= 0 {
		panic("tensor: For: grain must be positive")
	}
	chunks := (n + grain - 1) / grain
	if p == nil || p.threads == 1 || chunks == 1 {
		for lo := 0; lo < n; lo += grain {
			if body != nil {
				body(lo, min(lo+grain, n))
			} else {
				on(0, lo, min(lo+grain, n))
			}
		}
		return
	}
	if !p.busy.CompareAndSwap(false, true) {
		panic("tensor: For: loops of one pool must not nest or overlap")
	}
	w := &p.work
	w.n, w.grain, w.threads, w.body, w.on = n, grain, p.threads, body, on
	w.next.Store(0)
	w.door.Store(0)
	for _, h := range p.workers[:min(p.threads, chunks)-1] {
		h.tell()
	}
	w.run(0)
	w.door.Add(shut)
	for i := 0; w.door.Load() > shut; i++ {
		if i >= p.spins {
			runtime.Gosched()
			continue
		}
		kernel.Pause(spinPauses)
	}
	w.body, w.on = nil, nil
	p.busy.Store(false)
	if v := w.panicked.Swap(nil); v != nil {
		panic(*v)
	}
}

// enter reports whether there is a loop to take part in.
func (w *loop) enter() bool {
	for {
		n := w.door.Load()
		if n >= shut {
			return false
		}
		if w.door.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (w *loop) run(worker int) {
	defer func() {
		if v := recover(); v != nil {
			w.keep(v)
		}
	}()
	for {
		c := int(w.next.Add(1)) - 1
		lo := c * w.grain
		if lo >= w.n {
			return
		}
		if hi := min(lo+w.grain, w.n); w.body != nil {
			w.body(lo, hi)
		} else {
			w.on(worker, lo, hi)
		}
	}
}

// keep remembers the first panic. It is apart from run so that v moves to the
// heap only when there is one.
//
//go:noinline
func (w *loop) keep(v any) { w.panicked.CompareAndSwap(nil, &v) }

// ISA names the arithmetic kernels in use.
func ISA() string { return kernel.Active().String() + "/" + runtime.GOARCH }
