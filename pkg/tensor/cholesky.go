package tensor

import "math"

// panelCols is the number of columns that Cholesky factors at a time. The
// products behind a panel take most of the work, and grow with it; the loops
// within it are slow.
const panelCols = 64

// Cholesky replaces the lower triangle of a symmetric a by L, a = L Lᵀ. It
// reads and writes nothing above the diagonal but in blocks on it, and reports
// whether a is positive definite; if not, a is spoilt. It takes n³/6
// multiply-adds.
//
// It is the right-looking block form (Golub and Van Loan, Matrix Computations,
// section 4.2.9).
func Cholesky(p *Pool, a Matrix[float64]) bool {
	n := a.Rows
	if a.Cols != n {
		panic("tensor: Cholesky: the matrix is not square")
	}
	a.check()
	if n <= panelCols {
		return factorRows(a, 0, n)
	}
	g := argsOf[float64](p)
	defer func() { g.a = Matrix[float64]{} }()
	for lo := 0; lo < n; lo += panelCols {
		hi := min(lo+panelCols, n)
		if !factorRows(a, lo, hi) {
			return false
		}
		if hi == n {
			break
		}
		g.a, g.lo, g.hi = a, lo, hi
		p.For(n-hi, 8, g.panel)
		// What remains loses panel panelᵀ, in blocks of columns on and below
		// the diagonal.
		panel := func(from, to int) Matrix[float64] {
			return Matrix[float64]{to - from, hi - lo, a.Stride, a.Data[from*a.Stride+lo : (to-1)*a.Stride+hi]}
		}
		const block = 2 * panelCols
		for j := hi; j < n; j += block {
			end := min(j+block, n)
			c := Matrix[float64]{n - j, end - j, a.Stride, a.Data[j*a.Stride+j : (n-1)*a.Stride+end]}
			Gemm(p, NoTrans, Trans, -1, panel(j, n), panel(j, end), 1, c)
		}
	}
	return true
}

// factorRows factors the block on the diagonal, rows and columns lo to hi-1.
func factorRows(a Matrix[float64], lo, hi int) bool {
	for i := lo; i < hi; i++ {
		solveRow(a, i, lo, i)
		row := a.Row(i)
		d := row[i]
		for _, v := range row[lo:i] {
			d -= v * v
		}
		if !(d > 0) || math.IsInf(d, 0) {
			return false
		}
		row[i] = math.Sqrt(d)
	}
	return true
}

// solveRow replaces columns lo to hi-1 of a row by x, where x Lᵀ is what was
// there and L the factored block on the diagonal.
func solveRow[T Float](a Matrix[T], row, lo, hi int) {
	x := a.Row(row)[lo:hi]
	for j := range x {
		l := a.Row(lo + j)[lo : lo+j+1]
		v := x[j]
		for i := range j {
			v -= x[i] * l[i]
		}
		x[j] = v / l[j]
	}
}

// CholeskySolve replaces x by the solution of L Lᵀ y = x, with the lower
// triangle that Cholesky left.
func CholeskySolve(l Matrix[float64], x []float64) {
	if len(x) != l.Rows {
		panic("tensor: CholeskySolve: the vector has the wrong length")
	}
	for i := range x {
		row := l.Row(i)
		x[i] = (x[i] - Dot(nil, row[:i], x[:i])) / row[i]
	}
	for i := len(x) - 1; i >= 0; i-- {
		row := l.Row(i)
		x[i] /= row[i]
		Axpy(nil, -x[i], row[:i], x[:i])
	}
}
