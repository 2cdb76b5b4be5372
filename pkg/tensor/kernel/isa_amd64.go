//go:build !noasm

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// detect returns the vector instruction sets that the processor has and the
// operating system saves.
func detect() (isas []ISA) {
	if x := cpu.X86; x.HasAVX2 && x.HasFMA {
		isas = append(isas, AVX2)
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
			isas = append(isas, AVX512)
		}
	}
	return isas
}

var (
	sets32 = [...]*set[float32]{AVX2: &avx2S, AVX512: &avx512S}
	sets64 = [...]*set[float64]{AVX2: &avx2D, AVX512: &avx512D}
)

var (
	avx512S = set[float32]{
		lanes: 16, wide: 2, rows: [...]int{0, 14, 14, 0},
		product: [maxWidth][maxRows + 1]func(k int, a *float32, rowA, colA int, b *float32, rowB int, c *float32, rowC int, mask *byte, alpha float32, accumulate int, next *float32, rowNext, blocks, stepA int, end *byte, rowsNext int){
			{nil, product512s1x1, product512s2x1, product512s3x1, product512s4x1, product512s5x1, product512s6x1, product512s7x1, product512s8x1, product512s9x1, product512s10x1, product512s11x1, product512s12x1, product512s13x1, product512s14x1},
			{nil, product512s1x2, product512s2x2, product512s3x2, product512s4x2, product512s5x2, product512s6x2, product512s7x2, product512s8x2, product512s9x2, product512s10x2, product512s11x2, product512s12x2, product512s13x2, product512s14x2},
		},
		direct: [directRows + 1]func(k int, a *float32, rowA int, src *float32, rows *int32, second int, c *float32, rowC int, accumulate int){
			nil, direct512s1, direct512s2, direct512s3, direct512s4,
		},
		gated:   []func(a, b *float32, open *uint32, stepOpen int, c *float32, rowC, stepC int, mask *byte, accumulate int, gate *float32, rowGate, examples int){nil, gated512s1, gated512s2, gated512s3, gated512s4, gated512s5, gated512s6, gated512s7, gated512s8, gated512s9, gated512s10, gated512s11, gated512s12, gated512s13, gated512s14},
		addBias: addBias512s, addRectify: addRectify512s, gate: gateRows512s,
		copy: [maxWidth]func(dst *float32, rowDst int, src *float32, rowSrc, n int, mask *byte){nil, copyPanel512sx2}, transpose: transpose512s,
		gather: []func(dst *float32, rowDst int, src *float32, rows *int32, n int, pieces *int, count int){gather128s, gather256s, gather512s},
		masks:  opmasks(16),
	}
	avx512D = set[float64]{
		lanes: 8, wide: 2, rows: [...]int{0, 14, 14, 0},
		product: [maxWidth][maxRows + 1]func(k int, a *float64, rowA, colA int, b *float64, rowB int, c *float64, rowC int, mask *byte, alpha float64, accumulate int, next *float64, rowNext, blocks, stepA int, end *byte, rowsNext int){
			{nil, product512d1x1, product512d2x1, product512d3x1, product512d4x1, product512d5x1, product512d6x1, product512d7x1, product512d8x1, product512d9x1, product512d10x1, product512d11x1, product512d12x1, product512d13x1, product512d14x1},
			{nil, product512d1x2, product512d2x2, product512d3x2, product512d4x2, product512d5x2, product512d6x2, product512d7x2, product512d8x2, product512d9x2, product512d10x2, product512d11x2, product512d12x2, product512d13x2, product512d14x2},
		},
		direct: [directRows + 1]func(k int, a *float64, rowA int, src *float64, rows *int32, second int, c *float64, rowC int, accumulate int){
			nil, direct512d1, direct512d2, direct512d3, direct512d4,
		},
		gated:   []func(a, b *float64, open *uint32, stepOpen int, c *float64, rowC, stepC int, mask *byte, accumulate int, gate *float64, rowGate, examples int){nil, gated512d1, gated512d2, gated512d3, gated512d4, gated512d5, gated512d6, gated512d7, gated512d8},
		addBias: addBias512d, addRectify: addRectify512d, gate: gateRows512d,
		copy: [maxWidth]func(dst *float64, rowDst int, src *float64, rowSrc, n int, mask *byte){nil, copyPanel512dx2}, transpose: transpose512d,
		gather: []func(dst *float64, rowDst int, src *float64, rows *int32, n int, pieces *int, count int){gather128d, gather256d, gather512d},
		masks:  opmasks(8),
	}
	avx2S = set[float32]{
		lanes: 8, wide: 3, runs: true, rows: [...]int{0, 6, 6, 4},
		product: [maxWidth][maxRows + 1]func(k int, a *float32, rowA, colA int, b *float32, rowB int, c *float32, rowC int, mask *byte, alpha float32, accumulate int, next *float32, rowNext, blocks, stepA int, end *byte, rowsNext int){
			{nil, product256s1x1, product256s2x1, product256s3x1, product256s4x1, product256s5x1, product256s6x1},
			{nil, product256s1x2, product256s2x2, product256s3x2, product256s4x2, product256s5x2, product256s6x2},
			{nil, product256s1x3, product256s2x3, product256s3x3, product256s4x3},
		},
		direct: [directRows + 1]func(k int, a *float32, rowA int, src *float32, rows *int32, second int, c *float32, rowC int, accumulate int){
			nil, direct256s1, direct256s2, direct256s3, direct256s4,
		},
		gated:   []func(a, b *float32, open *uint32, stepOpen int, c *float32, rowC, stepC int, mask *byte, accumulate int, gate *float32, rowGate, examples int){nil, gated256s1, gated256s2, gated256s3, gated256s4, gated256s5, gated256s6},
		addBias: addBias256s, addRectify: addRectify256s, gate: gateRows256s,
		copy: [maxWidth]func(dst *float32, rowDst int, src *float32, rowSrc, n int, mask *byte){nil, copyPanel256sx2, copyPanel256sx3}, transpose: transpose256s, deal: deal256s,
		gather: []func(dst *float32, rowDst int, src *float32, rows *int32, n int, pieces *int, count int){gather128s, gather256s},
		masks:  laneMasks(8),
	}
	avx2D = set[float64]{
		lanes: 4, wide: 3, runs: true, rows: [...]int{0, 6, 6, 4},
		product: [maxWidth][maxRows + 1]func(k int, a *float64, rowA, colA int, b *float64, rowB int, c *float64, rowC int, mask *byte, alpha float64, accumulate int, next *float64, rowNext, blocks, stepA int, end *byte, rowsNext int){
			{nil, product256d1x1, product256d2x1, product256d3x1, product256d4x1, product256d5x1, product256d6x1},
			{nil, product256d1x2, product256d2x2, product256d3x2, product256d4x2, product256d5x2, product256d6x2},
			{nil, product256d1x3, product256d2x3, product256d3x3, product256d4x3},
		},
		direct: [directRows + 1]func(k int, a *float64, rowA int, src *float64, rows *int32, second int, c *float64, rowC int, accumulate int){
			nil, direct256d1, direct256d2, direct256d3, direct256d4,
		},
		gated:   []func(a, b *float64, open *uint32, stepOpen int, c *float64, rowC, stepC int, mask *byte, accumulate int, gate *float64, rowGate, examples int){nil, gated256d1, gated256d2, gated256d3, gated256d4},
		addBias: addBias256d, addRectify: addRectify256d, gate: gateRows256d,
		copy: [maxWidth]func(dst *float64, rowDst int, src *float64, rowSrc, n int, mask *byte){nil, copyPanel256dx2, copyPanel256dx3}, transpose: transpose256d, deal: deal256d,
		gather: []func(dst *float64, rowDst int, src *float64, rows *int32, n int, pieces *int, count int){gather128d, gather256d},
		masks:  laneMasks(4),
	}
)

var triangulars = [...]*triangular{
	AVX2:   {factor: factor256d, solve: solve256d},
	AVX512: {factor: factor512d, solve: solve512d},
}

// opmasks returns masks of AVX-512 for panels of two vectors: two words, a bit
// for each lane.
func opmasks(lanes int) []*byte {
	var out []*byte
	for w := range 2*lanes + 1 {
		m := &[2]uint64{1<<min(w, lanes) - 1, 1<<max(w-lanes, 0) - 1}
		out = append(out, (*byte)(unsafe.Pointer(m)))
	}
	return out
}

// laneMasks returns those of AVX2: the lanes in use are all ones. Kernels load masks of two vectors at once, also where
// there is only the third of three.
func laneMasks(lanes int) []*byte {
	var out []*byte
	size := 32 / lanes
	for w := range maxWidth*lanes + 1 {
		m := &[(maxWidth + 1) * 32]byte{}
		for i := range w * size {
			m[i] = 0xff
		}
		out = append(out, &m[0])
	}
	return out
}

// expInPlace is Exp for work space on the stack, which a call through a table of
// kernels would move to the heap.
func expInPlace(x []float64) {
	switch active {
	case AVX512:
		n, mask := passes512d.cut(len(x))
		exp512d(&x[0], &x[0], n, mask)
	case AVX2:
		n, mask := passes256d.cut(len(x))
		exp256d(&x[0], &x[0], n, mask)
	default:
		expInPlaceGo(x)
	}
}

// Fetch tells the processor that x will be read soon: it does not look ahead by itself where
// rows of memory are read in a random order.
func Fetch[T any](x []T) {
	if len(x) > 0 && unsafe.Sizeof(x[0]) > 0 {
		p := (*uint8)(unsafe.Pointer(unsafe.SliceData(x)))
		at := uintptr(unsafe.Pointer(p)) % alignment
		fetch(p, int(at+unsafe.Sizeof(x[0])*uintptr(len(x))+alignment-1)/alignment)
	}
}

// Pause lets a waiting thread rest for about n times 20 nanoseconds.
func Pause(n int) { pause(n) }

// PeakRound runs n rounds of 12 independent multiply-adds of vectors, and
// returns the multiply-adds of one round: the most that the active instruction
// set can do.
func PeakRound[T Float](n int) (multiplyAdds int) {
	switch any(T(0)).(type) {
	case float32:
		switch active {
		case AVX512:
			peak512s(n)
			return 12 * 16
		case AVX2:
			peak256s(n)
			return 12 * 8
		}
	default:
		switch active {
		case AVX512:
			peak512d(n)
			return 12 * 8
		case AVX2:
			peak256d(n)
			return 12 * 4
		}
	}
	return peakGo[T](n)
}
