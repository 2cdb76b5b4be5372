package tensor

import (
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// pin binds each thread of a pool to a core of its own for as long as the calling
// goroutine lives: on a busy machine the system puts two threads on one core.
func pin(b *testing.B, p *Pool) {
	var here atomic.Int64
	p.forOn(p.Threads(), 1, func(worker, _, _ int) {
		for here.Add(1); here.Load() < int64(p.Threads()); { // so that each takes one part
			runtime.Gosched()
		}
		runtime.LockOSThread()
		var core unix.CPUSet
		core.Set(worker)
		if err := unix.SchedSetaffinity(0, &core); err != nil {
			b.Logf("threads are not bound to cores: %v", err)
		}
	})
}
