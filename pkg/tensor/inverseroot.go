package tensor

import "math"

// An InverseRoot makes A^(-1/p) of symmetric positive definite matrices by the coupled Newton
// iteration (Iannazzo 2006; Guo and Higham 2006, SIAM J. Matrix Anal. Appl. 28, equation 2.4)
//
//	T = ((p + 1) I - M)/p,  X = X T,  M = T^p M
//
// from X = I/c and M = A/c^p, where M tends to I and X to A^(-1/p). Before it, M becomes mu M and X
// mu^(1/p) X, with a mu >= 1 that brings small eigenvalues up faster, see [scaled] (as Chen and Chow
// 2014 scale Newton and Schulz's iteration for the sign). All are polynomials of A, so that
// products are symmetric and take half of the multiply-adds. Its work space serves matrices of any
// size up to that it was made for.
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
// small grows by mu (1 + 1/p)^p in each, where without mu that is 2.25 or 2.44: these serve condition
// numbers up to rootCondition, beyond which the smallest eigenvalues of A are rounding errors, even
// if mu is 1.
const (
	rootTolerance  = 1e-13
	rootAccepted   = 1e-7
	rootIterations = 48
	rootCondition  = 1e14
)

// powerSteps of inverse iteration, from a start that is no eigenvector, tell the smallest
// eigenvalue well enough: half of what they find is taken, and mu need not be the best.
const powerSteps = 4

// topLeft is what the iteration may leave of the largest eigenvalue of M, of which it leaves as
// many rounding errors more.
const topLeft = 1. / 64

// stopScaling is where mu is 1 from then on, and convergence of second order.
const stopScaling = 0.9

// moved is what an iteration makes of an eigenvalue z of M: F(z) = ((p + 1 - z)/p)^p z, which
// rises to 1 at z = 1, and falls to 0 at p + 1.
func moved(z float64, p int) float64 { return math.Pow((float64(p+1)-z)/float64(p), float64(p)) * z }

// scaled returns the mu for eigenvalues of M between least and 1, and where the smallest of them
// then go: the largest mu with F(mu) >= F(mu least), but for topLeft. The larger mu, the faster
// small ones rise; beyond it those near 1 would be left behind.
func scaled(least float64, p int) (mu, next float64) {
	low, high := 1.0, float64(p+1)
	for range 40 {
		if mu = (low + high) / 2; moved(mu, p) >= max(moved(mu*least, p), topLeft) {
			low = mu
		} else {
			high = mu
		}
	}
	return low, min(moved(low, p), moved(low*least, p))
}

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

	// The largest eigenvalue is at most the largest sum of a row, and at most |A|: M is at most I.
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
	scale := 1 / largest
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
	least, ok := leastEigenvalue(pool, m, s, t.Row(0))
	adds = int64(n)*int64(n)*int64(n)/6 + powerSteps*int64(n)*int64(n)
	if !ok {
		return adds, false
	}
	product := func(alpha float64, a, b, c Matrix[float64]) {
		LowerProduct(pool, alpha, a, b, 0, c)
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
		mu := 1.0
		if least < stopScaling {
			mu, least = scaled(least, p)
		}
		for i := range n {
			to := t.Row(i)
			for j, v := range m.Row(i) {
				to[j] = -mu * v / float64(p)
			}
			to[i] += float64(p+1) / float64(p)
		}
		product(math.Pow(mu, 1/float64(p)), x, t, s)
		x, s = s, x
		product(1, t, t, s) // T²
		if p == 4 {
			product(1, s, s, t)
			s, t = t, s
		}
		product(mu, s, m, t)
		m, t = t, m
	}
	return adds, false
}

// leastEigenvalue returns about half of the smallest eigenvalue of a, by inverse iteration with the
// factor of Cholesky, or more. work has the size of a, and v that of a row. It is not ok
// if a is not positive definite.
func leastEigenvalue(pool *Pool, a, work Matrix[float64], v []float64) (least float64, ok bool) {
	for i := range a.Rows {
		copy(work.Row(i)[i:], a.Row(i)[i:])
	}
	if !Cholesky(pool, work) {
		return 0, false
	}
	for i := range v { // signs and sizes that no eigenvector of a use has
		v[i] = 1 + math.Mod(float64(i)*math.Phi, 1)
		if i%2 > 0 {
			v[i] = -v[i]
		}
	}
	size := 1.0
	for range powerSteps {
		Scale(nil, 1/size, v)
		before := Norm2(nil, v)
		CholeskySolve(pool, work, v)
		size = Norm2(nil, v)
		least = before / size
		if !(size > 0) || math.IsInf(size, 0) {
			return 0, false
		}
	}
	return least / 2, true
}
