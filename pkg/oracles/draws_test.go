package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// referenceSystem is the system of testdata/solvers.npz.
func referenceSystem(t *testing.T) (sys *System, b []float64, numbers func(name string) tensor.Matrix[float64]) {
	list := readArrays(t, "testdata/solvers.npz")
	numbers = func(name string) tensor.Matrix[float64] {
		a, ok := list[name]
		if !ok {
			t.Fatalf("no array %s", name)
		}
		rows := 1
		if len(a.Shape) == 2 {
			rows = a.Shape[0]
		}
		return tensor.View(rows, a.Len()/rows, a.Float64s())
	}
	z, y := numbers("z"), numbers("y")
	mat := func() tensor.Matrix[float64] { return tensor.New[float64](z.Rows, z.Cols) }
	sys = &System{
		K: fakeGram{numbers("k")}, GammaOverM: 40, factor: ggnFactor{losses.Weighted{Loss: losses.Logistic{}}, mat()},
		v: mat(), u: mat(), kx: mat(), descent: descent{math.Inf(-1), 1},
	}
	sys.factor.set(z, y)
	return sys, numbers("b").Data, numbers
}

// TestSolversReference: with the coordinates and the test matrix given, the iterates are those of
// the papers' formulas in numpy (scripts/oracles/solvers.py).
func TestSolversReference(t *testing.T) {
	sys, b, numbers := referenceSystem(t)
	n, worst := len(b), 0.0
	near := func(what string, got, want []float64) {
		d := distance(got, want)
		if worst = max(worst, d); !(d < 1e-10) {
			t.Errorf("%s is %.2g away", what, d)
		}
	}
	coordinates, want := numbers("coordinates"), numbers("dual_descent")
	s := newDualDescent(SDD{Batch: 7, LearningRate: 1, Momentum: 0.9, Averaging: 20}, n, 3, nil)
	a := s.form(sys)
	step, ok := s.step(a, s.Batch)
	if !ok {
		t.Fatal("no step")
	}
	s.begin(sys, n)
	x, r, out := make([]float64, n), make([]float64, n), Solution{}
	for i := range coordinates.Rows {
		chosen := make([]int, s.Batch)
		for j, c := range coordinates.Row(i) {
			chosen[j] = int(c)
		}
		s.iterate(a, b, chosen, step, min(1, s.Averaging/float64(coordinates.Rows)))
		s.take(sys, x, b, r, 1, Stop{Iterations: coordinates.Rows}, &out)
		near(fmt.Sprintf("sdd, iterate %d", i), x, want.Row(i))
	}
	out.Vector = r
	s.finish(sys, x, b, &out, math.Sqrt(dot(b, b)))
	full := dense(sys)
	for i := range r {
		if e := b[i] - dot(full.Row(i), x); math.Abs(e-r[i]) > 1e-10 {
			t.Fatalf("sdd: the residual is %g in %d, want %g", r[i], i, e)
		}
	}

	omega, iterates := numbers("omega"), numbers("nystrom")
	given := givenSketch{newSketch(omega.Rows, n, nil), omega}
	if reason := given.prepare(sys); reason != "" {
		t.Fatal(reason)
	}
	ones, pre := make([]float64, n), make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	given.solve(pre, ones)
	near("P⁻¹ 1", pre, numbers("inverse").Data)
	cg := newDualCG(n, iterates.Rows, given)
	for i := range iterates.Rows {
		cg.Solve(sys, x, b, Stop{Iterations: i + 1})
		near(fmt.Sprintf("nystrom, iterate %d", i), x, iterates.Row(i))
	}
	t.Logf("at most %.2g away", worst)
}

// givenSketch is a sketch with a test matrix that is not drawn.
type givenSketch struct {
	*sketch
	omega tensor.Matrix[float64]
}

func (s givenSketch) prepare(sys *System) string {
	return s.approximate(sys, tensor.View(s.omega.Rows, s.omega.Cols, slices.Clone(s.omega.Data)))
}

// TestDrawnSolves: solvers that draw come to the solution of a dense solve.
func TestDrawnSolves(t *testing.T) {
	for _, l := range []string{"logistic", "squared", "huber", "squared_hinge", "binary_logistic"} {
		_, p := newProblem[float64](losses.Known.Default(l).Must(), 9, nil)
		for _, solver := range []Solver{
			Nystrom{1}, Nystrom{5}, Nystrom{1000}, SDD{Batch: 1, LearningRate: 1, Momentum: 0.9, Averaging: 2000},
			SDD{Batch: 8, LearningRate: 1, Momentum: 0.9, Averaging: 2000}, SDD{Batch: 1000, LearningRate: 1, Averaging: 0},
		} {
			sys, b := systemOf(p, 0.3)
			n := len(b)
			x, want, a := make([]float64, n), slices.Clone(b), dense(sys)
			if !tensor.Cholesky(nil, a) {
				t.Fatal("A is not positive definite")
			}
			tensor.CholeskySolve(nil, a, want)
			out := solver.Abilities().System(n, sys.u.Cols, 20000, nil).Solve(sys, x, b, Stop{Iterations: 20000, Tolerance: 1e-12})
			if d := distance(x, want); d > 1e-10 || out.Reason != StoppedTolerance && out.Reason != StoppedExact {
				t.Errorf("%s, %+v: %.2g away, %v", l, solver, d, out)
			}
		}
	}
}

// powerLaw is a K of n x n whose eigenvalues fall as 1/i^power.
func powerLaw(n int, power float64) tensor.Matrix[float64] {
	rng := rand.New(rand.NewPCG(7, 7))
	q, k := tensor.New[float64](n, n), tensor.New[float64](n, n)
	for i := range q.Data {
		q.Data[i] = rng.NormFloat64()
	}
	tensor.NewOrthonormal[float64](n).Rows(nil, q)
	scaled := tensor.New[float64](n, n)
	for i := range n {
		axpy(math.Pow(float64(i+1), -power), q.Row(i), scaled.Row(i))
	}
	tensor.Gemm(nil, tensor.Trans, tensor.NoTrans, 1, q, scaled, 0, k)
	return k
}

// systemWith is the system of one output with L = I and a K, and a right-hand side.
func systemWith(k tensor.Matrix[float64], c float64) (sys *System, b []float64) {
	n := k.Rows
	mat := func() tensor.Matrix[float64] { return tensor.New[float64](n, 1) }
	ones := mat()
	rng := rand.New(rand.NewPCG(1, 1))
	b = make([]float64, n)
	for i := range n {
		ones.Flat()[i], b[i] = 1, rng.NormFloat64()
	}
	return &System{K: fakeGram{k}, GammaOverM: c, factor: ggnFactor{losses.Weighted{Loss: losses.Squared{}}, ones}, v: mat(), u: mat(), kx: mat(), descent: descent{math.Inf(-1), 1}}, b
}

// TestNystromConditions: where eigenvalues fall fast, the sketch takes the large ones out of an
// ill-conditioned system, which then takes several times fewer iterations than with cg.
func TestNystromConditions(t *testing.T) {
	k := powerLaw(300, 4)
	const c = 1e8 // a condition of 1e8, with 100 eigenvalues above 2
	solve := func(s Solver) Solution {
		sys, b := systemWith(k, c)
		return s.Abilities().System(300, 1, 300, nil).Solve(sys, make([]float64, 300), b, Stop{Iterations: 300, Tolerance: 1e-8})
	}
	plain, last := solve(CG{}), 300
	for rank, times := range map[int]int{100: 4, 200: 10} {
		s := solve(Nystrom{rank})
		t.Logf("cg: %v; nystrom, rank %d: %v", plain, rank, s)
		if s.Reason != StoppedTolerance || times*s.Iterations > plain.Iterations {
			t.Errorf("rank %d: %v, cg %v", rank, s, plain)
		}
	}
	for _, rank := range []int{1, 10, 50, 100} {
		s := solve(Nystrom{rank})
		if s.Iterations > last {
			t.Errorf("rank %d: %v, %d iterations with less", rank, s, last)
		}
		last = s.Iterations
	}
}

// TestSketchForms: a sketch by products of matrices is that by single products, and costs what these
// do.
func TestSketchForms(t *testing.T) {
	_, p := newProblem[float64](losses.Logistic{}, 9, nil)
	var inverse [2][]float64
	var counters [2]Counters
	for i, form := range []Form{MatrixFree, Formed} {
		sys, b := systemOf(p, 3)
		gram := newGram[float64](form, false, false, nil)
		gram.Reset(p.Gradient.Jacobian)
		sys.K = gram
		sys.K.Mul(sys.u, sys.v) // forms K
		sys.Counters = Counters{}
		s := newSketch(5, len(b), nil)
		if reason := s.prepare(sys); reason != "" {
			t.Fatal(reason)
		}
		inverse[i], counters[i] = make([]float64, len(b)), sys.Counters
		s.solve(inverse[i], b)
	}
	if d := distance(inverse[1], inverse[0]); d > 1e-11 {
		t.Errorf("P⁻¹ b is %.2g away", d)
	}
	if counters[0].JVPs != 5 || counters[0].VJPs != 5 || counters[1].GramProducts != 5 || counters[1].JVPs != 0 {
		t.Errorf("a sketch of rank 5 costs %+v, or %+v", counters[0], counters[1])
	}
}

// TestSketchRanks: no rank of K, and none of the sketch, is too small or too large; what a sketch
// cannot serve is told.
func TestSketchRanks(t *testing.T) {
	for _, rank := range []int{0, 1, 3, 20} {
		k := tensor.New[float64](20, 20)
		for r := range rank {
			for i := range 20 {
				for j := range 20 {
					k.Data[20*i+j] += math.Cos(float64(i*(r+1))) * math.Cos(float64(j*(r+1)))
				}
			}
		}
		sys, b := systemWith(k, 1e8)
		s := Nystrom{10}.Abilities().System(20, 1, 20, nil).Solve(sys, make([]float64, 20), b, Stop{Iterations: 20, Tolerance: 1e-9})
		if s.Reason != StoppedTolerance && s.Reason != StoppedExact || rank <= 3 && s.Iterations > 3 {
			t.Errorf("K of rank %d: %v", rank, s)
		}
	}
	for want, v := range map[string]float64{StoppedNonFinite: math.NaN(), StoppedIndefinite: -5} {
		k := powerLaw(20, 1)
		k.Data[0] = v
		sys, b := systemWith(k, 1)
		if s := (Nystrom{10}).Abilities().System(20, 1, 20, nil).Solve(sys, make([]float64, 20), b, Stop{Iterations: 20}); s.Reason != want {
			t.Errorf("K with %g: %v, want %s", v, s, want)
		}
	}
}

// TestDescentDefaults: with the default options sdd comes closer with more iterations, on systems
// of one large eigenvalue, of many, and of a diagonal; too large a learning rate is told.
func TestDescentDefaults(t *testing.T) {
	const n = 400
	diagonal, common := tensor.New[float64](n, n), tensor.New[float64](n, n)
	for i := range n {
		diagonal.Set(i, i, 1/float64(1+i))
		for j := range n {
			common.Set(i, j, 1)
		}
		common.Set(i, i, 2)
	}
	for name, k := range map[string]tensor.Matrix[float64]{"diagonal": diagonal, "common": common, "falling": powerLaw(n, 1)} {
		for _, c := range []float64{1e-3, 1, 100} {
			for _, batch := range []int{1, 16, 128, n} {
				defaults := Solvers.Default("sdd").Must().(SDD)
				defaults.Batch = batch
				last := 0.0
				for _, passes := range []int{2, 40} {
					sys, b := systemWith(k, c)
					budget := passes * n / batch
					x := make([]float64, n)
					s := defaults.Abilities().System(n, 1, budget, nil).Solve(sys, x, b, Stop{Iterations: budget})
					// The error in the norm of A has a square of b·A⁻¹b - b·x.
					if !(dot(b, x) > last*(1-1e-12)) || s.Reason != StoppedBudget && s.Reason != StoppedExact {
						t.Errorf("%s, c = %g, batch %d, %d passes: %v, b·x = %g after %g", name, c, batch, passes, s, dot(b, x), last)
					}
					last = dot(b, x)
				}
			}
		}
	}
	sys, b := systemWith(diagonal, 1)
	x := make([]float64, n)
	s := SDD{Batch: 10, LearningRate: 1e9, Momentum: 0.9, Averaging: 100}.Abilities().System(n, 1, 1000, nil).Solve(sys, x, b, Stop{Iterations: 1000})
	if s.Reason != StoppedDiverged || !finite(dot(x, x)) || !finite(s.RelativeResidual) {
		t.Errorf("a step size of 1e9: %v", s)
	}
}

// TestSolversDraw: draws follow from seed and step, and from nothing else.
func TestSolversDraw(t *testing.T) {
	n, p := newProblem[float64](losses.Logistic{}, 9, nil)
	for _, solver := range []string{"{kind: sdd, batch: 2}", "{kind: nystrom, rank: 2}"} {
		spec, err := parse("{kind: gauss_newton, inner_iterations: 3, gamma: 10, solver: " + solver + "}")
		if err != nil {
			t.Fatal(err)
		}
		at := func(o Oracle[float64], step int) []float64 {
			d := make([]float64, n.NumParams())
			p.Time.Step = step
			o.Direction(d, p)
			return d
		}
		fresh := func(seed uint64) Oracle[float64] {
			return New[float64](spec, Site{Loss: losses.Logistic{}, Dims: n.Dims(9), Seed: seed})
		}
		o := fresh(1)
		first, second := at(o, 0), at(o, 1)
		if slices.Equal(first, second) || slices.Equal(first, at(fresh(2), 0)) {
			t.Errorf("%s: another step or another seed draws the same", solver)
		}
		if !slices.Equal(second, at(fresh(1), 1)) { // as a run that goes on from a checkpoint does
			t.Errorf("%s: a step draws otherwise after another", solver)
		}
	}
}

// TestCountsOfDraws: a pass of sdd over the coordinates counts as a product with K, and the sketch
// of nystrom as its rank, for each system.
func TestCountsOfDraws(t *testing.T) {
	const m = 9
	n, p := newProblem[float64](losses.Logistic{}, m, nil)
	k := p.Gradient.Outputs().Cols
	for _, c := range []struct {
		solver string
		want   Counters
	}{
		{"{kind: sdd, batch: 5}", Counters{VJPs: k + 1, GramProducts: 1 + (4*5+m*k-1)/(m*k) + 1}}, // of the right-hand side, and the residual
		{"{kind: nystrom, rank: 4}", Counters{VJPs: 4 + 4 + 2, JVPs: 4 + 4 + 1}},
	} {
		spec, err := parse("{kind: gauss_newton, gram: auto, inner_iterations: 4, gamma: 1, solver: " + c.solver + "}")
		if c.want.JVPs > 0 {
			spec, err = parse("{kind: gauss_newton, gram: matrix_free, inner_iterations: 4, gamma: 1, solver: " + c.solver + "}")
		}
		if err != nil {
			t.Fatal(err)
		}
		r := New[float64](spec, Site{Loss: losses.Logistic{}, Dims: n.Dims(m)}).Direction(make([]float64, n.NumParams()), p)
		got := r.Counters
		if got.MultiplyAdds = 0; got != c.want || r.InnerIterations != 4 {
			t.Errorf("%s: %+v after %d, want %+v", c.solver, got, r.InnerIterations, c.want)
		}
	}
}

// TestSketchAllocates: no step of a larger sketch does.
func TestSketchAllocates(t *testing.T) {
	pool := tensor.NewPool(2)
	defer pool.Close()
	sys, b := systemWith(powerLaw(300, 1), 10)
	sys.K = &smallGram{pool: pool, k: powerLaw(300, 1), s: 1}
	for _, solver := range []Solver{Nystrom{150}, SDD{Batch: 40, LearningRate: 1, Momentum: 0.9, Averaging: 100}} {
		s, x := solver.Abilities().System(300, 1, 5, pool), make([]float64, 300)
		if n := testing.AllocsPerRun(3, func() { s.Solve(sys, x, b, Stop{Iterations: 5}) }); n != 0 {
			t.Errorf("%+v: %g allocations", solver, n)
		}
	}
}
