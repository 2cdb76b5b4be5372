package kernel

import (
	"encoding/binary"
	"math"
)

// A ByteTable has a number for each byte.
type ByteTable[T Float] struct {
	values [256]T

	// Of float32, the first to fourth bytes of all numbers, a plane of 256 each, and the order
	// in which 64 bytes are looked up, see [ByteTable.LookUp].
	planes [4*256 + 64]uint8

	// Whether byte v stands for slope v + offset, rounded to float32, as where pixels are
	// standardised.
	linear        bool
	slope, offset float64
}

// NewByteTable returns the table of 256 values, rounded to T.
func NewByteTable[T Float](values [256]float64) *ByteTable[T] {
	t := &ByteTable[T]{}
	for v, x := range values {
		t.values[v] = T(x)
	}
	single, ok := any(&t.values).(*[256]float32)
	if !ok {
		return t
	}
	t.slope, t.offset = (values[255]-values[0])/255, values[0]
	t.linear = true
	for v, x := range single {
		t.linear = t.linear && math.Float32bits(float32(math.FMA(t.slope, float64(v), t.offset))) == math.Float32bits(x)
	}
	for v, x := range single {
		bits := math.Float32bits(x)
		for p := range 4 {
			t.planes[256*p+v] = uint8(bits >> (8 * p))
		}
	}
	// The planes' bytes are interleaved within 16 at a time: numbers 16 q to 16 q + 15 are made of
	// bytes 4 q to 4 q + 3 of the four sixteens.
	for q := range 4 {
		for lane := range 4 {
			for e := range 4 {
				t.planes[1024+16*lane+4*q+e] = uint8(16*q + 4*lane + e)
			}
		}
	}
	return t
}

// LookUp sets dst to the numbers of the bytes src, as many. Meanwhile it fetches next, what
// will be looked up after them, which may be nil: examples in a random order come from
// memory, where the processor does not look ahead by itself.
func (t *ByteTable[T]) LookUp(dst []T, src, next []uint8) {
	if len(dst) != len(src) {
		panic("kernel: LookUp: slices of different lengths")
	}
	if single, ok := any(dst).([]float32); ok {
		done := t.lookUpBlocks(single, src, next)
		dst, src = dst[done:], src[done:]
	}
	for len(src) >= 8 && len(dst) >= 8 { // eight bytes are read at a time
		v, to := binary.LittleEndian.Uint64(src), (*[8]T)(dst)
		to[0], to[1] = t.values[uint8(v)], t.values[uint8(v>>8)]
		to[2], to[3] = t.values[uint8(v>>16)], t.values[uint8(v>>24)]
		to[4], to[5] = t.values[uint8(v>>32)], t.values[uint8(v>>40)]
		to[6], to[7] = t.values[uint8(v>>48)], t.values[uint8(v>>56)]
		dst, src = dst[8:], src[8:]
	}
	for j, v := range src {
		dst[j] = t.values[v]
	}
}
