// Package arrays reads and writes named numeric arrays: NumPy's .npz and
// .safetensors.
//
// The .npy encoding is written here because the one Go library for it writes
// one dimension only, and panics on damaged headers.
package arrays

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"slices"
)

// An Array is a named array in row-major order; no shape is a single number.
type Array struct {
	Name  string
	Shape []int

	// One of these holds the elements, widened where the file has a smaller
	// type: float16 to float32, booleans and integers to int64.
	f32 []float32
	f64 []float64
	i64 []int64
}

// Float32 returns an array of float32.
func Float32(name string, shape []int, data []float32) Array {
	return Array{Name: name, Shape: shape, f32: data}.checked()
}

// Float64 returns an array of float64.
func Float64(name string, shape []int, data []float64) Array {
	return Array{Name: name, Shape: shape, f64: data}.checked()
}

// Floats returns an array of the precision of its elements.
func Floats[T float32 | float64](name string, shape []int, data []T) Array {
	if d, ok := any(data).([]float32); ok {
		return Float32(name, shape, d)
	}
	return Float64(name, shape, any(data).([]float64))
}

// Int64 returns an array of int64.
func Int64(name string, shape []int, data []int64) Array {
	return Array{Name: name, Shape: shape, i64: data}.checked()
}

func (a Array) checked() Array {
	if n, ok := elements(a.Shape); !ok || n != a.Len() {
		panic("arrays: the data do not fill the shape")
	}
	return a
}

// Len returns the number of elements.
func (a Array) Len() int { return len(a.f32) + len(a.f64) + len(a.i64) }

// IsInt reports whether the elements are integers or booleans.
func (a Array) IsInt() bool { return a.f32 == nil && a.f64 == nil }

// Ints returns the elements of an array of integers, nil of any other.
func (a Array) Ints() []int64 { return a.i64 }

// Float64s returns the elements as float64. Integers beyond 2^53 are rounded.
func (a Array) Float64s() []float64 {
	if a.f64 != nil {
		return a.f64
	}
	out := make([]float64, 0, a.Len())
	for _, v := range a.f32 {
		out = append(out, float64(v))
	}
	for _, v := range a.i64 {
		out = append(out, float64(v))
	}
	return out
}

// elements returns the number of elements of a shape, and whether it is one
// that a file of this world can hold.
func elements(shape []int) (n int, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(uint64(n), uint64(d))
		if hi != 0 || lo > math.MaxInt64/16 {
			return 0, false
		}
		n = int(lo)
	}
	return n, true
}

// A kind is an element type as files store it, little-endian unless swapped.
type kind struct {
	size   int // in the file
	memory int // as it is kept
	load   func(a *Array, d decoder) error
}

var (
	kindF64 = kind{8, 8, f64(func(b []byte) float64 { return math.Float64frombits(u64(b)) })}
	kindF32 = kind{4, 4, f32(func(b []byte) float32 { return math.Float32frombits(u32(b)) })}
	kindF16 = kind{2, 4, f32(func(b []byte) float32 { return fromHalf(u16(b)) })}

	kindBF16 = kind{2, 4, f32(func(b []byte) float32 { return math.Float32frombits(uint32(u16(b)) << 16) })}

	kindI64 = kind{8, 8, i64(func(b []byte) int64 { return int64(u64(b)) })}
	kindI32 = kind{4, 8, i64(func(b []byte) int64 { return int64(int32(u32(b))) })}
	kindI16 = kind{2, 8, i64(func(b []byte) int64 { return int64(int16(u16(b))) })}
	kindI8  = kind{1, 8, i64(func(b []byte) int64 { return int64(int8(b[0])) })}
	kindU32 = kind{4, 8, i64(func(b []byte) int64 { return int64(u32(b)) })}
	kindU16 = kind{2, 8, i64(func(b []byte) int64 { return int64(u16(b)) })}
	kindU8  = kind{1, 8, i64(func(b []byte) int64 { return int64(b[0]) })}
)

func f32(one func([]byte) float32) func(*Array, decoder) error {
	return func(a *Array, d decoder) (err error) { a.f32, err = each(d, one); return err }
}

func f64(one func([]byte) float64) func(*Array, decoder) error {
	return func(a *Array, d decoder) (err error) { a.f64, err = each(d, one); return err }
}

func i64(one func([]byte) int64) func(*Array, decoder) error {
	return func(a *Array, d decoder) (err error) { a.i64, err = each(d, one); return err }
}

func u64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
func u32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func u16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

// A decoder reads n elements of some bytes each.
type decoder struct {
	r       io.Reader
	n, size int
	swap    bool // the bytes of each element are in reverse order
}

// each decodes the elements. A file may claim more than it holds: memory grows
// with what has been read.
func each[E any](d decoder, one func([]byte) E) ([]E, error) {
	const step = 1 << 16
	out := make([]E, 0, min(d.n, step))
	buf := make([]byte, min(d.n, step)*d.size)
	for len(out) < d.n {
		if len(out) == cap(out) {
			out = slices.Grow(out, min(3*len(out), d.n-len(out)))
		}
		b := buf[:min(d.n-len(out), cap(out)-len(out), step)*d.size]
		if _, err := io.ReadFull(d.r, b); err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[d.size:] {
			if d.swap {
				slices.Reverse(b[:d.size])
			}
			out = append(out, one(b))
		}
	}
	return out, nil
}

// fromHalf widens an IEEE 754 half-precision number, exactly.
func fromHalf(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 0: // zero or subnormal: frac 2^-24
		v := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// raw returns the elements in little-endian order.
func (a Array) raw() []byte {
	b := make([]byte, 0, 4*len(a.f32)+8*len(a.f64)+8*len(a.i64))
	for _, v := range a.f32 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	for _, v := range a.f64 {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range a.i64 {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}
