package tensor

import "math"

// An InverseRoot makes A^(-1/p) of symmetric positive definite matrices by the coupled Newton
// iteration (Iannazzo 2006; Guo and Higham 2006, SIAM J. Matrix Anal. Appl. 28, equation 2.4)
//
//	T = ((p + 1) I - M)/p,  X = X T,  M = T^p M
//
// from X = I/c and M = A/c^p, where M tends to I and X to A^(-1/p). All are polynomials of A, so
// that products are symmetric and take half of the multiply-adds. Its work space serves matrices
// of any size up to that it was made for.
type InverseRoot struct {
	n          int
	m, x, t, s []float64
}

// NewInverseRoot returns one for matrices of up to n x n.
func NewInverseRoot(n int) *InverseRoot {
	return &InverseRoot{n, make([]float64, n*n), make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)}
}

// InverseRootSpace is the number of values that an InverseRoot keeps.
func InverseRootSpace(n int) int { return 4 * n * n }

// The iteration ends where M is I to rootTolerance, or no longer comes nearer, having come to
// rootAccepted; and gives up after rootIterations. Far from the end an eigenvalue of M that is
// small grows by (1 + 1/p)^p, 2.25 or 2.44, in each: these serve condition numbers up to
// rootCondition, beyond which the smallest eigenvalues of A are rounding errors.
const (
	rootTolerance  = 1e-13
	rootAccepted   = 1e-7
	rootIterations = 48
	rootCondition  = 1e14
)

// Root replaces a symmetric A by A^(-1/p), p 2 or 4, and returns the multiply-adds it took. It is
// not ok if A is not positive definite, to the precision of float64, or not finite; then A is
// as it was.
func (r *InverseRoot) Root(pool *Pool, a Matrix[float64], p int) (adds int64, ok bool) {
	n := a.Rows
	if a.Cols != n || n > r.n || p != 2 && p != 4 {
		panic("tensor: InverseRoot: the shape or the root does not fit")
	}
	view := func(v []float64) Matrix[float64] { return View(n, n, v[:n*n]) }
	m, x, t, s := view(r.m), view(r.x), view(r.t), view(r.s)

	// The largest eigenvalue is at most the largest sum of a row, and at most |A|: with M at
	// most (p + 1)/2 the first step does not overshoot.
	largest, squares := 0.0, 0.0
	for i := range n {
		sum := 0.0
		for _, v := range a.Row(i) {
			sum += math.Abs(v)
			squares += v * v
		}
		largest = max(largest, sum) // NaN, if there is one
	}
	largest = min(largest, math.Sqrt(squares))
	scale := float64(p+1) / (2 * largest)
	if !(largest > 0) || math.IsInf(largest, 0) || math.IsInf(scale, 0) {
		return 0, false
	}
	for i := range n {
		to := m.Row(i)
		for j, v := range a.Row(i) {
			to[j] = v * scale
		}
		clear(x.Row(i))
		x.Row(i)[i] = math.Pow(scale, 1/float64(p))
	}
	product := func(a, b, c Matrix[float64]) {
		LowerProduct(pool, 1, a, b, 0, c)
		Mirror(pool, c)
		adds += int64(n) * int64(n) * int64(n+1) / 2
	}
	last := math.Inf(1)
	for range rootIterations {
		// The error is that of M - I, whose largest element is at most its norm.
		err := 0.0
		for i := range n {
			for j, v := range m.Row(i) {
				if i == j {
					v--
				}
				if !(math.Abs(v) <= err) {
					err = math.Abs(v)
				}
			}
		}
		switch {
		case math.IsNaN(err) || math.IsInf(err, 0):
			return adds, false
		case err <= rootTolerance || err <= rootAccepted && err >= last/2:
			root := 0.0 // the largest eigenvalue of X, or less
			for i := range n {
				root = max(root, x.Row(i)[i])
			}
			if math.Pow(root, float64(p))*largest > rootCondition {
				return adds, false
			}
			for i := range n {
				copy(a.Row(i), x.Row(i))
			}
			return adds, true
		}
		last = err
		for i := range n {
			to := t.Row(i)
			for j, v := range m.Row(i) {
				to[j] = -v / float64(p)
			}
			to[i] += float64(p+1) / float64(p)
		}
		product(x, t, s)
		x, s = s, x
		product(t, t, s) // T²
		if p == 4 {
			product(s, s, t)
			s, t = t, s
		}
		product(s, m, t)
		m, t = t, m
	}
	return adds, false
}
