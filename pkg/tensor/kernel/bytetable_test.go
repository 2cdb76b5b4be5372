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
		testByteTable(t, func(v uint32) float32 { return math.Float32frombits(v) })
		testByteTable(t, func(v uint32) float64 { return math.Float64frombits(uint64(v)<<31 | uint64(v)) })
	})
}

func testByteTable[T Float](t *testing.T, number func(uint32) T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var values [256]T
	for i := range values {
		values[i] = number(rng.Uint32() & 0x7f7fffff) // any that is finite
	}
	table := NewByteTable(values)
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
	src, dst, table := make([]uint8, 784), make([]float32, 784), NewByteTable([256]float32{})
	for b.Loop() {
		table.LookUp(dst, src, nil)
	}
	b.SetBytes(784 * 5)
}
