package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// copyAdds are the multiply-adds of float32 from which on threads make a copy of A together: less would be
// gained than another meeting of the threads takes.
const copyAdds = 16_000_000

// shares reports whether threads copy op(A) together, m x k, for n columns of C.
func shares[T Float](p *Pool, ta Transpose, m, n, k, lda int) bool {
	adds := m * n * k * kernel.SizeOf[T]() / kernel.SizeOf[float32]()
	return p.Threads() > 1 && adds >= copyAdds && n >= p.Threads()*blockCols && kernel.CopiesA[T](bool(ta), m, n, k, lda)
}

// leftSpace is a part of op(A) that threads copy together, and what is to be made of it.
type leftSpace[T Float] struct {
	kernel.Left[T]
	row, term int  // where in op(A) it begins
	last      bool // of the terms
}

// shareLeft makes C in blocks of so many columns, from parts of op(A) that threads copy together.
func (g *args[T]) shareLeft(p *Pool, m, n, columns int) {
	l := &g.left
	rows, steps := kernel.PartsOf[T](bool(g.ta), m, n, g.k, g.a.Stride)
	for l.term = 0; l.term < g.k; l.term += steps {
		l.last = l.term+steps >= g.k
		for l.row = 0; l.row < m; l.row += rows {
			i, j := l.row, l.term
			if g.ta {
				i, j = j, i
			}
			pieces, unit := l.Begin(bool(g.ta), min(rows, m-l.row), min(steps, g.k-l.term), g.a.Data[i*g.a.Stride+j:], g.a.Stride)
			p.For(pieces, share(pieces, blocksPerThread*p.Threads(), unit), g.copyLeft)
			p.forOn(n, columns, g.ofLeft)
		}
	}
	l.Release()
}

// columnsOfLeft makes columns j0 to j1-1 of the rows of the part of op(A) that is copied.
func (g *args[T]) columnsOfLeft(worker, j0, j1 int) {
	l := &g.left
	i, j := l.term, j0
	if g.tb {
		i, j = j, i
	}
	beta := g.beta
	if l.term > 0 {
		beta = 1
	}
	var finish kernel.Finish[T]
	if l.last {
		finish = g.finish.At(l.row, j0)
	}
	kernel.ProductLeft(g.scratch[worker], &l.Left, g.part, g.from+l.row-j0, bool(g.tb), j1-j0, g.alpha,
		g.b.Data[i*g.b.Stride+j:], g.b.Stride, beta, g.c.Data[l.row*g.c.Stride+j0:], g.c.Stride, finish)
}
