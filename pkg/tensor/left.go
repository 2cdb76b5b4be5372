package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// shares reports whether threads copy op(A) together, m x k, for n columns of C. A column is not copied, see kernel.ProductPart.
func shares[T Float](p *Pool, ta Transpose, m, n, k, lda int) bool {
	return p.Threads() > 1 && k > 1 && n >= p.Threads()*blockCols && kernel.SharesA[T](bool(ta), m, n, k, lda)
}

// leftSpace is a part of op(A) that threads copy together, and what is to be made of it.
type leftSpace[T Float] struct {
	kernel.Left[T]
	fromRow, fromTerm int  // where in op(A) it begins
	last              bool // of the terms
}

// shareLeft makes C in blocks of so many columns, from parts of op(A) that threads copy together.
func (g *args[T]) shareLeft(p *Pool, m, n, columns int) {
	l := &g.left
	rows, steps := kernel.LeftParts[T](m, g.k)
	for l.fromTerm = 0; l.fromTerm < g.k; l.fromTerm += steps {
		l.last = l.fromTerm+steps >= g.k
		for l.fromRow = 0; l.fromRow < m; l.fromRow += rows {
			i, j := l.fromRow, l.fromTerm
			if g.ta {
				i, j = j, i
			}
			pieces, unit := l.Begin(bool(g.ta), min(rows, m-l.fromRow), min(steps, g.k-l.fromTerm), g.a.Data[i*g.a.Stride+j:], g.a.Stride)
			p.For(pieces, share(pieces, blocksPerThread*p.Threads(), unit), g.copyLeft)
			p.forOn(n, columns, g.ofLeft)
		}
	}
	l.Release()
}

// columnsOfLeft makes columns j0 to j1-1 of the rows of the part of op(A) that is copied.
func (g *args[T]) columnsOfLeft(worker, j0, j1 int) {
	l := &g.left
	i, j := l.fromTerm, j0
	if g.tb {
		i, j = j, i
	}
	beta := g.beta
	if l.fromTerm > 0 {
		beta = 1
	}
	var finish kernel.Finish[T]
	if l.last {
		finish = g.finish.At(l.fromRow, j0)
	}
	kernel.ProductLeft(g.scratch[worker], &l.Left, g.part, g.from+l.fromRow-j0, bool(g.tb), j1-j0, g.alpha,
		g.b.Data[i*g.b.Stride+j:], g.b.Stride, beta, g.c.Data[l.fromRow*g.c.Stride+j0:], g.c.Stride, finish)
}
