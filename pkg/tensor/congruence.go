package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// ScaledSystem sets the upper triangle of A to I + alpha D K D, for a symmetric K, n x n, and the
// diagonal matrix D of the numbers d.
func ScaledSystem(p *Pool, alpha float64, d []float64, k, a Matrix[float64]) {
	n := len(d)
	if k.Rows != n || k.Cols != n || a.Rows != n || a.Cols != n {
		panic("tensor: ScaledSystem: the shapes do not fit")
	}
	k.check()
	a.check()
	g := argsOf[float64](p)
	s := &g.system
	s.alpha, s.d, s.k, s.a = alpha, d, k, a
	copy(grow(&s.scaled, n), d)
	kernel.Scale(alpha, s.scaled[:n])
	p.For(n, max(1, chunk/max(1, n)), g.scaleSystem)
	s.release()
	g.done(p)
}

// BlockSystem sets the upper triangle of A to I + alpha Lᵀ K L, for a symmetric K, n x n, and an L
// of blocks on the diagonal: each has b rows, and l, n x b, has their transposes below each other.
// It uses the lower triangle of A for work space, and takes n² b multiply-adds.
func BlockSystem(p *Pool, alpha float64, l, k, a Matrix[float64]) {
	n, b := l.Rows, l.Cols
	if k.Rows != n || k.Cols != n || a.Rows != n || a.Cols != n || n > 0 && (b == 0 || n%b != 0) {
		panic("tensor: BlockSystem: the shapes do not fit")
	}
	if n == 0 {
		return
	}
	l.check()
	k.check()
	a.check()
	g := argsOf[float64](p)
	s := &g.system
	s.alpha, s.l, s.k, s.a = alpha, l, k, a
	g.reserve(p.Threads())
	for len(s.columns) < p.Threads() {
		s.columns = append(s.columns, nil)
	}
	for i := range p.Threads() {
		g.scratch[i].Reserve(false, b, n, b, l.Stride)
		grow(&s.columns[i], b*n)
	}
	grain := max(1, chunk/size.Product(n, b))
	p.forOn(n/b, grain, g.leftSystem)
	p.forOn(n/b, grain, g.rightSystem)
	s.release()
	g.done(p)
}

// SystemSpace is the number of values that ScaledSystem (b = 1) or BlockSystem keeps for a pool of so
// many threads, beside the work space of products.
func SystemSpace(n, b, threads int) int {
	if b == 1 { // alpha d, which threads share
		return n
	}
	return size.Product(n, b, threads)
}

// systemSpace is the work space of ScaledSystem and BlockSystem.
type systemSpace[T Float] struct {
	scaled  []T   // alpha d
	columns [][]T // for each thread, columns of a block as rows

	alpha   T
	d       []T
	l, k, a Matrix[T]
}

func (s *systemSpace[T]) release() { s.d, s.l, s.k, s.a = nil, Matrix[T]{}, Matrix[T]{}, Matrix[T]{} }

// scale makes rows lo to hi-1 of ScaledSystem.
func (s *systemSpace[T]) scale(lo, hi int) {
	n := len(s.d)
	for i := lo; i < hi; i++ {
		to := s.a.Row(i)[i:]
		kernel.Multiply(s.scaled[i:n], s.k.Row(i)[i:], to)
		if s.d[i] != 1 {
			kernel.Scale(s.d[i], to)
		}
		to[0]++
	}
}

// multiplyLeft leaves block rows lo to hi-1 of Lᵀ K below the diagonal of A and in the blocks on
// it.
func (g *args[T]) multiplyLeft(worker, lo, hi int) {
	s := &g.system
	b := s.l.Cols
	for i := lo * b; i < hi*b; i += b {
		kernel.Product(g.scratch[worker], false, false, b, i+b, b, 1, s.l.Data[i*s.l.Stride:], s.l.Stride,
			s.k.Data[i*s.k.Stride:], s.k.Stride, 0, s.a.Data[i*s.a.Stride:], s.a.Stride)
	}
}

// multiplyRight makes block rows lo to hi-1 of A, on and above the diagonal: since K is symmetric,
// they are Lᵀ times the transposed block columns of Lᵀ K.
func (g *args[T]) multiplyRight(worker, lo, hi int) {
	s := &g.system
	n, b := s.l.Rows, s.l.Cols
	for i := lo * b; i < hi*b; i += b {
		rest := n - i
		columns, to := s.columns[worker][:b*rest], s.a.Data[i*s.a.Stride+i:]
		kernel.Transpose(columns, rest, to, s.a.Stride, rest, b)
		kernel.Product(g.scratch[worker], false, false, b, rest, b, s.alpha, s.l.Data[i*s.l.Stride:], s.l.Stride,
			columns, rest, 0, to, s.a.Stride)
		for r := range b {
			to[r*s.a.Stride+r]++
		}
	}
}
