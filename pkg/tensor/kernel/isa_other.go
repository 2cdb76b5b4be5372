//go:build !amd64 || noasm

package kernel

import "runtime"

func detect() []ISA { return nil }

var (
	sets32 = [...]*set[float32]{Go: nil}
	sets64 = [...]*set[float64]{Go: nil}
)

var (
	passes32 = [...]*passes[float32]{Go: nil}
	passes64 = [...]*passes[float64]{Go: nil}
)

var triangulars = [...]*triangular{Go: nil}

func expInPlace(x []float64) { expInPlaceGo(x) }

// Fetch would tell the processor that x will be read soon.
func Fetch[T any]([]T) {}

// Pause lets a waiting thread rest for about n times 20 nanoseconds.
func Pause(n int) {
	x := uint64(n)
	for range 16 * n {
		x = x*6364136223846793005 + 1442695040888963407 // a chain that takes its time
	}
	if x == 0 {
		runtime.Gosched()
	}
}

// PeakRound runs n rounds of independent multiply-adds, and returns the
// multiply-adds of one round: the most that Go code can do.
func PeakRound[T Float](n int) (multiplyAdds int) { return peakGo[T](n) }
