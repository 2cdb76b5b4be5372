// Package tensor holds row-major matrices, matrix products and vector kernels
// for float32 and float64. It knows nothing of networks.
//
// Whatever runs in parallel is split the same way for any number of threads,
// and no sum is ever reordered, so that results are the same bits.
package tensor

import "fmt"

// Float is the element type of weights, activations and directions.
type Float interface{ float32 | float64 }

// A Shape is the size of one example, channels first. A vector of n numbers is
// Shape{n, 1, 1}.
type Shape struct{ C, H, W int }

// Len returns the number of values of one example.
func (s Shape) Len() int { return s.C * s.H * s.W }

// IsVector reports whether the example has no spatial extent.
func (s Shape) IsVector() bool { return s.H == 1 && s.W == 1 }

// String returns "784" for a vector and "1x28x28" for an image.
func (s Shape) String() string {
	if s.IsVector() {
		return fmt.Sprint(s.C)
	}
	return fmt.Sprintf("%dx%dx%d", s.C, s.H, s.W)
}

// A Matrix is a row-major view of Rows x Cols numbers: element (i, j) is
// Data[i*Stride+j].
type Matrix[T Float] struct {
	Rows, Cols, Stride int
	Data               []T
}

// New returns a zero matrix.
func New[T Float](rows, cols int) Matrix[T] {
	return Matrix[T]{rows, cols, cols, make([]T, rows*cols)}
}

// View returns data, of length rows*cols, as a matrix.
func View[T Float](rows, cols int, data []T) Matrix[T] {
	if len(data) != rows*cols {
		panic("tensor: View: data have the wrong length")
	}
	return Matrix[T]{rows, cols, cols, data}
}

// IsZero reports whether the matrix stands for "none".
func (m Matrix[T]) IsZero() bool { return m.Data == nil }

// check panics unless the data hold the matrix, which kernels in assembly take
// on trust.
func (m Matrix[T]) check() {
	if m.Rows < 0 || m.Cols < 0 || m.Stride < m.Cols {
		panic("tensor: a matrix with a negative size, or a stride below its columns")
	}
	if m.Rows > 0 && m.Cols > 0 && len(m.Data) < (m.Rows-1)*m.Stride+m.Cols {
		panic("tensor: a matrix that is larger than its data")
	}
}

// Row returns row i, sharing memory with m.
func (m Matrix[T]) Row(i int) []T {
	return m.Data[i*m.Stride : i*m.Stride+m.Cols : i*m.Stride+m.Cols]
}

// RowRange returns rows lo to hi-1, sharing memory with m.
func (m Matrix[T]) RowRange(lo, hi int) Matrix[T] {
	if lo < 0 || hi < lo || hi > m.Rows {
		panic("tensor: RowRange: out of range")
	}
	if lo == hi {
		return Matrix[T]{0, m.Cols, m.Stride, m.Data[:0]}
	}
	return Matrix[T]{hi - lo, m.Cols, m.Stride, m.Data[lo*m.Stride : (hi-1)*m.Stride+m.Cols]}
}

// Flat returns the elements of a matrix without gaps between its rows.
func (m Matrix[T]) Flat() []T {
	if m.Stride != m.Cols && m.Rows > 1 {
		panic("tensor: Flat: the rows are not adjacent")
	}
	return m.Data[:m.Rows*m.Cols]
}

// At and Set access one element; they are for tests and small matrices.
func (m Matrix[T]) At(i, j int) T     { return m.Row(i)[j] }
func (m Matrix[T]) Set(i, j int, v T) { m.Row(i)[j] = v }
