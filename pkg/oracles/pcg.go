package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "pcg", Doc: "conjugate gradients, preconditioned by the k x k block of each example", Reference: "Concus, Golub and O'Leary 1976",
	}, PCG{}, func(s PCG) (Solver, error) { return s, nil })
}

// PCG is CG preconditioned by the block diagonal of A.
type PCG struct{}

func (PCG) Abilities() Abilities {
	return Abilities{
		System: func(n, k, budget int, pool *tensor.Pool) Linear {
			return newDualCG(n, budget, &blockDiagonal{pool: pool, factors: tensor.New[float64](n, k)})
		},
		Newton: true,
		Warm:   true,
		SystemSpace: func(n, k, budget int) (int, bool) { // two bases, a number for each pair, four vectors, and the factors of the blocks
			return size.Sum(size.Product(4, n), size.Product(size.Sum(n, n, 1), min(n, budget)), size.Product(n, k)), true
		},
	}
}

// blockDiagonal are the k x k blocks I + (gamma'/m) L_iᵀ K_ii L_i on the diagonal of A.
type blockDiagonal struct {
	pool    *tensor.Pool
	factors tensor.Matrix[float64] // Cholesky factors, one below the other
	k       int
}

// prepare factors the blocks. Where one is not finite, or not positive definite, which
// A then is not either, it returns the reason to stop.
func (d *blockDiagonal) prepare(sys *System) (stop string) {
	blocks, counters := sys.K.Blocks()
	sys.Counters.Add(counters)
	m, k := sys.u.Rows, sys.u.Cols
	d.k = k
	column, out := sys.v.Flat()[:k], sys.u.Flat()[:k]
	for i := range m {
		sum := 0.0
		from, to := blocks.RowRange(i*k, (i+1)*k), d.block(i)
		for a := range k {
			sys.factor.mulTOf(i, to.Row(a), from.Row(a))
		}
		for b := range k {
			for a := range k {
				column[a] = to.At(a, b)
			}
			sys.factor.mulTOf(i, out, column)
			for a := range k {
				v := sys.GammaOverM * out[a]
				if a == b {
					v++
				}
				to.Set(a, b, v)
				sum += v
			}
		}
		switch {
		case tensor.Cholesky(d.pool, to):
		case math.IsNaN(sum) || math.IsInf(sum, 0):
			stop = StoppedNonFinite
		case stop == "":
			stop = StoppedIndefinite
		}
	}
	sys.Counters.MultiplyAdds += int64(m) * int64(k) * int64(k) * int64(k) / 6
	return stop
}

func (d *blockDiagonal) block(i int) tensor.Matrix[float64] {
	return d.factors.RowRange(i*d.k, (i+1)*d.k)
}

func (d *blockDiagonal) solve(z, r []float64) {
	copy(z, r)
	for at := 0; at < len(z); at += d.k {
		tensor.CholeskySolve(d.pool, d.block(at/d.k), z[at:at+d.k])
	}
}
