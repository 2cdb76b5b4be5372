package tensor

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Transpose says whether a product takes a matrix as it is or transposed.
type Transpose bool

const (
	NoTrans Transpose = false
	Trans   Transpose = true
)

func (t Transpose) blas() blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// A product is split over C into tiles, never over the inner dimension, so that
// each element is summed in one order whatever the number of threads. gonum
// makes products of fewer than four 64 x 64 blocks on the calling goroutine;
// larger tiles would start goroutines of its own.
const (
	tileRows = 64
	tileCols = 192
)

// Gemm sets C = alpha op(A) op(B) + beta C. With beta = 0, C is overwritten
// whatever it holds. Shapes that do not fit panic.
func Gemm[T Float](p *Pool, ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T]) {
	m, k := a.Rows, a.Cols
	if ta {
		m, k = k, m
	}
	k2, n := b.Rows, b.Cols
	if tb {
		k2, n = n, k2
	}
	if k != k2 || c.Rows != m || c.Cols != n {
		panic("tensor: Gemm: the shapes do not fit")
	}
	if m == 0 || n == 0 {
		return
	}
	tilesPerRow := (n + tileCols - 1) / tileCols
	tiles := (m + tileRows - 1) / tileRows * tilesPerRow
	g := argsOf[T](p)
	g.ta, g.tb, g.alpha, g.beta, g.a, g.b, g.c, g.k, g.perRow = ta, tb, alpha, beta, a, b, c, k, tilesPerRow
	p.For(tiles, 1, g.tile)
	g.a, g.b, g.c = Matrix[T]{}, Matrix[T]{}, Matrix[T]{}
}

// gemmTile makes one tile of C; lo is its number, counted along rows.
func gemmTile[T Float](g *args[T], lo int) {
	i, j := lo/g.perRow*tileRows, lo%g.perRow*tileCols
	c := Matrix[T]{min(tileRows, g.c.Rows-i), min(tileCols, g.c.Cols-j), g.c.Stride, g.c.Data[i*g.c.Stride+j:]}
	a, b := g.a.Data, g.b.Data
	if g.k > 0 {
		if g.ta {
			a = a[i:]
		} else {
			a = a[i*g.a.Stride:]
		}
		if g.tb {
			b = b[j*g.b.Stride:]
		} else {
			b = b[j:]
		}
	}
	if g.beta == 0 {
		for r := range c.Rows {
			clear(c.Row(r))
		}
	}
	if g.k == 0 {
		if g.beta != 0 {
			for r := range c.Rows {
				for s := range c.Row(r) {
					c.Row(r)[s] *= g.beta
				}
			}
		}
		return
	}
	var impl gonum.Implementation
	switch alpha := any(g.alpha).(type) {
	case float32:
		impl.Sgemm(g.ta.blas(), g.tb.blas(), c.Rows, c.Cols, g.k, alpha, any(a).([]float32), g.a.Stride,
			any(b).([]float32), g.b.Stride, any(g.beta).(float32), any(c.Data).([]float32), c.Stride)
	case float64:
		impl.Dgemm(g.ta.blas(), g.tb.blas(), c.Rows, c.Cols, g.k, alpha, any(a).([]float64), g.a.Stride,
			any(b).([]float64), g.b.Stride, any(g.beta).(float64), any(c.Data).([]float64), c.Stride)
	}
}
