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

// gemmTile makes one tile of C; tile is its number, counted along rows.
func gemmTile[T Float](g *args[T], tile int) {
	i, j := tile/g.perRow*tileRows, tile%g.perRow*tileCols
	at := i*g.c.Stride + j
	c := Matrix[T]{min(tileRows, g.c.Rows-i), min(tileCols, g.c.Cols-j), g.c.Stride, g.c.Data[at:]}
	for r := range c.Rows {
		if row := c.Row(r); g.beta == 0 {
			clear(row)
		} else if g.k == 0 {
			for s := range row {
				row[s] *= g.beta
			}
		}
	}
	if g.k == 0 {
		return
	}
	// Where op(A) has its row i and op(B) its column j.
	ai, bj := i*g.a.Stride, j
	if g.ta {
		ai = i
	}
	if g.tb {
		bj = j * g.b.Stride
	}
	var impl gonum.Implementation
	switch g := any(g).(type) {
	case *args[float32]:
		impl.Sgemm(g.ta.blas(), g.tb.blas(), c.Rows, c.Cols, g.k, g.alpha, g.a.Data[ai:], g.a.Stride,
			g.b.Data[bj:], g.b.Stride, g.beta, g.c.Data[at:], g.c.Stride)
	case *args[float64]:
		impl.Dgemm(g.ta.blas(), g.tb.blas(), c.Rows, c.Cols, g.k, g.alpha, g.a.Data[ai:], g.a.Stride,
			g.b.Data[bj:], g.b.Stride, g.beta, g.c.Data[at:], g.c.Stride)
	}
}
