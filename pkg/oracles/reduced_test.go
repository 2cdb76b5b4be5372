package oracles

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestReducedCounts: what directions of less curvature count, by hand, for 6-8-5-k: forward is
// 6*8 + 8*5 + 5k = F, the pass of signals 8*5 + 5k = I, the weights' half of a VJP F.
func TestReducedCounts(t *testing.T) {
	const m, k = 16, 3
	l := losses.Known.Default("logistic").Must()
	forward, back := 6*8+8*5+5*k, 8*5+5*k
	triangle := func(n int) int { return n * (n + 1) / 2 }
	// V Vᵀ of n examples with s signals each: A_I A_Iᵀ, Delta Deltaᵀ.
	gram := func(n, s int) int { return triangle(n)*(6+8+5) + triangle(n*s)*(8+5+k) }
	// V q: A_I Aᵀ and T = G D, then delta·t; the step: Σ y delta.
	cross := func(n, s int) int { return n*m*(6+8+5+8+5+k) + n*s*(8+5+k) }
	step := func(n, s int) int { return n * s * (8 + 5 + k) }
	cholesky := func(n int) int { return n*n*n/6 + n*n } // and a product for the residual
	// With momentum V d_prev: A_I D_prevᵀ, then delta·t.
	shift := func(n, s int) int { return n*forward + n*s*(8+5+k) }
	for _, c := range []struct {
		options string
		want    Counters // of a second call
	}{
		{"solver: cholesky, curvature: {kind: sampled, examples: 4}",
			Counters{VJPs: 2, GramProducts: 2, MultiplyAdds: int64(m*back + 4*back + gram(4, 1) + cross(4, 1) + cholesky(4) + step(4, 1) + m*forward)}},
		{"solver: cholesky, curvature: {kind: sampled, examples: 4, samples: 2}",
			Counters{VJPs: 3, GramProducts: 2, MultiplyAdds: int64(m*back + 8*back + gram(4, 2) + cross(4, 2) + cholesky(8) + step(4, 2) + m*forward)}},
		{"solver: cholesky, curvature: {kind: empirical}",
			Counters{VJPs: 1, GramProducts: 2, MultiplyAdds: int64(m*back + gram(m, 1) + cross(m, 1) + cholesky(m) + step(m, 1) + m*forward)}},
		{"solver: cholesky, curvature: {kind: sampled, examples: 4, blocks: layers}",
			Counters{VJPs: 2, GramProducts: 2, MultiplyAdds: int64(m*back + 4*back + gram(4, 1) + cross(4, 1) + 3*cholesky(4) + step(4, 1) + m*forward)}},
		{"solver: cholesky, curvature: {kind: sampled, examples: 4, batch: next}",
			Counters{VJPs: 2, GramProducts: 2, MultiplyAdds: int64(m*back + 4*back + gram(4, 1) + cross(4, 1) + cholesky(4) + step(4, 1) + (m+4)*forward)}},
		{"solver: cg, inner_iterations: 3, curvature: {kind: sampled, examples: 8}",
			Counters{VJPs: 2, GramProducts: 4, MultiplyAdds: int64(m*back + 8*back + gram(8, 1) + cross(8, 1) + 3*64 + step(8, 1) + m*forward)}},
		{"solver: cholesky, curvature: {kind: empirical, examples: 4, batch: next}",
			Counters{VJPs: 2, GramProducts: 2, MultiplyAdds: int64(m*back + 4*back + gram(4, 1) + cross(4, 1) + cholesky(4) + step(4, 1) + (m+4)*forward)}},
		{"solver: cholesky, curvature: {kind: full, examples: 4}",
			Counters{VJPs: 1 + k, GramProducts: 2, MultiplyAdds: int64(m*back + 4*k*back + gram(4, k) + cross(4, k) + cholesky(4*k) + step(4, k) + m*forward)}},
		{"solver: cholesky, momentum: 0.5, curvature: {kind: sampled, examples: 4}",
			Counters{JVPs: 1, VJPs: 2, GramProducts: 2, MultiplyAdds: int64(m*back + 4*back + gram(4, 1) + cross(4, 1) + shift(4, 1) + cholesky(4) + step(4, 1) + m*forward)}},
		{"solver: cholesky, unknowns: example, curvature: {blocks: layers}",
			Counters{VJPs: 2, GramProducts: 2, MultiplyAdds: int64(2*m*back + gram(m, 1) + cross(m, 1) + 3*cholesky(m) + step(m, 1) + m*forward)}},
		{"solver: cholesky, unknowns: example",
			Counters{VJPs: 2, GramProducts: 2, MultiplyAdds: int64(m*back + gram(m, 1) + m*m + cholesky(m) + m*(8+5+k) + m*forward)}},
	} {
		spec, err := parse("{kind: gauss_newton, " + c.options + "}")
		if err != nil {
			t.Fatal(err)
		}
		n, p := newProblem[float64](l, m, nil)
		addCurvature(spec, n, p)
		o := New[float64](spec, Site{Loss: l, Dims: n.Dims(m)})
		d := make([]float64, n.NumParams())
		o.Direction(d, p)
		if got := o.Direction(d, p).Counters; got != c.want {
			t.Errorf("%s counts %+v, by hand %+v", c.options, got, c.want)
		}
	}
}

// TestReducedCost: at 128 examples of MNIST's MLP a step with sampled curvature of 32
// costs 1.14 gradients, with one unknown for each example 1.20.
func TestReducedCost(t *testing.T) {
	const m = 128
	dense := func(n int) nn.LayerConfig {
		return nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: n, Bias: true, Initializer: "lecun_normal"}}
	}
	relu := nn.LayerConfig{Kind: "relu", Layer: nn.ReLU{}}
	n, err := nn.NewNet(tensor.Shape{C: 784, H: 1, W: 1}, dense(256), relu, dense(256), relu, dense(10))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	w, x := make([]float32, n.NumParams()), tensor.New[float32](m, 784)
	tensor.Convert(w, n.Init(rng))
	for i := range x.Data {
		x.Data[i] = rng.Float32()
	}
	y := tensor.New[float64](m, 10)
	for i := range m {
		y.Set(i, i%10, 1)
	}
	lin := nn.NewLinearization[float32](n, m, nil)
	lin.Linearize(w, x)
	l := losses.Known.Default("logistic").Must()
	p := problemOf(l, lin, y)
	dims := n.Dims(m)
	gradient := float64(dims.Forward + dims.VJP)
	for options, most := range map[string]float64{
		"curvature: {kind: sampled, examples: 16}": 1.07, "curvature: {kind: sampled, examples: 32}": 1.14, "curvature: {kind: sampled, examples: 64}": 1.31,
		"curvature: {kind: sampled, examples: 32, blocks: layers}": 1.14, "unknowns: example": 1.21,
	} {
		spec, err := parse("{kind: gauss_newton, solver: cholesky, " + options + "}")
		if err != nil {
			t.Fatal(err)
		}
		d := make([]float32, n.NumParams())
		cost := float64(New[float32](spec, Site{Loss: l, Dims: dims}).Direction(d, p).Counters.MultiplyAdds+dims.Forward) / gradient
		if t.Logf("%s: %.3f gradients", options, cost); cost > most {
			t.Errorf("%s costs %.3f gradients, more than %g", options, cost, most)
		}
	}
}

// TestReducedBits: directions of less curvature are the same bits with any number of threads,
// and take no memory after the first call.
func TestReducedBits(t *testing.T) {
	l := losses.Known.Default("logistic").Must()
	one, three := tensor.NewPool(1), tensor.NewPool(3)
	defer one.Close()
	defer three.Close()
	options := []string{"unknowns: example", "unknowns: example, curvature: {kind: minorant}, momentum: 0.9", "momentum: 0.9"}
	for _, kind := range reducedKinds {
		options = append(options, "momentum: 0.5, curvature: "+kind)
	}
	for _, o := range options {
		spec, err := parse("{kind: gauss_newton, solver: cholesky, " + o + "}")
		if err != nil {
			t.Fatal(err)
		}
		var ends [2]string
		for i, pool := range []*tensor.Pool{one, three} {
			n, p := drawProblem[float32](l, 60, 1, pool)
			addCurvature(spec, n, p, pool)
			oracle, d := New[float32](spec, Site{Loss: l, Dims: n.Dims(60), Pool: pool, Seed: 4}), make([]float32, n.NumParams())
			for step := range 3 {
				p.Time.Step = step
				oracle.Direction(d, p)
			}
			ends[i] = fmt.Sprint(d)
			if pool != one {
				continue
			}
			if a := testing.AllocsPerRun(3, func() { oracle.Direction(d, p) }); a > 0 {
				t.Errorf("%s: %g allocations a call", o, a)
			}
		}
		if ends[0] != ends[1] {
			t.Errorf("%s: other bits with three threads", o)
		}
	}
}

// TestBadCurvature: what does not go together is refused, with the way out.
func TestBadCurvature(t *testing.T) {
	l := losses.Known.Default("logistic").Must()
	n, _ := newProblem[float64](l, 7, nil)
	for _, c := range []struct{ oracle, want string }{
		{"{kind: gauss_newton, curvature: {kind: sampld}}", `curvature.kind: must be one of auto, full, sampled, empirical, major, minorant, identity; got "sampld"; did you mean "sampled"?`},
		{"{kind: gauss_newton, curvature: {kind: sampled, examples: 0}}", "a positive number of examples, or a fraction between 0 and 1; got 0"},
		{"{kind: gauss_newton, curvature: {kind: sampled, examples: -0.5}}", "got -0.5"},
		{"{kind: gauss_newton, curvature: {kind: sampled, examples: 2.5}}", "must be a whole number of examples, or a fraction below 1; got 2.5"},
		{"{kind: gauss_newton, curvature: {kind: sampled, examples: half}}", "expected all, a number of examples, or a fraction below 1"},
		{"{kind: gauss_newton, curvature: {kind: sampled, examples: 8}}", "curvature.examples: 8 are more than the 7 of a mini-batch"},
		{"{kind: gauss_newton, curvature: {kind: sampled, samples: 0}}", "curvature.samples: must be a positive number"},
		{"{kind: gauss_newton, curvature: {kind: empirical, samples: 2}}", "curvature.samples: is for kind: sampled"},
		{"{kind: gauss_newton, curvature: {kind: sampled, blocks: layer}}", `curvature.blocks: must be one of all, layers; got "layer"`},
		{"{kind: gauss_newton, curvature: {kind: sampled, batch: other}}", "curvature.batch: must be one of same, next"},
		{"{kind: gauss_newton, curvature: {kind: sampled, example: 2}}", `unknown key; did you mean "examples"?`},
		{"{kind: gauss_newton, formulation: primal, curvature: {kind: sampled}}", "curvature: is for formulation: dual"},
		{"{kind: gauss_newton, formulation: primal, curvature: {kind: full, blocks: layers}}", "curvature: is for formulation: dual"},
		{"{kind: gauss_newton, formulation: primal, unknowns: example}", "unknowns: says what the dual has, and needs formulation: dual"},
		{"{kind: gauss_newton, formulation: primal, momentum: 0.9}", "momentum: is for formulation: dual"},
		{"{kind: prox_linear, formulation: primal, unknowns: example}", "needs formulation: dual"},
		{"{kind: gauss_newton, unknowns: examples}", `unknowns: must be all or example, got "examples"; did you mean "example"?`},
		{"{kind: gauss_newton, unknowns: example, curvature: {kind: sampled}}", "curvature.kind: sampled is for unknowns: all"},
		{"{kind: gauss_newton, unknowns: example, curvature: {kind: major, examples: 3}}", "are for unknowns: all"},
		{"{kind: gauss_newton, curvature: {kind: major}}", "curvature.kind: major is the curvature of one number of each example, and needs unknowns: example"},
		{"{kind: prox_linear, curvature: {kind: major}}", `unknown key`},
		{"{kind: gauss_newton, warm_start: true, curvature: {kind: sampled}}", "warm_start: keeps dual variables of examples"},
		{"{kind: gauss_newton, solver: lanczos, gamma: {search: [1, 2]}, curvature: {kind: sampled}}", "gamma.search: needs curvature: {kind: full}"},
		{"{kind: gauss_newton, solver: lanczos, gamma: {search: [1, 2]}, momentum: 0.5}", "momentum: does not go with gamma: {search: [...]}"},
		{"{kind: gauss_newton, gram: chained, curvature: {kind: sampled}}", "gram: with this curvature the system is formed"},
		{"{kind: gauss_newton, gamma: {levenberg_marquardt: {}}, momentum: 0.5}", "momentum: does not go with gamma: {levenberg_marquardt: {...}}"},
		{"{kind: gauss_newton, curvature: {kind: sampled, examples: 1.0}}", "1.0 may mean one example or all of them; write 1 or all"},
		{"{kind: gauss_newton, momentum: 1}", "momentum: must be 0 (none) or a number below 1"},
		{"{kind: gauss_newton, momentum: -0.1}", "momentum: must be 0 (none) or a number below 1"},
		{"{kind: gauss_newton, gram_memory: 1, curvature: {kind: sampled, samples: 100}}", "curvature: 7 examples x 100 rows make a system of 700 unknowns, which with solver cg"},
	} {
		spec, err := parse(c.oracle)
		if err == nil {
			err = spec.Fits(l, n.Dims(7))
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.oracle, err, c.want)
		}
	}
	plain, _ := parse("{kind: gauss_newton}")
	for _, o := range []string{"momentum: 0.9", "unknowns: example", "curvature: {kind: sampled}"} {
		other, err := parse("{kind: gauss_newton, " + o + "}")
		if err != nil {
			t.Fatal(err)
		}
		key, _, _ := strings.Cut(o, ":")
		for _, err := range []error{Comparable(plain, other), Comparable(other, other)} {
			if err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("solvers of {%s} are compared: %v", o, err)
			}
		}
	}
}

// TestRowsFloat32: in float32 the direction descends, P does not rise, and slope and model's change
// are what is reported, at gammas for which rounding spoils the solve too; that, and a jitter, is
// told.
func TestRowsFloat32(t *testing.T) {
	const m = 40
	told := map[string]int{}
	for _, known := range knownLosses() {
		if !curved(known.loss) {
			continue
		}
		for _, o := range []string{"curvature: {kind: sampled, examples: 30, samples: 3}", "curvature: {kind: empirical, blocks: layers}", "curvature: {kind: empirical}, rescale: true"} {
			for _, exponent := range []int{0, 3, 5, 6, 7, 8, 10, 12, 13} {
				gamma := math.Pow10(exponent)
				spec, err := parse(fmt.Sprintf("{kind: gauss_newton, solver: cholesky, gamma: %g, %s}", gamma, o))
				if err != nil {
					t.Fatal(err)
				}
				n, p := drawProblem[float32](known.loss, m, uint64(exponent), nil)
				d := make([]float32, n.NumParams())
				oracle := New[float32](spec, Site{Loss: known.loss, Dims: n.Dims(m)}).(*rowGN[float32])
				r := oracle.Direction(d, p)
				switch {
				case strings.HasSuffix(r.StopReason, Jitter):
					told["jitter"]++
				case r.StopReason == StoppedRounding:
					told["rounding"]++
				}
				// The same rows and the same d in float64.
				_, p64 := drawProblem[float64](known.loss, m, uint64(exponent), nil)
				jac, k := jacobianOf(&p64.Gradient), n.Outputs()
				wide, g := make([]float64, len(d)), make([]float64, k)
				tensor.Convert(wide, d)
				u := tensor.New[float64](m, k)
				tensor.Gemv(nil, jac, wide, u.Flat())
				var slope, size, curvature float64
				for i := range m {
					known.loss.Grad(g, p64.Gradient.Outputs().Row(i), p64.Gradient.Targets.Row(i))
					slope += dot(g, u.Row(i)) / m
					size += math.Sqrt(dot(g, g)*dot(u.Row(i), u.Row(i))) / m
				}
				bounds := [][2]int{{0, len(d)}}
				if strings.Contains(o, "layers") {
					bounds = layersOf(n)
				}
				v := rowsInFloat64(oracle, p64)
				for _, b := range bounds {
					for i := range v.Rows {
						along := dot(v.Row(i)[b[0]:b[1]], wide[b[0]:b[1]])
						curvature += along * along / oracle.count
					}
				}
				p0 := meanOf(p64, p64.Gradient.Outputs())
				change := slope + curvature/2
				rise := change + dot(wide, wide)/(2*gamma)
				if !(r.Slope < 0) || !(slope < 1e-5*size) || !(rise <= 1e-4*p0) {
					t.Errorf("%s, {%s}, gamma %g: slope %g, reported %g; P changes by %g (%s)", known.name, o, gamma, slope, r.Slope, rise, r.StopReason)
				}
				if !(math.Abs(r.Slope-slope) <= 0.02*math.Abs(slope)+1e-4*size) {
					t.Errorf("%s, {%s}, gamma %g: slope %g, reported %g (%s)", known.name, o, gamma, slope, r.Slope, r.StopReason)
				}
				if oracle.found.doubtful && r.Counters.JVPs == 0 {
					told["without a JVP"]++
				}
				if gamma <= 1e8 && !math.IsNaN(r.Gap) {
					told["gap"]++
					grad := gradientOf(p64, 0)
					best := denseStep(v, oracle.count, grad, make([]float64, len(d)), make([]float64, len(d)), gamma, 0, 0, bounds)
					if missed := rise - dot(grad, best)/2; !(missed <= (1+spoiltAt)*r.Gap+noiseAt*p0) {
						t.Errorf("%s, {%s}, gamma %g: %g above the minimum of P, and the gap is %g (%s)", known.name, o, gamma, missed, r.Gap, r.StopReason)
					}
				}
				if !(math.Abs(r.ModelChange-change) <= 0.02*(math.Abs(change)+p0*1e-2)) {
					t.Errorf("%s, {%s}, gamma %g: the model changes by %g, reported %g (%s)", known.name, o, gamma, change, r.ModelChange, r.StopReason)
				}
			}
		}
	}
	if told["jitter"] == 0 || told["rounding"] == 0 || told["without a JVP"] == 0 || told["gap"] == 0 {
		t.Errorf("told: %v", told)
	}
}

// rowsInFloat64 is drawnRows of an oracle in float32, for the same problem in float64.
func rowsInFloat64(o *rowGN[float32], p *Subproblem[float64]) tensor.Matrix[float64] {
	return drawnRows(&rowGN[float64]{n: o.n, s: o.s, curvature: o.curvature, roomIndex: o.roomIndex, roomSent: o.roomSent}, p)
}

// TestRowsByDefault: options of the curvature count without a kind too, which then is full.
func TestRowsByDefault(t *testing.T) {
	l := losses.Known.Default("logistic").Must()
	for _, options := range []string{"blocks: layers", "examples: 2", "batch: next"} {
		var ends [2]string
		for i, kind := range []string{"", "kind: full, "} {
			spec, err := parse("{kind: gauss_newton, solver: cholesky, curvature: {" + kind + options + "}}")
			if err != nil {
				t.Fatal(err)
			}
			n, p := newProblem[float64](l, 6, nil)
			addCurvature(spec, n, p)
			d := make([]float64, n.NumParams())
			o := New[float64](spec, Site{Loss: l, Dims: n.Dims(6)})
			o.Direction(d, p)
			if _, rows := o.(*rowGN[float64]); !rows {
				t.Errorf("{%s%s} is a %T", kind, options, o)
			}
			ends[i] = fmt.Sprint(d)
		}
		if ends[0] != ends[1] {
			t.Errorf("{%s} is not {kind: full, %s}", options, options)
		}
	}
}

// TestSmallFirstBatch: a mini-batch that is smaller than the largest leaves room for that.
func TestSmallFirstBatch(t *testing.T) {
	l := losses.Known.Default("squared").Must()
	for _, kind := range []string{"sampled", "empirical", "full"} {
		spec, err := parse("{kind: gauss_newton, solver: cholesky, curvature: {kind: " + kind + ", blocks: layers}}")
		if err != nil {
			t.Fatal(err)
		}
		n, p := newProblem[float64](l, 7, nil)
		lin, y := p.Gradient.Jacobian.(*nn.Linearization[float64]), p.Gradient.Targets
		rng := rand.New(rand.NewPCG(1, 3))
		x := tensor.New[float64](7, 6)
		for i := range x.Data {
			x.Data[i] = rng.NormFloat64()
		}
		o, d := New[float64](spec, Site{Loss: l, Dims: n.Dims(7)}), make([]float64, n.NumParams())
		for _, rows := range []int{4, 7} {
			lin.Linearize(p.Gradient.Weights(), x.RowRange(0, rows))
			p.Gradient.Targets = y.RowRange(0, rows)
			if r := o.Direction(d, p); !(r.Slope < 0) {
				t.Errorf("%s, %d examples: slope %g", kind, rows, r.Slope)
			}
		}
	}
}
