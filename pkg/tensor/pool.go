package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Pool runs loops on a fixed number of threads. It belongs to one goroutine:
// loops do not nest and do not overlap. A nil Pool runs everything on the
// calling goroutine.
type Pool struct {
	threads int
	busy    atomic.Bool
	work    loop
	wake    []chan struct{} // one for each worker besides the caller
	done    sync.WaitGroup
	closed  bool

	args32 args[float32]
	args64 args[float64]
}

// A loop is the one being run. Workers take chunks by counting next up, so a
// chunk's bounds never depend on who runs it.
type loop struct {
	n, grain int
	next     atomic.Int64
	body     func(lo, hi int)
	panicked atomic.Pointer[any]
}

// NewPool returns a pool of so many threads, the caller's included.
func NewPool(threads int) *Pool {
	p := &Pool{threads: max(threads, 1)}
	for range p.threads - 1 {
		wake := make(chan struct{}, 1)
		p.wake = append(p.wake, wake)
		go func() {
			for range wake {
				p.work.run()
				p.done.Done()
			}
		}()
	}
	return p
}

// Close ends the pool's goroutines. The pool must be idle.
func (p *Pool) Close() {
	if p == nil || p.closed {
		return
	}
	p.closed = true
	for _, w := range p.wake {
		close(w)
	}
}

// Threads returns the number of threads, 1 for a nil pool.
func (p *Pool) Threads() int {
	if p == nil {
		return 1
	}
	return p.threads
}

// For calls body(lo, hi) for the chunks [0, grain), [grain, 2 grain), ... of
// [0, n), the last one shorter, in any order and on several threads at once.
// The chunks do not depend on the number of threads. It allocates nothing; a
// body made in advance keeps the caller from allocating too. A panic of body
// comes back to the caller.
func (p *Pool) For(n, grain int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	if grain <= 0 {
		panic("tensor: For: grain must be positive")
	}
	chunks := (n + grain - 1) / grain
	if p == nil || p.threads == 1 || chunks == 1 {
		for lo := 0; lo < n; lo += grain {
			body(lo, min(lo+grain, n))
		}
		return
	}
	if !p.busy.CompareAndSwap(false, true) {
		panic("tensor: For: loops of one pool must not nest or overlap")
	}
	w := &p.work
	w.n, w.grain, w.body = n, grain, body
	w.next.Store(0)
	helpers := min(len(p.wake), chunks-1)
	p.done.Add(helpers)
	for _, wake := range p.wake[:helpers] {
		wake <- struct{}{}
	}
	w.run()
	p.done.Wait()
	w.body = nil
	p.busy.Store(false)
	if v := w.panicked.Swap(nil); v != nil {
		panic(*v)
	}
}

func (w *loop) run() {
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
		w.body(lo, min(lo+w.grain, w.n))
	}
}

// keep remembers the first panic. It is apart from run so that v moves to the
// heap only when there is one.
//
//go:noinline
func (w *loop) keep(v any) { w.panicked.CompareAndSwap(nil, &v) }

// ISA names the arithmetic kernels in use.
func ISA() string { return "gonum/" + runtime.GOARCH }
