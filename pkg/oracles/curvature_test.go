package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// addCurvature gives a problem a mini-batch of its own for the curvature, where an oracle takes
// it from the next one.
func addCurvature[T tensor.Float](spec Spec, n *nn.Net, p *Subproblem[T], pool ...*tensor.Pool) {
	rows := CurvatureBatch(spec, p.Gradient.Dims())
	if rows == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(77, uint64(p.Time.Step)))
	x, y := tensor.New[T](rows, n.Input().Len()), tensor.New[float64](rows, n.Outputs())
	for i := range x.Data {
		x.Data[i] = T(rng.NormFloat64())
	}
	for i := range rows {
		_, yi := p.Loss.Sample(rng, n.Outputs())
		copy(y.Row(i), yi)
	}
	var on *tensor.Pool
	if len(pool) > 0 {
		on = pool[0]
	}
	lin := nn.NewLinearization[T](n, rows, on)
	lin.Linearize(p.Gradient.Weights(), x)
	p.Curvature = &Batch[T]{Jacobian: lin, Targets: y}
	if p.Gradient.Omega != nil {
		for range rows {
			p.Curvature.Omega = append(p.Curvature.Omega, 2*rng.Float64())
		}
		p.Curvature.Omega[0] = 0
	}
}

// TestGoldenCurvature compares directions of less curvature with dense solves of their
// definitions that others made.
func TestGoldenCurvature(t *testing.T) {
	c := readGolden(t, "../../testdata/golden-curvature/less-logistic")
	if len(c.methods) != 12 {
		t.Fatalf("there are %d methods", len(c.methods))
	}
	for name, m := range c.methods {
		checkGolden(t, c, name, m.Must())
		d := make([]float64, c.net.NumParams())
		New[float64](m.Must(), Site{Loss: c.problem.Loss, Dims: c.net.Dims(9)}).Direction(d, c.problem)
		t.Logf("%-22s %.2g away", name, distance(d, c.expected[name+"/direction"].Float64s()))
	}
}

// jacobianOf is J, m k x p, a VJP for each row.
func jacobianOf(j Jacobian[float64]) tensor.Matrix[float64] {
	z := j.Outputs()
	jac, one := tensor.New[float64](z.Rows*z.Cols, j.Dims().Weights), tensor.New[float64](z.Rows, z.Cols)
	for r := range jac.Rows {
		one.Flat()[r] = 1
		j.VJP(jac.Row(r), one)
		one.Flat()[r] = 0
	}
	return jac
}

// solveDense returns A⁻¹ b for a positive definite A, by elimination.
func solveDense(a tensor.Matrix[float64], b []float64) []float64 {
	n := len(b)
	x := slices.Clone(b)
	for i := range n {
		for r := i + 1; r < n; r++ {
			f := a.Row(r)[i] / a.Row(i)[i]
			axpy(-f, a.Row(i)[i:], a.Row(r)[i:])
			x[r] -= f * x[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		x[i] = (x[i] - dot(a.Row(i)[i+1:], x[i+1:])) / a.Row(i)[i]
	}
	return x
}

// layersOf returns the bounds of the weights of each dense layer.
func layersOf(n *nn.Net) (bounds [][2]int) {
	at := 0
	for _, b := range n.Layout().Blocks {
		size := 1
		for _, s := range b.Shape {
			size *= s
		}
		if strings.HasSuffix(b.Name, "weight") {
			bounds = append(bounds, [2]int{at, at + size})
		} else {
			bounds[len(bounds)-1][1] += size
		}
		at += size
	}
	return bounds
}

// denseStep minimises <grad h, d> + d·C d/2 + |d - beta prev|²/(2 gamma) + (mu/2)|w + d|² with
// C = (1/c) Vᵀ V, and its blocks of the bounds alone.
func denseStep(v tensor.Matrix[float64], count float64, grad, w, prev []float64, gamma, mu, beta float64, bounds [][2]int) []float64 {
	c := tensor.New[float64](len(grad), len(grad))
	for i := range grad {
		for r := range v.Rows {
			axpy(v.Row(r)[i]/count, v.Row(r), c.Row(i))
		}
	}
	return denseStepOf(c, grad, w, prev, gamma, mu, beta, bounds)
}

// denseStepOf is denseStep for a matrix C.
func denseStepOf(c tensor.Matrix[float64], grad, w, prev []float64, gamma, mu, beta float64, bounds [][2]int) []float64 {
	d := make([]float64, len(grad))
	for _, b := range bounds {
		n := b[1] - b[0]
		a, rhs := tensor.New[float64](n, n), make([]float64, n)
		for i := range n {
			copy(a.Row(i), c.Row(b[0] + i)[b[0]:b[1]])
			a.Row(i)[i] += 1/gamma + mu
			rhs[i] = -grad[b[0]+i] - mu*w[b[0]+i] + beta/gamma*prev[b[0]+i]
		}
		copy(d[b[0]:b[1]], solveDense(a, rhs))
	}
	return d
}

// drawnRows returns V, n s x p in rows i s + c, of the last call of an oracle: the examples and
// signals that it drew, times the explicit Jacobian.
func drawnRows(o *rowGN[float64], p *Subproblem[float64]) tensor.Matrix[float64] {
	batch, index := &p.Gradient, o.roomIndex[:o.n]
	if p.Curvature != nil {
		batch, index = p.Curvature, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}[:o.n]
	}
	jac, k := jacobianOf(batch), batch.Outputs().Cols
	v := tensor.New[float64](o.n*o.s, jac.Cols)
	g := make([]float64, k)
	for i, e := range index {
		for c := range o.s {
			signal := o.roomSent.Row(c*o.n + i)
			if o.curvature.Kind == empirical {
				p.Loss.Grad(g, batch.Outputs().Row(e), batch.Targets.Row(e))
				if batch.Omega != nil {
					tensor.Scale(nil, math.Sqrt(batch.Omega[e]), g)
				}
				signal = g
			}
			for j, s := range signal {
				axpy(s, jac.Row(e*k+j), v.Row(i*o.s+c))
			}
		}
	}
	return v
}

// reducedKinds are curvatures of a few rows.
var reducedKinds = []string{
	"{kind: sampled, examples: 3}", "{kind: sampled, examples: 0.5, samples: 3}", "{kind: sampled}",
	"{kind: sampled, examples: 4, blocks: layers, samples: 2}", "{kind: empirical}", "{kind: empirical, examples: 2}",
	"{kind: empirical, blocks: layers}", "{kind: full, examples: 2}", "{kind: full, blocks: layers}",
	"{kind: sampled, examples: 3, batch: next}", "{kind: empirical, examples: 3, batch: next, blocks: layers}", "{kind: full, batch: next}",
}

// TestRows: the direction of every curvature of a few rows is that of a dense solve of its
// definition, for every loss, with weights of the examples, weight decay and momentum. It
// descends without momentum for every gamma, and the report says what it is.
func TestRows(t *testing.T) {
	const m = 7
	worst := 0.0
	for _, known := range knownLosses() {
		name, l := known.name, known.loss
		if !curved(l) {
			continue
		}
		for _, kind := range reducedKinds {
			for trial, gamma := range []float64{1e-3, 0.5, 30, 1e5} {
				mu, beta := []float64{0, 0.1}[trial%2], []float64{0, 0, 0.8}[trial%3]
				text := fmt.Sprintf("{kind: gauss_newton, solver: cholesky, gamma: %g, weight_decay: %g, momentum: %g, curvature: %s}", gamma, mu, beta, kind)
				spec, err := parse(text)
				if err != nil {
					t.Fatal(err)
				}
				n, p := drawProblem[float64](l, m, uint64(trial), nil)
				if trial > 1 {
					weigh(p, 3)
				}
				if err := spec.Fits(l, n.Dims(m)); err != nil {
					t.Fatal(err)
				}
				o := New[float64](spec, Site{Loss: l, Dims: n.Dims(m), Seed: 9}).(*rowGN[float64])
				size := n.NumParams()
				d, prev := make([]float64, size), make([]float64, size)
				bounds := [][2]int{{0, size}}
				if strings.Contains(kind, "layers") {
					bounds = layersOf(n)
				}
				for step := range 2 {
					p.Time.Step = step
					addCurvature(spec, n, p)
					r := o.Direction(d, p)
					r = o.Complete(true)
					v := drawnRows(o, p)
					grad := gradientOf(p, 0)
					want := denseStep(v, o.count, grad, p.Gradient.Weights(), prev, gamma, mu, beta, bounds)
					away := distance(d, want)
					if worst = max(worst, away); away > 1e-8 {
						t.Fatalf("%s, %s, step %d: %.2g away from the dense solve (%s)", name, text, step, away, r.StopReason)
					}
					gradF := gradientOf(p, mu)
					slope := dot(gradF, d)
					if beta == 0 && !(slope < 0) {
						t.Errorf("%s, %s: slope %g", name, text, slope)
					}
					near := func(what string, got, want, scale float64) {
						if !(math.Abs(got-want) <= 1e-8*(math.Abs(want)+scale)) {
							t.Errorf("%s, %s, step %d: %s is %.12g, want %.12g", name, text, step, what, got, want)
						}
					}
					near("slope", r.Slope, slope, math.Sqrt(dot(gradF, gradF)*dot(d, d)))
					var curvature float64
					for _, b := range bounds {
						for i := range v.Rows {
							u := dot(v.Row(i)[b[0]:b[1]], d[b[0]:b[1]])
							curvature += u * u / o.count
						}
					}
					near("model change", r.ModelChange, dot(grad, d)+curvature/2, math.Abs(dot(grad, d)))
					var prox, decay float64
					w := p.Gradient.Weights()
					for i := range d {
						prox += (d[i] - beta*prev[i]) * (d[i] - beta*prev[i]) / (2 * gamma)
						decay += mu / 2 * (w[i] + d[i]) * (w[i] + d[i])
					}
					near("P", r.Primal, meanOf(p, p.Gradient.Outputs())+dot(grad, d)+curvature/2+prox+decay, 1)
					if !(math.Abs(r.Gap) < 1e-8*(1+math.Abs(r.Primal))) {
						t.Errorf("%s, %s: the gap is %g", name, text, r.Gap)
					}
					near("|grad h|", r.GradNorm, tensor.Norm2(nil, grad), 0)
					copy(prev, d)
				}
			}
		}
	}
	t.Logf("at most %.2g away from dense solves", worst)
}

// TestRowsTruncated: truncated solves descend too, for every gamma and every solver of systems,
// and their reported gap is P - D or more than P - P*.
func TestRowsTruncated(t *testing.T) {
	l := losses.Known.Default("logistic").Must()
	for _, solver := range able(jobSystem.can) {
		for _, kind := range []string{"{kind: sampled, examples: 5, samples: 2}", "{kind: full, examples: 3, blocks: layers}"} {
			for _, gamma := range []float64{1e-2, 1, 1e2, 1e4} {
				for iterations := range 5 {
					for _, rescale := range []bool{false, true} {
						n, p := drawProblem[float64](l, 8, uint64(iterations), nil)
						bind := func(solver string, iterations int, rescale bool) (*rowGN[float64], []float64, Report) {
							text := fmt.Sprintf("{kind: gauss_newton, solver: %s, inner_iterations: %d, gamma: %g, rescale: %v, curvature: %s}", solver, iterations, gamma, rescale, kind)
							spec, err := parse(text)
							if err != nil {
								t.Fatal(err)
							}
							o, d := New[float64](spec, Site{Loss: l, Dims: n.Dims(8)}).(*rowGN[float64]), make([]float64, n.NumParams())
							o.Direction(d, p)
							return o, d, o.Complete(true)
						}
						_, d, r := bind(solver, iterations, rescale)
						if slope := dot(gradientOf(p, 0), d); !(slope < 0) || math.Abs(slope-r.Slope) > 1e-8*math.Abs(slope) {
							t.Errorf("%s, %s, gamma %g, %d iterations: slope %g, reported %g (%s)", solver, kind, gamma, iterations, slope, r.Slope, r.StopReason)
						}
						if iterations == 0 {
							continue
						}
						_, _, exact := bind("cholesky", 1, false)
						if excess := r.Primal - exact.Primal; excess < -1e-9 || excess > r.Gap*(1+1e-9)+1e-9 {
							t.Errorf("%s, %s, gamma %g, %d iterations, rescale %v: P is %g above its minimum, the gap %g", solver, kind, gamma, iterations, rescale, excess, r.Gap)
						}
					}
				}
			}
		}
	}
}

// TestDraws: signs have the covariance of the identity, every example is as likely as any
// other, what is drawn follows from seed and step, and others are other draws.
func TestDraws(t *testing.T) {
	l := losses.Known.Default("squared").Must() // L = I: the signals are the signs
	n, p := newProblem[float64](l, 6, nil)
	spec, err := parse("{kind: gauss_newton, solver: cholesky, curvature: {kind: sampled, examples: 2}}")
	if err != nil {
		t.Fatal(err)
	}
	d := make([]float64, n.NumParams())
	draw := func(seed uint64, step int) (index []int, signs []float64) {
		o := New[float64](spec, Site{Loss: l, Dims: n.Dims(6), Seed: seed}).(*rowGN[float64])
		p.Time.Step = step
		o.Direction(d, p)
		return slices.Clone(o.roomIndex[:2]), slices.Clone(o.roomSent.Flat()[:2*n.Outputs()])
	}
	const trials = 3000
	k := n.Outputs()
	counts, products := make([]float64, 6), tensor.New[float64](k, k)
	for step := range trials {
		index, signs := draw(1, step)
		if index[0] == index[1] {
			t.Fatalf("an example is drawn twice: %v", index)
		}
		for _, i := range index {
			counts[i]++
		}
		for r := range 2 {
			for a := range k {
				for b := range k {
					products.Row(a)[b] += signs[r*k+a] * signs[r*k+b] / (2 * trials)
				}
			}
		}
	}
	for i, c := range counts { // 1000 expected, with a deviation of 26
		if math.Abs(c-trials/3) > 130 {
			t.Errorf("example %d is drawn %g times of %d, two of six at a time", i, c, trials)
		}
	}
	for a := range k {
		for b := range k {
			want := 0.0
			if a == b {
				want = 1
			}
			if math.Abs(products.Row(a)[b]-want) > 0.065 {
				t.Errorf("E eps_%d eps_%d is %g", a, b, products.Row(a)[b])
			}
		}
	}
	again := func(seed uint64, step int) string { i, s := draw(seed, step); return fmt.Sprint(i, s) }
	if once := again(1, 5); once != again(1, 5) || again(1, 5) == again(1, 6) && again(1, 6) == again(1, 7) || again(1, 5) == again(2, 5) && again(1, 6) == again(2, 6) {
		t.Error("what is drawn does not follow from seed and step")
	}
}

// TestSampledIsUnbiased: the mean of many sampled curvatures is the full one.
func TestSampledIsUnbiased(t *testing.T) {
	l := losses.Known.Default("logistic").Must()
	n, p := newProblem[float64](l, 5, nil)
	spec, _ := parse("{kind: gauss_newton, solver: cholesky, curvature: {kind: sampled, examples: 0.4, samples: 2}}")
	o := New[float64](spec, Site{Loss: l, Dims: n.Dims(5)}).(*rowGN[float64])
	d, x := make([]float64, n.NumParams()), make([]float64, n.NumParams())
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	u := tensor.New[float64](5, n.Outputs())
	p.Gradient.JVP(u, x)
	want := 0.0
	c, s := make([]float64, u.Cols), make([]float64, u.Cols)
	for i := range u.Rows {
		l.GGNFactor(c, p.Gradient.Outputs().Row(i), p.Gradient.Targets.Row(i))
		l.MulFactorT(s, u.Row(i), c)
		want += dot(s, s) / 5
	}
	const trials = 2000
	var sum, square float64
	for step := range trials {
		p.Time.Step = step
		o.Direction(d, p)
		v := drawnRows(o, p)
		var q float64
		for r := range v.Rows {
			q += dot(v.Row(r), x) * dot(v.Row(r), x) / o.count
		}
		sum += q / trials
		square += q * q / trials
	}
	deviation := math.Sqrt((square - sum*sum) / trials)
	if math.Abs(sum-want) > 5*deviation || deviation > 0.1*want {
		t.Errorf("x·C x is %g +- %g in the mean, in full %g", sum, deviation, want)
	}
}

// TestRowsOfAnyModel: a model that is no network has the directions of the dense solve.
func TestRowsOfAnyModel(t *testing.T) {
	l := losses.Known.Default("squared").Must()
	rng := rand.New(rand.NewPCG(1, 9))
	q := newQuadratics(5, 2, 9, rng)
	y := tensor.New[float64](5, 2)
	p := &Subproblem[float64]{Loss: l, Gradient: Batch[float64]{Jacobian: q, Targets: y}}
	for _, kind := range []string{"{kind: sampled, examples: 3, samples: 2}", "{kind: full, examples: 2}", "{kind: empirical}"} {
		spec, err := parse("{kind: gauss_newton, solver: cholesky, gamma: 3, curvature: " + kind + "}")
		if err != nil {
			t.Fatal(err)
		}
		if err := spec.Fits(l, q.Dims()); err != nil {
			t.Fatal(err)
		}
		o, d := New[float64](spec, Site{Loss: l, Dims: q.Dims()}).(*rowGN[float64]), make([]float64, 9)
		o.Direction(d, p)
		zero := make([]float64, 9)
		want := denseStep(drawnRows(o, p), o.count, gradientOf(p, 0), q.w, zero, 3, 0, 0, [][2]int{{0, 9}})
		if away := distance(d, want); away > 1e-10 {
			t.Errorf("%s: %.2g away", kind, away)
		}
	}
	spec, _ := parse("{kind: gauss_newton, solver: cholesky, curvature: {kind: sampled, blocks: layers}}")
	if err := spec.Fits(l, q.Dims()); err == nil || !strings.Contains(err.Error(), "made of layers") {
		t.Errorf("layers of a model without any: %v", err)
	}
}

// TestCurvatureByDefinition compares directions with C from its definition, which takes nothing from
// the oracle: explicit Jacobians, gradients of the loss, and its Hessians by differences of these, with
// weights, by layers, and of the next mini-batch.
func TestCurvatureByDefinition(t *testing.T) {
	const m, gamma = 6, 3.0
	for _, name := range []string{"logistic", "squared", "binary_logistic"} {
		l := losses.Known.Default(name).Must()
		for _, options := range []string{"kind: full, blocks: layers", "kind: full, batch: next", "kind: full, batch: next, blocks: layers",
			"kind: empirical", "kind: empirical, blocks: layers", "kind: empirical, batch: next"} {
			for _, weighted := range []bool{false, true} {
				spec, err := parse(fmt.Sprintf("{kind: gauss_newton, solver: cholesky, inner_iterations: 1, gamma: %g, curvature: {%s}}", gamma, options))
				if err != nil {
					t.Fatal(err)
				}
				n, p := newProblem[float64](l, m, nil)
				if weighted {
					weigh(p, 5)
				}
				addCurvature(spec, n, p)
				d := make([]float64, n.NumParams())
				New[float64](spec, Site{Loss: l, Dims: n.Dims(m)}).Direction(d, p)

				batch := p.Gradient
				if p.Curvature != nil {
					batch = *p.Curvature
				}
				bounds := [][2]int{{0, n.NumParams()}}
				if strings.Contains(options, "layers") {
					bounds = layersOf(n)
				}
				c := curvatureByDefinition(l, batch, strings.Contains(options, "empirical"))
				want := denseStepOf(c, gradientOf(p, 0), p.Gradient.Weights(), make([]float64, len(d)), gamma, 0, 0, bounds)
				if away := distance(d, want); away > 1e-7 {
					t.Errorf("%s, {%s}, weights %v: %.2g away", name, options, weighted, away)
				}
			}
		}
	}
}

// curvatureByDefinition is (1/m) Σ omega_i J_iᵀ H_i J_i, or with g_i g_iᵀ for H_i.
func curvatureByDefinition(l losses.Loss, batch Batch[float64], empirical bool) tensor.Matrix[float64] {
	jac, z := jacobianOf(&batch), batch.Outputs()
	k, p := z.Cols, jac.Cols
	c := tensor.New[float64](p, p)
	up, down, at := make([]float64, k), make([]float64, k), make([]float64, k)
	for i := range z.Rows {
		y, omega := batch.Targets.Row(i), 1.0
		if batch.Omega != nil {
			omega = batch.Omega[i]
		}
		h := tensor.New[float64](k, k)
		for a := range k {
			const step = 1e-5
			copy(at, z.Row(i))
			at[a] += step
			l.Grad(up, at, y)
			at[a] -= 2 * step
			l.Grad(down, at, y)
			for b := range k {
				h.Set(a, b, (up[b]-down[b])/(2*step))
			}
		}
		if empirical {
			l.Grad(up, z.Row(i), y)
			for a := range k {
				for b := range k {
					h.Set(a, b, up[a]*up[b])
				}
			}
		}
		for a := range k {
			for b := range k {
				for q, v := range jac.Row(i*k + a) {
					axpy(omega*h.At(a, b)*v/float64(z.Rows), jac.Row(i*k+b), c.Row(q))
				}
			}
		}
	}
	return c
}
