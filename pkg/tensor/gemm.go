package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// Transpose says whether a product takes a matrix as it is or transposed.
type Transpose bool

const (
	NoTrans Transpose = false
	Trans   Transpose = true
)

// Gemm sets C = alpha op(A) op(B) + beta C. With beta = 0, C is overwritten
// whatever it holds. Shapes that do not fit panic. With one column, alpha = 1, beta = 0 or 1 and A as it is, sums are added
// up in float64, as by [AddProducts], if the numbers of B, and those of C, lie side by side.
func Gemm[T Float](p *Pool, ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T]) {
	gemm(p, kernel.Whole, 0, ta, tb, alpha, a, b, beta, c, kernel.Finish[T]{})
}

// A Finish is what a product does to its elements when they are complete, while they are in
// the cache, see [kernel.Finish].
type Finish[T Float] struct {
	Bias    []T       // one for each column, or none
	Rectify bool      // C = max(C, 0), after the bias
	Gate    Matrix[T] // or a zero matrix: C = 0 where it is 0 or below; its rows serve those of C in turn
}

// GemmFinish sets C = alpha op(A) op(B) + beta C and finishes it.
func GemmFinish[T Float](p *Pool, ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T], f Finish[T]) {
	finish := kernel.Finish[T]{Bias: f.Bias, Rectify: f.Rectify}
	if len(f.Bias) > 0 && len(f.Bias) != c.Cols {
		panic("tensor: GemmFinish: the bias has the wrong length")
	}
	if !f.Gate.IsZero() {
		f.Gate.check()
		if f.Gate.Rows == 0 || c.Rows%f.Gate.Rows != 0 || f.Gate.Cols != c.Cols {
			panic("tensor: GemmFinish: the gate has the wrong shape")
		}
		finish.Gate, finish.LdGate, finish.GateRows = f.Gate.Data, f.Gate.Stride, f.Gate.Rows
	}
	gemm(p, kernel.Whole, 0, ta, tb, alpha, a, b, beta, c, finish)
}

// gemmPart is Gemm of which a part alone is asked for, see [kernel.ProductPart].
func gemmPart[T Float](p *Pool, part kernel.Triangle, d int, ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T]) {
	gemm(p, part, d, ta, tb, alpha, a, b, beta, c, kernel.Finish[T]{})
}

func gemm[T Float](p *Pool, part kernel.Triangle, d int, ta, tb Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T], finish kernel.Finish[T]) {
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
	a.check()
	b.check()
	c.check()
	if m == 0 || n == 0 {
		return
	}
	if x, y, ok := columnOf(part, ta, tb, k, alpha, &b, beta, &c); ok {
		if beta == 0 {
			clear(y)
		}
		if m*k < columnAdds {
			p = nil
		}
		if k > 0 {
			AddProducts(p, a, x, y)
		}
		finish.Apply(m, n, c.Data, c.Stride)
		return
	}
	if m*n*k <= tiny {
		gemmTiny(ta, tb, alpha, &a, &b, beta, &c, k)
		finish.Apply(m, n, c.Data, c.Stride)
		return
	}
	g := argsOf[T](p)
	g.ta, g.tb, g.alpha, g.beta, g.a, g.b, g.c, g.k, g.part, g.from, g.finish = ta, tb, alpha, beta, a, b, c, k, part, d, finish
	blocks := blocksOf[T](p.Threads(), m*n*k)
	columns := n
	if blocks > 1 {
		columns = columnsOf[T](p.Threads(), blocks, n, part)
	}
	g.reserve(p.Threads())
	copied := kernel.CopiesA[T](bool(ta), m, n, k, a.Stride)
	shared := alpha != 0 && shares[T](p, ta, m, n, k, a.Stride)
	for _, s := range g.scratch { // a thread may get its first block at any time
		if shared {
			s.ReservePanel(k)
		} else {
			s.Reserve(bool(ta), m, n, k, a.Stride)
		}
	}
	switch {
	case blocks == 1:
		g.block(0, 0, m, 0, n)
	case shared:
		g.shareLeft(p, m, n, columns)
	case (n >= m || n >= blocks*blockCols) && !(copied && m >= blocks*4*blockRows):
		// Blocks of columns pack B once between them; but each would copy A.
		p.forOn(n, columns, g.cols)
	default:
		p.forOn(m, share(m, blocks, blockRows), g.rows)
	}
	g.a, g.b, g.c, g.finish = Matrix[T]{}, Matrix[T]{}, Matrix[T]{}, kernel.Finish[T]{}
	g.done(p)
}

// columnAdds is the number of multiply-adds of a product with one column up to which one thread makes it: in 6 µs, see sharedAdds.
const columnAdds = 50_000

// columnOf returns B and C of a product with one column, as vectors, and whether it is one that AddProducts makes: a
// pass over A. Kernels of blocks of C would fill a lane of each vector.
func columnOf[T Float](part kernel.Triangle, ta, tb Transpose, k int, alpha T, b *Matrix[T], beta T, c *Matrix[T]) (x, y []T, ok bool) {
	apart := b.Stride
	if tb {
		apart = 1
	}
	asked := c.Cols == 1 && ta == NoTrans && part == kernel.Whole && alpha == 1 && (beta == 0 || beta == 1)
	if !asked || apart > 1 && k > 1 || c.Stride > 1 {
		return nil, nil, false
	}
	return b.Data[:k], c.Data[:c.Rows], true
}

// tiny is the number of multiply-adds up to which a plain loop is faster than
// packing.
const tiny = 100

func gemmTiny[T Float](ta, tb Transpose, alpha T, a, b *Matrix[T], beta T, c *Matrix[T], k int) {
	rowA, colA := a.Stride, 1
	if ta {
		rowA, colA = 1, a.Stride
	}
	if alpha == 0 {
		k = 0 // A and B are not looked at
	}
	for i := range c.Rows {
		row := c.Data[i*c.Stride:][:c.Cols]
		if beta == 0 {
			clear(row)
		} else if beta != 1 {
			for j := range row {
				row[j] *= beta
			}
		}
		switch {
		case k == 0:
		case bool(tb):
			for j := range row {
				var sum T
				x := i * rowA
				for _, v := range b.Data[j*b.Stride:][:k] {
					sum += T(a.Data[x] * v)
					x += colA
				}
				row[j] += T(alpha * sum)
			}
		default:
			x := i * rowA
			for p := range k {
				v := T(alpha * a.Data[x])
				x += colA
				from := b.Data[p*b.Stride:][:len(row)]
				for j := range row {
					row[j] += T(v * from[j])
				}
			}
		}
	}
}

// block makes rows i0 to i1-1 and columns j0 to j1-1 of C.
func (g *args[T]) block(worker, i0, i1, j0, j1 int) {
	a, b := 0, 0
	if g.ta {
		a = i0
	} else {
		a = i0 * g.a.Stride
	}
	if g.tb {
		b = j0 * g.b.Stride
	} else {
		b = j0
	}
	kernel.ProductPart(g.scratch[worker], g.part, g.from+i0-j0, bool(g.ta), bool(g.tb), i1-i0, j1-j0, g.k, g.alpha, g.a.Data[a:], g.a.Stride,
		g.b.Data[b:], g.b.Stride, g.beta, g.c.Data[i0*g.c.Stride+j0:], g.c.Stride, g.finish.At(i0, j0))
}
