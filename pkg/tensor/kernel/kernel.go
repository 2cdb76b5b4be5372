// Package kernel holds the inner loops of arithmetic: assembly for AVX-512 and
// for AVX2 with FMA, written by gen, and Go for every other processor and for
// the build tag noasm. It knows neither matrices nor threads.
package kernel

import "unsafe"

// Float is the element type.
type Float interface{ float32 | float64 }

// An ISA is an instruction set that kernels are written for.
type ISA int

const (
	Go     ISA = iota // any processor
	AVX2              // 256-bit vectors, with FMA
	AVX512            // 512-bit vectors: F, BW, DQ, VL
)

// String returns the name that results and measurements carry.
func (i ISA) String() string { return [...]string{"go", "avx2", "avx512"}[i] }

// Available lists the instruction sets that this processor and this build
// support, best last.
func Available() []ISA { return available }

var (
	available = append([]ISA{Go}, detect()...)
	active    = available[len(available)-1]
)

// Active returns the instruction set in use.
func Active() ISA { return active }

// Use switches to another available instruction set, for tests and
// measurements; nothing may be running. It panics if isa is not available.
func Use(isa ISA) {
	for _, a := range available {
		if a == isa {
			active = isa
			return
		}
	}
	panic("kernel: Use: the instruction set is not available")
}

// A set is what an instruction set has for products of one precision.
type set[T Float] struct {
	lanes int               // elements of a vector; a panel of patches is two vectors wide
	wide  int               // vectors of a panel of B
	runs  bool              // product kernels make several blocks in a call, and finish them
	rows  [maxWidth + 1]int // of C in the largest kernel of so many vectors

	// Where runs, rowsNext rows are fetched ahead for each block, from next on, rowNext bytes apart;
	// else a line for each step of k.
	product [maxWidth][maxRows + 1]func(k int, a *T, rowA, colA int, b *T, rowB int, c *T, rowC int, mask *byte, alpha T, accumulate int, next *T, rowNext, blocks, stepA int, end *byte, rowsNext int)
	direct  [directRows + 1]func(k int, a *T, rowA int, src *T, rows *int32, second int, c *T, rowC int, accumulate int) // B in place
	copy    [maxWidth]func(dst *T, rowDst int, src *T, rowSrc, n int, mask *byte)                                        // of so many vectors, from one on

	addBias, addRectify func(c *T, rowC, rows int, bias *T, mask *byte) // see [Finish]
	gate                func(c *T, rowC int, gate *T, rowGate, rows int, mask *byte)

	gated []func(a, b *T, open *uint32, stepOpen int, c *T, rowC, stepC int, mask *byte, accumulate int, gate *T, rowGate, examples int) // of so many rows of A, see [Gated]

	transpose func(dst *T, rowDst int, src *T, rowSrc, n int)
	deal      func(dst *T, piece int, src *T, rowSrc, n int)                                 // packs lines of Aᵀ for kernels of four rows; nil: in Go
	gather    []func(dst *T, rowDst int, src *T, rows *int32, n int, pieces *int, count int) // pieces of 16, 32 and, if there are such vectors, 64 bytes
	masks     []*byte                                                                        // by the number of lanes in use
}

// maxRows is the largest number of rows of C that any kernel holds.
const maxRows = 14

// maxWidth is the largest number of vectors of a row of C that any kernel holds.
const maxWidth = 3

// directRows is the largest number of rows of C that read patches in place:
// packing a panel takes as long as some four rows of C take to use it.
const directRows = 4

func setOf[T Float]() *set[T] {
	switch any(T(0)).(type) {
	case float32:
		return any(sets32[active]).(*set[T])
	default:
		return any(sets64[active]).(*set[T])
	}
}

// SizeOf returns the bytes of an element.
func SizeOf[T Float]() int { return int(unsafe.Sizeof(T(0))) }

// alignment of scratch memory: a cache line, and a vector of AVX-512.
const alignment = 64

// aligned returns n elements at an address that is a multiple of alignment,
// from *buf, which it makes larger if need be.
func aligned[T Float](buf *[]T, n int) []T {
	if cap(*buf) < n {
		pad := alignment / SizeOf[T]()
		raw := make([]T, n+pad)
		for i := range pad {
			if uintptr(unsafe.Pointer(&raw[i]))%alignment == 0 {
				raw = raw[i : i+n]
				break
			}
		}
		*buf = raw[:n:n]
	}
	return (*buf)[:n]
}
