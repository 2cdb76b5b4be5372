package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestByteTable looks up bytes of every value, in slices of every length about the blocks of
// 64, by every instruction set: results are those of the table to the bit, and nothing is
// written outside.
func TestByteTable(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		var numbers [256]float64
		for i := range numbers {
			numbers[i] = float64(math.Float32frombits(rng.Uint32() & 0x7f7fffff)) // any that is finite
		}
		testByteTable[float32](t, numbers, false)
		testByteTable[float64](t, numbers, false)
		for i := range numbers {
			numbers[i] = (float64(i)/255 - 0.1307) / 0.3081
		}
		testByteTable[float32](t, numbers, true)
		testByteTable[float64](t, numbers, false)
		numbers[77] = float64(math.Nextafter32(float32(numbers[77]), 9)) // not to be taken for linear
		testByteTable[float32](t, numbers, false)
	})
}

func testByteTable[T Float](t *testing.T, numbers [256]float64, linear bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	var values [256]T
	for i, v := range numbers {
		values[i] = T(v)
	}
	table := NewByteTable[T](numbers)
	if table.linear != linear {
		t.Errorf("taken for linear: %v, want %v", table.linear, linear)
	}
	for n := range 400 {
		src, dst := make([]uint8, n), slices.Repeat([]T{canary}, n+2)
		start := rng.IntN(256)
		for i := range src {
			src[i] = uint8(start + 7*i) // goes through all bytes
		}
		table.LookUp(dst[1:n+1], src, src[n/2:])
		for i, v := range src {
			if dst[1+i] != values[v] {
				t.Fatalf("%d bytes: byte %d, which is %d, became %g, want %g", n, i, v, dst[1+i], values[v])
			}
		}
		if dst[0] != canary || dst[n+1] != canary {
			t.Fatalf("%d bytes: a number was written outside", n)
		}
	}
}

func BenchmarkByteTable(b *testing.B) {
	src, dst, table := make([]uint8, 784), make([]float32, 784), NewByteTable[float32]([256]float64{1: 1}) // not linear
	for b.Loop() {
		table.LookUp(dst, src, nil)
	}
	b.SetBytes(784 * 5)
}
