// Package placement says where the threads of this process run: it binds them to CPUs,
// measures how far these are apart, and tells how busy others keep them. Steps of small
// networks hand work from core to core every few microseconds, so that two threads on
// cores that are far apart may take twice the time of one.
//
// Threads are bound, and the load is known, on Linux only; elsewhere functions say so.
package placement

import (
	"errors"
	"fmt"
	"runtime"
)

// ErrUnsupported says that this system lets no program bind its threads to CPUs, or none
// that this package knows how to.
var ErrUnsupported = errors.New("threads cannot be bound to CPUs on " + runtime.GOOS)

// Choose returns n of the CPUs that the process may use, by their numbers: those of
// different cores before second ones of the same core. The error is [ErrUnsupported], or
// that there are fewer.
func Choose(n int) ([]int, error) {
	cpus, err := allowed()
	if err != nil {
		return nil, err
	}
	if n > len(cpus) {
		return nil, fmt.Errorf("%d threads need %d CPUs of their own, and the process may use %d", n, n, len(cpus))
	}
	return distinct(cpus, coreOf)[:n], nil
}

// distinct reorders CPUs so that the first of each core come first.
func distinct(cpus []int, core func(cpu int) string) []int {
	var first, second []int
	seen := map[string]bool{}
	for _, c := range cpus {
		if at := core(c); !seen[at] {
			seen[at] = true
			first = append(first, c)
		} else {
			second = append(second, c)
		}
	}
	return append(first, second...)
}

// Bind binds all threads of the process to some CPUs, and those that it starts later,
// until release, which lets them run where they could before. The error is
// [ErrUnsupported], or that of the system, and then nothing is bound.
func Bind(cpus []int) (release func() error, err error) {
	before, err := allowed()
	if err != nil {
		return nil, err
	}
	if err := bindAll(cpus); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot bind the process to the CPUs %v: %w", cpus, err), bindAll(before))
	}
	return func() error { return bindAll(before) }, nil
}

// BindThread gives the calling goroutine a thread of its own, bound to one CPU, until
// release is called by the same goroutine, or it ends. The error is [ErrUnsupported], or
// that of the system; the goroutine then has the thread, and no CPU.
func BindThread(cpu int) (release func(), err error) {
	runtime.LockOSThread()
	before, err := threadCPUs()
	if err == nil {
		err = bindThread([]int{cpu})
	}
	if err != nil {
		if !errors.Is(err, ErrUnsupported) {
			err = fmt.Errorf("cannot bind a thread to CPU %d: %w", cpu, err)
		}
		return runtime.UnlockOSThread, err
	}
	return func() {
		// A thread that cannot be released stays locked, and ends with its goroutine.
		if bindThread(before) == nil {
			runtime.UnlockOSThread()
		}
	}, nil
}
