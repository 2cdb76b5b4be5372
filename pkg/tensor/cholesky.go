package tensor

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// panelRows is the number of rows that Cholesky factors at a time, and plainRows the size up
// to which plain loops are faster than kernels.
const (
	panelRows = 64
	plainRows = 16
	panelCols = 64 // that one thread takes at a time
)

// Cholesky replaces the upper triangle of a symmetric a by U, a = Uᵀ U. It
// reads and writes nothing below the diagonal but in blocks on it, and reports
// whether a is positive definite; if not, a is spoilt. It takes n³/6
// multiply-adds.
//
// It is the right-looking block form (Golub and Van Loan, Matrix Computations,
// section 4.2.9), of Uᵀ in the place of L: rows of U are adjacent in memory, so that all it
// does is add rows to rows, and products behind a panel of rows.
func Cholesky(p *Pool, a Matrix[float64]) bool {
	n := a.Rows
	if a.Cols != n {
		panic("tensor: Cholesky: the matrix is not square")
	}
	a.check()
	if n <= plainRows {
		return factorPlain(a, 0, n)
	}
	g := argsOf[float64](p)
	defer func() { g.a = Matrix[float64]{} }()
	grow(&g.factor, panelRows*panelRows)
	band := bandRows(n)
	for first := 0; first < n; first += band {
		end := min(first+band, n)
		for lo := first; lo < end; lo += panelRows {
			hi := min(lo+panelRows, end)
			if !g.factorBlock(a, lo, hi) {
				return false
			}
			if hi == n {
				return true
			}
			// Row k of the panel loses Σ_i U_ik times row i of it, for i < k in the panel.
			g.a, g.lo, g.hi = a, lo, hi
			p.For(n-hi, panelCols, g.panel)
			lose(p, a, lo, hi, hi, end)
		}
		lose(p, a, first, end, end, n)
	}
	return true
}

// bandRows is the number of rows after which what remains is brought up to date: the more,
// the less often a matrix that is larger than the caches is read and written.
func bandRows(n int) int {
	switch {
	case n < 512:
		return panelRows
	case n < 1024:
		return 2 * panelRows
	}
	return 4 * panelRows
}

// lose takes from rows from to end-1, on and above the diagonal, what rows lo to hi-1 of U
// make of them, in blocks of rows.
func lose(p *Pool, a Matrix[float64], lo, hi, from, end int) {
	n := a.Rows
	for i := from; i < end; {
		next := min(i+4*panelRows, end)
		gemmPart(p, kernel.Upper, 0, Trans, NoTrans, -1, part(a, lo, hi, i, next), part(a, lo, hi, i, n), 1, part(a, i, next, i, n))
		i = next
	}
}

// factorPlain factors rows and columns lo to hi-1.
func factorPlain(a Matrix[float64], lo, hi int) bool {
	for k := lo; k < hi; k++ {
		row := a.Data[k*a.Stride : k*a.Stride+hi]
		for i := lo; i < k; i++ {
			above := a.Data[i*a.Stride : i*a.Stride+hi]
			c := above[k]
			for j := k; j < len(row) && j < len(above); j++ {
				row[j] -= c * above[j]
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

// factorBlock factors the block on the diagonal, rows and columns lo to hi-1, and leaves in
// row k of factor the -U_ik that row k of the panel is made with.
func (g *args[T]) factorBlock(a Matrix[T], lo, hi int) bool {
	for k := lo; k < hi; k++ {
		row, above := a.Row(k), g.factor[(k-lo)*panelRows:][:k-lo]
		for i := range above {
			above[i] = -a.Data[(lo+i)*a.Stride+k]
		}
		if len(above) > 0 {
			kernel.AddRows(row[k:hi], a.Data[lo*a.Stride+k:], a.Stride, above)
		}
		d := float64(row[k])
		if !(d > 0) || math.IsInf(d, 0) {
			return false
		}
		row[k] = T(math.Sqrt(d))
		kernel.Scale(1/row[k], row[k+1:hi])
	}
	return true
}

// panelColumns makes columns first to end-1 of the panel's rows, counted from hi.
func (g *args[T]) panelColumns(first, end int) {
	from, to := g.hi+first, g.hi+end
	for k := g.lo; k < g.hi; k++ {
		row := g.a.Row(k)
		if k > g.lo {
			kernel.AddRows(row[from:to], g.a.Data[g.lo*g.a.Stride+from:], g.a.Stride, g.factor[(k-g.lo)*panelRows:][:k-g.lo])
		}
		kernel.Scale(1/row[k], row[from:to])
	}
}

// CholeskySolve replaces x by the solution of Uᵀ U y = x, with the upper
// triangle that Cholesky left.
func CholeskySolve(u Matrix[float64], x []float64) {
	if len(x) != u.Rows {
		panic("tensor: CholeskySolve: the vector has the wrong length")
	}
	n := len(x)
	if n <= plainRows {
		solvePlain(u, x)
		return
	}
	for i := range x {
		row := u.Row(i)
		x[i] /= row[i]
		Axpy(nil, -x[i], row[i+1:], x[i+1:])
	}
	for i := n - 1; i >= 0; i-- {
		row := u.Row(i)
		x[i] = (x[i] - Dot(nil, row[i+1:], x[i+1:])) / row[i]
	}
}

func solvePlain(u Matrix[float64], x []float64) {
	for i := range x {
		row := u.Row(i)
		x[i] /= row[i]
		for j := i + 1; j < len(x) && j < len(row); j++ {
			x[j] -= x[i] * row[j]
		}
	}
	for i := len(x) - 1; i >= 0; i-- {
		row := u.Row(i)
		v := x[i]
		for j := i + 1; j < len(x) && j < len(row); j++ {
			v -= x[j] * row[j]
		}
		x[i] = v / row[i]
	}
}
