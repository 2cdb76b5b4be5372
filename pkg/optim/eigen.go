package optim

import (
	"cmp"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/tensor"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// eigenvectors sorts, and makes the eigenvectors that a run begins with.
type eigenvectors struct {
	order  []int
	values []float64
	fall   func(a, b int) int // compares values
}

func newEigenvectors(n int) *eigenvectors {
	e := &eigenvectors{order: make([]int, n), values: make([]float64, n)}
	e.fall = func(a, b int) int { return cmp.Compare(e.values[b], e.values[a]) }
	return e
}

// sort puts indices in the order of falling values.
func (e *eigenvectors) sort(order []int) { slices.SortStableFunc(order, e.fall) }

// eigenBasis sets Qᵀ to the eigenvectors of the mean, those of the largest eigenvalues first, and
// reports whether they were found; if not, it stays. It allocates, and is called once in a run.
func eigenBasis[T tensor.Float](e *eigenvectors, b *basis[T]) bool {
	n := b.n
	a := make([]float64, n*n)
	for i := range n {
		for j, v := range b.mean[i*n:][:i+1] {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return false
			}
			a[i*n+j] = float64(v)
		}
	}
	m := blas64.Symmetric{N: n, Stride: n, Data: a, Uplo: blas.Lower}
	best := make([]float64, 1)
	lapack64.Syev(lapack.EVCompute, m, e.values[:n], best, -1)
	work := make([]float64, int(best[0]))
	if !lapack64.Syev(lapack.EVCompute, m, e.values[:n], work, len(work)) {
		return false
	}
	for i := range n {
		for j := range n {
			b.q[i*n+j] = T(a[j*n+n-1-i])
		}
	}
	return true
}
