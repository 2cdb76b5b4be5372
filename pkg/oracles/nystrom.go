package oracles

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "nystrom", Doc: "conjugate gradients, preconditioned by a random sketch of K of a rank, which takes as many products", Reference: "Frangella, Tropp and Udell 2021, arXiv 2110.02820",
	}, Nystrom{Rank: 32}, newNystrom, Nystrom{Rank: 3})
}

// Nystrom is CG preconditioned by the Nyström approximation of M = Lᵀ K L from a Gaussian sketch:
// rank products with K for each system.
type Nystrom struct {
	Rank int `yaml:"rank" doc:"columns of the sketch; no more than there are unknowns are taken"`
}

func newNystrom(s Nystrom) (Solver, error) {
	if s.Rank < 1 {
		return nil, strict.Field("rank", "must be a positive number of columns, as 32, got %d; without a preconditioner take solver: cg", s.Rank)
	}
	return s, nil
}

func (s Nystrom) Abilities() Abilities {
	return Abilities{
		System: func(n, _, budget int, pool *tensor.Pool) Linear {
			return newDualCG(n, budget, newSketch(min(s.Rank, n), n, pool))
		},
		Newton: true,
		Warm:   true,
		Sketch: s.Rank,
		Extra: func(n, budget int) int { // the factors of the sketch, and P⁻¹ for each iteration
			r := min(s.Rank, n)
			return size.Sum(size.Product(13, r, r, n)/2, size.Product(17, r, r, r)/3, size.Product(2, r, n, size.Sum(budget, 1)))
		},
		SystemSpace: func(n, _, budget int) (int, bool) { // two bases, a number for each pair, four vectors, and the sketch
			r := min(s.Rank, n)
			return size.Sum(size.Product(4, n), size.Product(size.Sum(n, n, 1), min(n, budget)), size.Product(size.Sum(2*r, min(r, stripRows), 1), n), size.Product(r, size.Sum(2*r, 3, eigenWork))), false
		},
	}
}

// A sketch is the preconditioner of [Nystrom] (Frangella, Tropp and Udell 2021, algorithm 2.1 and
// section 5). Vectors of n numbers are rows of its matrices. With c = gamma'/m, and the rank-r
// approximation U diag(lambda) Uᵀ of M, U of orthonormal columns,
//
//	P⁻¹ = (c lambda_r + 1) U (c lambda + 1)⁻¹ Uᵀ + I - U Uᵀ
type sketch struct {
	pool *tensor.Pool
	rank int

	omega, y []float64 // r n: the test matrix, later U; M omega, later its factors
	strip    []float64 // n for each of some rows of L omega
	core     []float64 // r r
	along    []float64 // r r: omega M omegaᵀ, later R
	values   []float64 // r
	weights  []float64 // r: of P⁻¹ - I along U
	t, work  []float64 // r; for eigenvectors
	spare    []float64 // n

	chance rand.PCG
	rng    *rand.Rand // of chance

	system *System                // the last one, whose counters solve adds to
	u      tensor.Matrix[float64] // U, a column in each row; of no rows, where M omega = 0
}

// stripRows is how many rows are multiplied by K together, at most.
const stripRows = 32

// eigenWork is what lapack64.Syev needs at least for each row of a matrix. With more it works on blocks,
// in threads of its own.
const eigenWork = 3

func newSketch(rank, n int, pool *tensor.Pool) *sketch {
	s := &sketch{
		pool: pool, rank: rank, omega: make([]float64, rank*n), y: make([]float64, rank*n),
		strip: make([]float64, min(rank, stripRows)*n), core: make([]float64, rank*rank), along: make([]float64, rank*rank),
		values: make([]float64, rank), weights: make([]float64, rank), t: make([]float64, rank),
		work: make([]float64, eigenWork*rank), spare: make([]float64, n),
	}
	s.rng = rand.New(&s.chance)
	return s
}

// streamSketch tells the stream of random numbers from those of other uses of a seed.
const streamSketch = 0x6e_79_73

// Shifts. The approximation is that of M + nu I, from whose eigenvalues nu is taken: so the rounding
// errors of M omega do not spoil it. The first nu is √n unit |M omega|; where the core is not
// positive definite, it grows.
const (
	shiftGrows = 0x1p6
	shiftTries = 6
)

// prepare draws omega, and sketches M.
func (s *sketch) prepare(sys *System) (stop string) {
	n := len(sys.u.Flat())
	omega := tensor.View(min(s.rank, n), n, s.omega[:min(s.rank, n)*n])
	s.chance.Seed(sys.seed^streamSketch, sys.step)
	for i := range omega.Data {
		omega.Data[i] = s.rng.NormFloat64()
	}
	return s.approximate(sys, omega)
}

// approximate makes U and lambda from omega, whose place U takes. A core that no shift makes
// positive definite says that M is not positive semidefinite.
func (s *sketch) approximate(sys *System, omega tensor.Matrix[float64]) (stop string) {
	r, n := omega.Rows, omega.Cols
	y := tensor.View(r, n, s.y[:r*n])
	s.system = sys
	began, adds := time.Now(), sys.Counters.MultiplyAdds
	s.orthonormalise(omega, tensor.Matrix[float64]{}) // its rows
	sys.factored.Since(began, sys.Counters.MultiplyAdds-adds)
	s.multiply(sys, y, omega)
	began, adds = time.Now(), sys.Counters.MultiplyAdds
	defer func() { sys.factored.Since(began, sys.Counters.MultiplyAdds-adds) }()
	norm := math.Sqrt(dot(y.Data, y.Data))
	if !finite(norm) {
		return StoppedNonFinite
	}
	if norm == 0 { // P = I
		s.u = omega.RowRange(0, 0)
		return ""
	}
	nu, ok := s.factor(y, omega, max(sys.unit, 0x1p-53)*math.Sqrt(float64(n))*norm)
	if !ok {
		return StoppedIndefinite
	}
	// M + nu I is about Bᵀ B with the rows B that y holds now. B = R Q and Rᵀ R = W diag(sigma²) Wᵀ:
	// U = Qᵀ W, lambda = sigma² - nu.
	along := tensor.View(r, r, s.along[:r*r])
	clear(along.Data)
	s.orthonormalise(y, along)
	core := tensor.View(r, r, s.core[:r*r])
	tensor.Gemm(s.pool, tensor.Trans, tensor.NoTrans, 1, along, along, 0, core)
	if !lapack64.Syev(lapack.EVCompute, blas64.Symmetric{N: r, Stride: r, Data: core.Data, Uplo: blas.Upper}, s.values[:r], s.work, len(s.work)) {
		return StoppedNonFinite
	}
	s.u = omega
	tensor.Gemm(s.pool, tensor.Trans, tensor.NoTrans, 1, core, y, 0, s.u)
	c := sys.GammaOverM
	least := c*max(s.values[0]-nu, 0) + 1 // values rise
	for i, v := range s.values[:r] {
		s.weights[i] = least/(c*max(v-nu, 0)+1) - 1
	}
	cube := int64(r) * int64(r) * int64(r)
	sys.Counters.MultiplyAdds += int64(n)*int64(r)*int64(r) + cube + 9*cube/2
	return ""
}

// A rowMultiplier is a [GramOperator] that may multiply many vectors of m k numbers, the rows of v,
// by K at the same time: u = v K. It reports whether it did.
type rowMultiplier interface {
	mulRows(u, v tensor.Matrix[float64]) (Counters, bool)
}

// multiply sets y = M omega, strips of rows at a time where K can, or row by row.
func (s *sketch) multiply(sys *System, y, omega tensor.Matrix[float64]) {
	many, _ := sys.K.(rowMultiplier)
	for lo := 0; lo < omega.Rows; lo += stripRows {
		hi := min(lo+stripRows, omega.Rows)
		if many != nil {
			strip := tensor.View(hi-lo, omega.Cols, s.strip[:(hi-lo)*omega.Cols])
			for i := range strip.Rows {
				sys.factor.mul(strip.Row(i), omega.Row(lo+i))
			}
			began := time.Now()
			if counters, ok := many.mulRows(y.RowRange(lo, hi), strip); ok {
				sys.products += time.Since(began)
				sys.Counters.Add(counters)
				for i := range strip.Rows {
					sys.factor.mulT(strip.Row(i), y.Row(lo+i))
					copy(y.Row(lo+i), strip.Row(i))
				}
				continue
			}
		}
		for i := lo; i < hi; i++ {
			sys.Mul(y.Row(i), omega.Row(i))
		}
	}
}

// factor replaces y by the rows B = C⁻ᵀ (y + nu omega), with the Cholesky factor C of the core
// omega (y + nu omega)ᵀ. It returns the first nu for which there is one.
func (s *sketch) factor(y, omega tensor.Matrix[float64], nu float64) (shift float64, ok bool) {
	r, n := y.Rows, y.Cols
	core, plain := tensor.View(r, r, s.core[:r*r]), tensor.View(r, r, s.along[:r*r])
	tensor.Gemm(s.pool, tensor.NoTrans, tensor.Trans, 1, omega, y, 0, plain)
	s.system.Counters.MultiplyAdds += int64(n) * int64(r) * int64(r)
	for range 1 + shiftTries {
		for i := range r {
			for j := i; j < r; j++ {
				core.Set(i, j, (plain.At(i, j)+plain.At(j, i))/2)
			}
			core.Set(i, i, core.At(i, i)+nu) // omega omegaᵀ = I
		}
		s.system.Counters.MultiplyAdds += int64(r) * int64(r) * int64(r) / 6
		if ok = tensor.Cholesky(s.pool, core); ok {
			break
		}
		nu *= shiftGrows
	}
	if !ok {
		return nu, false
	}
	spare, t := s.spare[:n], s.t
	for j := range r {
		row := y.Row(j)
		axpy(nu, omega.Row(j), row)
		if j > 0 { // what the rows before have
			for i := range j {
				t[i] = core.At(i, j)
			}
			tensor.Combine(s.pool, y.RowRange(0, j), t[:j], spare)
			axpy(-1, spare, row)
		}
		tensor.Scale(nil, 1/core.At(j, j), row)
	}
	s.system.Counters.MultiplyAdds += int64(n) * int64(r) * int64(r) / 2
	return nu, true
}

// dependent is the part of a row that is left beside those before from which it counts as none.
const dependent = 0x1p-48

// orthonormalise makes the rows of a orthonormal, by Gram and Schmidt, twice, and sets row j of
// coefficients, if there is one, to those of row j before: a = coefficients q. A row that depends on
// those before becomes 0.
func (s *sketch) orthonormalise(a, coefficients tensor.Matrix[float64]) {
	n, spare := a.Cols, s.spare[:a.Cols]
	for j := range a.Rows {
		row, before, t := a.Row(j), a.RowRange(0, j), s.t[:j]
		size := math.Sqrt(dot(row, row))
		for range 2 {
			if j == 0 {
				break
			}
			tensor.Gemv(s.pool, before, row, t)
			tensor.Combine(s.pool, before, t, spare)
			axpy(-1, spare, row)
			if !coefficients.IsZero() {
				axpy(1, t, coefficients.Row(j)[:j])
			}
		}
		left := math.Sqrt(dot(row, row))
		if left <= dependent*size {
			clear(row)
			continue
		}
		tensor.Scale(nil, 1/left, row)
		if !coefficients.IsZero() {
			coefficients.Set(j, j, left)
		}
	}
	s.system.Counters.MultiplyAdds += 2 * int64(n) * int64(a.Rows) * int64(a.Rows)
}

// solve sets z = P⁻¹ r = r + Uᵀ diag(weights) U r, with the columns of U as rows.
func (s *sketch) solve(z, r []float64) {
	if s.u.Rows == 0 {
		copy(z, r)
		return
	}
	t := s.t[:s.u.Rows]
	tensor.Gemv(s.pool, s.u, r, t)
	for i, w := range s.weights[:len(t)] {
		t[i] *= w
	}
	tensor.Combine(s.pool, s.u, t, z)
	axpy(1, r, z)
	s.system.Counters.MultiplyAdds += 2 * int64(len(r)) * int64(len(t))
}
