package tensor

import (
	"math"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// Cholesky makes a panel of rows from the rows above that are in it, some rows at a time, and
// brings up to date what is below the panel. The more rows a panel has, the less often a matrix
// that is larger than the caches is read and written; what is kept of it stays in the
// second-level cache. Threads share columns; one of them makes the next square on the diagonal meanwhile.
const (
	plainRows = 16 // below which plain loops are faster than kernels
	panelRows = 384
	bandRows  = 48 // of a panel that are made at a time, a multiple of the columns of a kernel's strip: 16, 12 or 4
	mostRows  = 8  // of a block: kernel.FactorRows is no more
)

// Cholesky replaces the upper triangle of a symmetric a by U, a = Uᵀ U. It
// reads and writes nothing below the diagonal but in blocks on it, and reports
// whether a is positive definite; if not, a is spoilt. It takes n³/6
// multiply-adds.
//
// It is the block form of Golub and Van Loan, Matrix Computations, section 4.2, of Uᵀ in the
// place of L, since rows of U are adjacent in memory.
func Cholesky(p *Pool, a Matrix[float64]) bool {
	n := a.Rows
	if a.Cols != n {
		panic("tensor: Cholesky: the matrix is not square")
	}
	a.check()
	if n < plainRows {
		return factorPlain(a)
	}
	g := argsOf[float64](p)
	s := &g.factor
	s.a = a
	defer func() {
		s.a = Matrix[float64]{}
		g.done(p)
	}()
	for s.lo = 0; s.lo < n; s.lo = s.hi {
		s.hi = min(s.lo+panelRows, n)
		s.kept = grow(&s.space, kernel.FactorLength((s.hi-s.lo+kernel.FactorRows()-1)/kernel.FactorRows()))
		s.at, s.end = s.lo, min(s.lo+bandRows, s.hi)
		s.spoilt = !s.square(s.at, s.end, s.kept)
		for ; s.at < s.hi && !s.spoilt; s.at, s.end = s.end, s.next {
			s.next = min(s.end+bandRows, s.hi)
			p.For(n-s.end, bandRows, g.band)
			s.kept = s.kept[keptLength(s.at-s.lo, s.end-s.at):]
		}
		if s.spoilt {
			return false
		}
		lose(p, a, s.lo, s.hi)
	}
	return true
}

// FactorStride returns the length of rows with which n x n matrices are factored fastest: they
// do not displace each other in the caches.
func FactorStride(n int) int { return kernel.SpreadLength[float64](n) }

// FactorSpace is the number of values that Cholesky takes for an n x n matrix, at most: the matrix in
// rows of that length, what is kept of a panel, and the columns of its last block. It is the same
// with all kernels.
func FactorSpace(n int) int {
	rows := min(n, panelRows) + mostRows - 1 // of whole blocks
	return size.Sum(size.Product(n, size.Sum(n, 15)), rows*(rows+mostRows)/2, rows*mostRows)
}

// factorPlain is Cholesky by plain loops.
func factorPlain(a Matrix[float64]) bool {
	for k := range a.Rows {
		row := a.Data[k*a.Stride : k*a.Stride+a.Cols]
		for i := range k {
			above := a.Data[i*a.Stride : i*a.Stride+a.Cols]
			c := above[k]
			for j := k; j < len(row) && j < len(above); j++ {
				row[j] -= float64(c * above[j])
			}
		}
		d := row[k]
		if !(d > 0) || math.IsInf(d, 0) {
			return false
		}
		row[k] = math.Sqrt(d)
		inverse := 1 / row[k]
		for j := k + 1; j < len(row); j++ {
			row[j] *= inverse
		}
	}
	return true
}

// lose takes from the rows below a panel, on and above the diagonal, what its rows lo to hi-1 of
// U make of them, in blocks of rows.
func lose(p *Pool, a Matrix[float64], lo, hi int) {
	n := a.Rows
	for i := hi; i < n; {
		next := min(i+panelRows, n)
		gemmPart(p, kernel.Upper, 0, Trans, NoTrans, -1, part(a, lo, hi, i, next), part(a, lo, hi, i, n), 1, part(a, i, next, i, n))
		i = next
	}
}

// factorSpace is the work space of Cholesky.
type factorSpace struct {
	space []float64 // what is kept of a panel, see kernel.FactorSquare
	last  []float64 // the columns of its last block, where they are fewer than a block has

	a       Matrix[float64]
	lo, hi  int       // the rows of the panel
	at, end int       // and of the band that is at work, whose square is made,
	next    int       // up to the end of the band behind it
	kept    []float64 // of the band and of those below it
	spoilt  bool      // by a square that is not positive definite
}

// keptLength is the length of what is kept of rows behind k rows of a panel.
func keptLength(k, rows int) int {
	r := kernel.FactorRows()
	return kernel.FactorLength((k+rows+r-1)/r) - kernel.FactorLength(k/r)
}

// square factors the square of rows at to end-1 on the diagonal, of which u keeps what it is told.
func (s *factorSpace) square(at, end int, u []float64) bool {
	r, a := kernel.FactorRows(), s.a
	for ; at < end; at += r {
		k := at - s.lo
		if at+r > end {
			return s.corner(at, end, u)
		}
		if !kernel.FactorSquare(k, a.Data[s.lo*a.Stride+at:], a.Stride, u) {
			return false
		}
		if right := at + r; right < end {
			kernel.SolveRows(k, 1, u, a.Data[s.lo*a.Stride+right:], a.Stride, end-right)
		}
		u = u[(k+r)*r:]
	}
	return true
}

// corner factors the last square of a matrix, of fewer rows than a block has, among those of an
// identity.
func (s *factorSpace) corner(at, end int, u []float64) bool {
	r, k := kernel.FactorRows(), at-s.lo
	last := View(k+r, r, grow(&s.last, (k+r)*r))
	clear(last.Data)
	for i := s.lo; i < end; i++ {
		copy(last.Row(i - s.lo)[max(0, i-at):], s.a.Row(i)[max(i, at):end])
	}
	for i := end; i < at+r; i++ {
		last.Row(i - s.lo)[i-at] = 1
	}
	ok := kernel.FactorSquare(k, last.Data, r, u)
	for i := at; i < end; i++ {
		copy(s.a.Row(i)[i:end], last.Row(i - s.lo)[i-at:])
	}
	return ok
}

// right makes columns first to last-1 of the band, counted from behind its square. Whoever makes the
// first, which are those of the next band's square, makes that square too: it needs no other columns, and the
// others are made meanwhile.
func (s *factorSpace) right(first, last int) {
	at, a := s.at-s.lo, s.a
	kernel.SolveRows(at, (s.end-s.at)/kernel.FactorRows(), s.kept, a.Data[s.lo*a.Stride+s.end+first:], a.Stride, last-first)
	if first > 0 || s.end == s.hi {
		return
	}
	if s.end+last < s.next {
		panic("tensor: Cholesky: a square reaches beyond the columns that are made")
	}
	s.spoilt = !s.square(s.end, s.next, s.kept[keptLength(at, s.end-s.at):])
}
