package kernel

import "math"

// A triangular holds the kernels of factorisations A = Uᵀ U of one instruction set; nil stands
// for Go. They work on blocks of rows, as many as a vector of float64 has lanes.
//
// What is known of a panel of rows of U is kept in u, which solve reads in order: for each block
// of rows, the columns of the block, from the panel's first row to the block's last, with the
// inverses of the diagonal in its place.
type triangular struct {
	factor func(k int, a *float64, rowA int, u *float64)
	solve  func(k, blocks int, u, b *float64, rowB, strips, last int, mask *byte)
}

// goBlock is the number of rows of a block in Go.
const goBlock = 4

// FactorRows returns the number of rows of a block.
func FactorRows() int {
	if g := setOf[float64](); g != nil {
		return g.lanes
	}
	return goBlock
}

// FactorLength returns how many numbers are kept in u of a panel of so many blocks.
func FactorLength(blocks int) int { return FactorRows() * FactorRows() * (blocks * (blocks + 1) / 2) }

// FactorSquare makes the square of U on the diagonal behind k rows of the panel, which the
// columns in a begin with: it replaces the square, and what it leaves below its diagonal is
// worthless. It writes k + FactorRows() rows of the block's columns to u, and reports whether
// the square is positive definite and finite; if not, both are spoilt.
func FactorSquare(k int, a []float64, lda int, u []float64) bool {
	r := FactorRows()
	if lda < r || len(a) < (k+r-1)*lda+r || len(u) < (k+r)*r {
		panic("kernel: FactorSquare: a square that is larger than its data")
	}
	if t := triangulars[active]; t != nil {
		t.factor(k, &a[0], 8*lda, &u[0])
	} else {
		factorGo(k, a, lda, u)
	}
	for i := range r {
		// A pivot that is not positive leaves a NaN, an infinite one too.
		if v := a[(k+i)*lda+i]; !(v > 0) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// SolveRows makes n columns of some blocks of rows of U, right of their squares: those below k
// rows of the panel, with which the columns in b begin, of whole blocks too. From u it takes what
// FactorSquare wrote, a block behind the other.
func SolveRows(k, blocks int, u, b []float64, ldb, n int) {
	if blocks == 0 || n == 0 {
		return
	}
	r := FactorRows()
	if k%r != 0 {
		panic("kernel: SolveRows: a part of a block above")
	}
	if ldb < n || len(b) < (k+blocks*r-1)*ldb+n || len(u) < blocks*k*r+FactorLength(blocks) {
		panic("kernel: SolveRows: rows that are longer than their data")
	}
	t := triangulars[active]
	if t == nil {
		solveGo(k, blocks, u, b, ldb, n)
		return
	}
	width := setOf[float64]().wide * r // of a strip
	rest, last, mask := n%width, 0, (*byte)(nil)
	if rest > 0 {
		last, mask = (rest+r-1)/r, setOf[float64]().masks[rest]
	}
	t.solve(k, blocks, &u[0], &b[0], 8*ldb, n/width, last, mask)
}

// factorGo is the kernel in Go.
func factorGo(k int, a []float64, lda int, u []float64) {
	const r = goBlock
	for p := range k {
		copy(u[p*r:p*r+r], a[p*lda:p*lda+r])
	}
	for i := range r {
		row, to := (*[r]float64)(a[(k+i)*lda:]), (*[r]float64)(u[(k+i)*r:])
		var sum [r]float64
		for p := range k + i {
			above := (*[r]float64)(u[p*r:])
			for j := i; j < r; j++ {
				sum[j] += float64(above[i] * above[j])
			}
		}
		inverse := 1 / math.Sqrt(row[i]-sum[i])
		for j := i; j < r; j++ {
			row[j] = (row[j] - sum[j]) * inverse
		}
		*to = *row
		to[i] = inverse
	}
}

// solveGo is the kernel in Go, of two columns at a time.
func solveGo(k, blocks int, u, b []float64, ldb, n int) {
	const r = goBlock
	for range blocks {
		for j := 0; j < n; j += 2 {
			next := min(j+1, n-1)                      // the last of an odd number is made twice
			var s0, s1, s2, s3, t0, t1, t2, t3 float64 // sums of the rows, for two columns: arrays of them would not be in registers
			for p := range k {
				c, row := (*[r]float64)(u[p*r:]), b[p*ldb:p*ldb+n]
				v, w := row[j], row[next]
				s0 += float64(c[0] * v)
				s1 += float64(c[1] * v)
				s2 += float64(c[2] * v)
				s3 += float64(c[3] * v)
				t0 += float64(c[0] * w)
				t1 += float64(c[1] * w)
				t2 += float64(c[2] * w)
				t3 += float64(c[3] * w)
			}
			x, y := [r]float64{s0, s1, s2, s3}, [r]float64{t0, t1, t2, t3}
			for i := range r {
				row := b[(k+i)*ldb : (k+i)*ldb+n]
				v, w := row[j]-x[i], row[next]-y[i]
				for p := range i {
					c := u[(k+p)*r+i]
					v -= float64(c * x[p])
					w -= float64(c * y[p])
				}
				c := u[(k+i)*r+i]
				x[i], y[i] = v*c, w*c
			}
			for i := range r {
				row := b[(k+i)*ldb : (k+i)*ldb+n]
				row[j], row[next] = x[i], y[i]
			}
		}
		u = u[(k+r)*r:]
		k += r
	}
}
