package placement

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// ErrOneCPU says that there is no other CPU that a round trip could lead to.
var ErrOneCPU = errors.New("the process has one CPU, and nothing to measure a round trip to")

const (
	tripsPerBatch = 32
	mostBatches   = 500
	tripTime      = 20 * time.Millisecond // of all batches, but for the first
)

// A ball goes to and fro between two threads: each waits until the other has counted it
// up. It has two cache lines for itself, as CPUs fetch lines in pairs.
type ball struct {
	_ [128]byte
	n atomic.Uint64
	_ [128]byte
}

// over ends the game.
const over = math.MaxUint64

// RoundTrip measures how long it takes from one CPU to another and back, in nanoseconds:
// the time in which a thread on the one writes what a thread on the other waits for, and
// sees the answer. It is the median of up to 500 means over 32 round trips, which take a
// few milliseconds together. Where threads cannot be bound, the system chooses the CPUs.
// The error is [ErrOneCPU], or that a thread cannot be bound.
func RoundTrip(a, b int) (nanoseconds float64, err error) {
	if a == b || runtime.GOMAXPROCS(0) < 2 {
		return 0, ErrOneCPU
	}
	var x ball
	ready := make(chan error, 1)
	go func() {
		release, err := BindThread(b)
		defer release()
		ready <- err
		for next := uint64(1); x.await(next); next += 2 {
			x.n.Store(next + 1)
		}
	}()
	release, err := BindThread(a)
	defer release()
	defer x.n.Store(over)
	if other := <-ready; err == nil {
		err = other
	}
	if err != nil && !errors.Is(err, ErrUnsupported) {
		return 0, err
	}
	trip := x.trips(0, 1)
	means := make([]float64, 0, mostBatches)
	for began := time.Now(); len(means) < mostBatches && (len(means) == 0 || time.Since(began) < tripTime); {
		start := time.Now()
		trip = x.trips(trip, tripsPerBatch)
		means = append(means, float64(time.Since(start).Nanoseconds())/tripsPerBatch)
	}
	slices.Sort(means)
	return means[len(means)/2], nil
}

// trips makes n round trips from the count at, and returns the count after them.
func (x *ball) trips(at uint64, n int) uint64 {
	for range n {
		x.n.Store(at + 1)
		at += 2
		x.await(at)
	}
	return at
}

// await waits for a count, or for the end of the game, of which it returns false.
func (x *ball) await(count uint64) bool {
	for {
		switch x.n.Load() {
		case count:
			return true
		case over:
			return false
		}
		kernel.Pause(1)
	}
}

// RoundTrips measures them from the first CPU, whose thread hands out the work, to each of
// the others, in nanoseconds. It is nil of one CPU.
func RoundTrips(cpus []int) (nanoseconds []float64, err error) {
	for i := 1; i < len(cpus); i++ {
		ns, err := RoundTrip(cpus[0], cpus[i])
		if errors.Is(err, ErrOneCPU) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		nanoseconds = append(nanoseconds, ns)
	}
	return nanoseconds, nil
}
