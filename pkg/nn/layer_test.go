package nn

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// shapes are the inputs that the conformance suite offers every layer.
var shapes = []tensor.Shape{{C: 7, H: 1, W: 1}, {C: 2, H: 5, W: 4}, {C: 4, H: 6, W: 7}}

// A layerCase is one layer on one input shape.
type layerCase struct {
	Layer
	in   tensor.Shape
	size Size
}

// layerCases returns every registered layer with every trial setting, on every
// shape that it takes.
func layerCases(t *testing.T) map[string]layerCase {
	out := map[string]layerCase{}
	for _, kind := range Layers.Names() {
		used := 0
		for i, trial := range Layers.Entry(kind).Trials {
			l, err := trial()
			if err != nil {
				continue // an option that has no default
			}
			for _, in := range shapes {
				if s, err := l.Size(in); err == nil {
					out[fmt.Sprintf("%s/%d/%s", kind, i, in)] = layerCase{l, in, s}
					used++
				}
			}
		}
		if used == 0 {
			t.Errorf("no trial of %s takes any of the shapes %v", kind, shapes)
		}
	}
	maps.Copy(out, jetCases(t))
	return out
}

// An opRun is a bound layer with operands: x, w, tangents and a cotangent.
type opRun[T tensor.Float] struct {
	op    Op[T]
	x, dx tensor.Matrix[T]
	w, dw []T
	y, dy tensor.Matrix[T]
	ct    tensor.Matrix[T] // of y
	gx    tensor.Matrix[T]
	gw    []T
}

func newOpRun[T tensor.Float](c layerCase, m int, pool *tensor.Pool) *opRun[T] {
	rng := rand.New(rand.NewPCG(1, 2))
	in, out, p := c.in.Len(), c.size.Out.Len(), c.size.NumParams()
	r := &opRun[T]{
		op: bind[T](c.Layer, Site{c.in, m + 2, pool}), // room for more than the batch
		x:  randomMatrix[T](rng, m, in), dx: randomMatrix[T](rng, m, in),
		w: random[T](rng, p), dw: random[T](rng, p), ct: randomMatrix[T](rng, m, out),
		y: tensor.New[T](m, out), dy: tensor.New[T](m, out), gx: tensor.New[T](m, in), gw: make([]T, p),
	}
	return r
}

func (r *opRun[T]) all() {
	r.op.Forward(r.y, r.x, r.w)
	r.op.JVP(r.dy, r.dx, r.dw)
	r.op.VJP(r.gx, r.gw, r.ct)
}

func random[T tensor.Float](rng *rand.Rand, n int) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = T(rng.NormFloat64())
	}
	return v
}

func randomMatrix[T tensor.Float](rng *rand.Rand, rows, cols int) tensor.Matrix[T] {
	return tensor.View(rows, cols, random[T](rng, rows*cols))
}

func dot[T tensor.Float](a, b []T) float64 {
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

// distance is the largest difference, relative to the largest value.
func distance[A, B tensor.Float](a []A, b []B) float64 {
	var d, scale float64
	for i := range a {
		d = math.Max(d, math.Abs(float64(a[i])-float64(b[i])))
		scale = math.Max(scale, math.Abs(float64(b[i])))
	}
	return d / math.Max(scale, 1e-300)
}

// TestLayers is the conformance suite: it knows no layer by name.
func TestLayers(t *testing.T) {
	const m = 5
	for name, c := range layerCases(t) {
		t.Run(name, func(t *testing.T) {
			r := newOpRun[float64](c, m, nil)
			r.all()

			t.Run("finite differences", func(t *testing.T) {
				const h = 1e-5
				at := func(s float64) []float64 {
					q := newOpRun[float64](c, m, nil)
					tensor.Axpy(nil, s, q.dx.Flat(), q.x.Flat())
					tensor.Axpy(nil, s, q.dw, q.w)
					q.op.Forward(q.y, q.x, q.w)
					return q.y.Flat()
				}
				// Of fourth order: (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / (12 h).
				hi, lo, hi2, lo2 := at(h), at(-h), at(2*h), at(-2*h)
				for i := range hi {
					hi[i] = (8*(hi[i]-lo[i]) - (hi2[i] - lo2[i])) / (12 * h)
				}
				if d := distance(r.dy.Flat(), hi); d > 1e-8 {
					t.Errorf("the JVP is %.2g away from differences", d)
				}
			})
			t.Run("adjoint", func(t *testing.T) {
				a := dot(r.ct.Flat(), r.dy.Flat())
				b := dot(r.gx.Flat(), r.dx.Flat()) + dot(r.gw, r.dw)
				if math.Abs(a-b) > 1e-12*(math.Abs(a)+1) {
					t.Errorf("<u, J d> = %g, <Jᵀ u, d> = %g", a, b)
				}
			})
			t.Run("linear", func(t *testing.T) {
				q, e := newOpRun[float64](c, m, nil), newOpRun[float64](c, m, nil)
				rng := rand.New(rand.NewPCG(5, 6))
				q.op.Forward(q.y, q.x, q.w)
				e.dx, e.dw, e.ct = randomMatrix[float64](rng, m, c.in.Len()), random[float64](rng, len(q.w)), randomMatrix[float64](rng, m, c.size.Out.Len())
				q.op.JVP(e.dy, e.dx, e.dw)
				q.op.VJP(e.gx, e.gw, e.ct)
				sum := func(a, b []float64) { // 2 a + 3 b
					tensor.Scale(nil, 2, a)
					tensor.Axpy(nil, 3, b, a)
				}
				sum(q.dx.Flat(), e.dx.Flat())
				sum(q.dw, e.dw)
				sum(q.ct.Flat(), e.ct.Flat())
				q.op.JVP(q.dy, q.dx, q.dw)
				q.op.VJP(q.gx, q.gw, q.ct)
				dy, gx, gw := slices.Clone(r.dy.Flat()), slices.Clone(r.gx.Flat()), slices.Clone(r.gw)
				sum(dy, e.dy.Flat())
				sum(gx, e.gx.Flat())
				sum(gw, e.gw)
				for _, d := range []float64{distance(q.dy.Flat(), dy), distance(q.gx.Flat(), gx), distance(q.gw, gw)} {
					if d > 1e-13 {
						t.Errorf("a derivative is %.2g away from linear", d)
					}
				}
			})
			t.Run("output", func(t *testing.T) {
				q := newOpRun[float64](c, m, nil)
				q.op.Forward(q.y, q.x, q.w)
				for i := range q.y.Flat() {
					q.y.Flat()[i] = math.NaN()
				}
				q.op.JVP(q.dy, q.dx, q.dw)
				q.op.VJP(q.gx, q.gw, q.ct)
				if !slices.Equal(q.dy.Flat(), r.dy.Flat()) || !slices.Equal(q.gx.Flat(), r.gx.Flat()) || !slices.Equal(q.gw, r.gw) {
					t.Error("the derivative refers to the output, which is the caller's")
				}
			})
			t.Run("no input tangent", func(t *testing.T) {
				q := newOpRun[float64](c, m, nil)
				q.op.Forward(q.y, q.x, q.w)
				clear(q.dx.Flat())
				q.op.JVP(q.dy, q.dx, q.dw)
				want := slices.Clone(q.dy.Flat())
				q.op.JVP(q.dy, tensor.Matrix[float64]{}, q.dw)
				if d := distance(q.dy.Flat(), want); d > 1e-14 {
					t.Errorf("an absent tangent differs from a zero one by %g", d)
				}
				q.op.VJP(tensor.Matrix[float64]{}, q.gw, q.ct)
				if !slices.Equal(q.gw, r.gw) {
					t.Error("the weights' gradient depends on whether the input's is wanted")
				}
			})
			t.Run("no weight gradient", func(t *testing.T) {
				want := slices.Clone(r.gx.Flat())
				r.op.VJP(r.gx, nil, r.ct)
				if !slices.Equal(r.gx.Flat(), want) {
					t.Error("the input's gradient depends on whether the weights' is wanted")
				}
			})
			t.Run("gram", func(t *testing.T) {
				if c.size.NumParams() == 0 {
					return
				}
				checkGram(t, c, r)
			})
			t.Run("float32", func(t *testing.T) {
				q := newOpRun[float32](c, m, nil)
				q.all()
				for _, d := range []float64{distance(q.y.Flat(), r.y.Flat()), distance(q.dy.Flat(), r.dy.Flat()), distance(q.gx.Flat(), r.gx.Flat()), distance(q.gw, r.gw)} {
					if d > 3e-5 {
						t.Errorf("float32 is %.2g away from float64", d)
					}
				}
			})
			t.Run("threads", func(t *testing.T) {
				for _, n := range []int{2, 3} {
					pool := tensor.NewPool(n)
					defer pool.Close()
					q := newOpRun[float64](c, m, pool)
					q.all()
					if !slices.Equal(q.y.Flat(), r.y.Flat()) || !slices.Equal(q.dy.Flat(), r.dy.Flat()) || !slices.Equal(q.gx.Flat(), r.gx.Flat()) || !slices.Equal(q.gw, r.gw) {
						t.Errorf("%d threads give other bits than one", n)
					}
				}
			})
			t.Run("allocations", func(t *testing.T) {
				pool := tensor.NewPool(2)
				defer pool.Close()
				q := newOpRun[float32](c, m, pool)
				q.all()
				if n := testing.AllocsPerRun(10, q.all); n != 0 {
					t.Errorf("%g allocations", n)
				}
			})
			t.Run("kept values", func(t *testing.T) {
				if _, ok := c.Layer.(composite); ok {
					return // TestMemory has networks of them
				}
				const some, more = 4000, 12000
				bytes := float64(allocated(func() { bind[float64](c.Layer, Site{c.in, more, nil}) })) - float64(allocated(func() { bind[float64](c.Layer, Site{c.in, some, nil}) }))
				if got, want := bytes/(more-some), float64(8*c.size.Kept+4*c.size.Indices); math.Abs(got-want) > 2+0.01*want { // allocations are rounded up to pages
					t.Errorf("%g bytes an example are allocated, %g are counted", got, want)
				}
			})
			t.Run("NaN", func(t *testing.T) {
				q := newOpRun[float64](c, m, nil)
				for i := range q.x.Row(1) {
					q.x.Row(1)[i] = math.NaN()
				}
				q.op.Forward(q.y, q.x, q.w)
				if !slices.ContainsFunc(q.y.Row(1), math.IsNaN) {
					t.Error("a NaN input gives no NaN output")
				}
				if slices.ContainsFunc(q.y.Row(0), math.IsNaN) {
					t.Error("a NaN in one example reaches another")
				}
			})
			t.Run("initial weights", func(t *testing.T) {
				if c.size.NumParams() == 0 {
					return
				}
				in, ok := c.Layer.(Initializable)
				if !ok {
					t.Fatal("the layer has weights and cannot draw them")
				}
				a, b := make([]float64, c.size.NumParams()), make([]float64, c.size.NumParams())
				for i := range b {
					b[i] = math.NaN()
				}
				in.Init(a, c.in, nil, rand.New(rand.NewPCG(3, 4)))
				in.Init(b, c.in, nil, rand.New(rand.NewPCG(3, 4)))
				if !slices.Equal(a, b) {
					t.Error("weights depend on what was there before")
				}
				if dot(a, a) == 0 {
					t.Error("all weights are 0")
				}
			})
		})
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// checkGram compares what an op holds of J for k random signals, and makes of it, with the
// explicit J: with room for all of it, and with as little as there can be.
func checkGram(t *testing.T, c layerCase, r *opRun[float64]) {
	const k = 3
	m, out, p := r.x.Rows, r.y.Cols, len(r.w)
	rng := rand.New(rand.NewPCG(8, 9))
	dy, v := randomMatrix[float64](rng, k*m, out), randomMatrix[float64](rng, m, k)
	jac, one := tensor.New[float64](m*k, p), tensor.New[float64](m, out)
	for i := range m {
		for o := range k {
			clear(one.Flat())
			copy(one.Row(i), dy.Row(o*m+i))
			r.op.VJP(tensor.Matrix[float64]{}, jac.Row(i*k+o), one)
		}
	}
	want, jv, kv := tensor.New[float64](m*k, m*k), make([]float64, p), make([]float64, m*k)
	tensor.Gemm(nil, tensor.NoTrans, tensor.Trans, 1, jac, jac, 0, want)
	tensor.Combine(nil, jac, v.Flat(), jv)
	tensor.Gemv(nil, want, v.Flat(), kv)
	near := func(what string, got, want []float64) {
		t.Helper()
		if d := distance(got, want); d > 1e-13 {
			t.Errorf("%s is %.2g away", what, d)
		}
	}
	for _, room := range []int{1 << 30, 1} {
		full, blocks := tensor.New[float64](m*k, m*k), tensor.New[float64](m*k, k)
		for _, use := range []struct {
			full   tensor.Matrix[float64]
			blocks tensor.Matrix[float64]
		}{{full: full}, {blocks: blocks}} {
			sent := tensor.View(k*m, out, slices.Clone(dy.Flat()))
			visitOps(t, c, r, sent, func(op GramOp[float64], dy tensor.Matrix[float64]) {
				op.Keep(dy, room)
				if !use.full.IsZero() {
					op.Gram(use.full)
				} else {
					op.GramBlocks(use.blocks)
				}
				if !op.KeepsSignals() {
					clear(dy.Flat())
				}
				if !op.Held() {
					if room > 1 {
						t.Error("J is not held")
					}
					return
				}
				if len(c.inside()) > 0 { // a composite layer: each op has a part of J
					return
				}
				got, u := make([]float64, p), tensor.New[float64](m, k)
				op.Combine(got, v)
				near("Combine", got, jv)
				op.Multiply(u, v)
				near("Multiply", u.Flat(), kv)
			})
		}
		tensor.Mirror(nil, full)
		near("Gram", full.Flat(), want.Flat())
		for i := range m * k {
			near(fmt.Sprintf("row %d of GramBlocks", i), blocks.Row(i), want.Row(i)[i/k*k:i/k*k+k])
		}
	}
	if op, ok := r.op.(ChainedOp[float64]); ok {
		dy, jb, jx := tensor.New[float64](m, out), make([]float64, p), tensor.New[float64](m, out)
		r.op.VJP(tensor.Matrix[float64]{}, jb, r.ct)
		r.op.JVP(jx, r.dx, jb)
		op.Tangent(dy, r.dx, r.ct)
		near("Tangent", dy.Flat(), jx.Flat())
		r.op.JVP(jx, tensor.Matrix[float64]{}, jb)
		op.Tangent(dy, tensor.Matrix[float64]{}, r.ct)
		near("Tangent without dx", dy.Flat(), jx.Flat())
	}
}

func (c layerCase) inside() []branch { return namedLayer{Layer: c.Layer, in: c.in}.inside() }

// A visit is a Visitor of one function.
type visit func(op GramOp[float64], dy tensor.Matrix[float64])

func (f visit) Visit(l Visited[float64]) { f(l.Op.(GramOp[float64]), l.Signals) }

// visitOps sends signals back through a network of one layer.
func visitOps(t *testing.T, c layerCase, r *opRun[float64], dy tensor.Matrix[float64], f visit) {
	one, err := newChain(c.in, []LayerConfig{{"layer", c.Layer}})
	if err != nil {
		t.Fatal(err)
	}
	var s slots
	s.reserve(&one, 0)
	tape := newTape(&one, r.x.Rows, nil, newWorkspace[float64](s, r.x.Rows), 0)
	tape.forward(tensor.New[float64](r.y.Rows, r.y.Cols), r.x, r.w)
	var ends slots
	ends.reserveSignals(&one, 0)
	tape.backprop(&walk[float64]{visitor: f, rows: r.x.Rows, space: newWorkspace[float64](ends, dy.Rows), looks: one.params, keeps: one.params, values: runValues}, 0, tensor.Matrix[float64]{}, dy)
}

// TestActivationsFarOut: values and derivatives stay finite, and reach their
// limits.
func TestActivationsFarOut(t *testing.T) {
	for _, name := range activations() {
		l := Layers.Default(name).Must()
		in := tensor.Shape{C: 5, H: 1, W: 1}
		op := bind[float64](l, Site{in, 1, nil})
		x, y, d := tensor.View(1, 5, []float64{-1e4, -50, 0, 50, 1e4}), tensor.New[float64](1, 5), tensor.New[float64](1, 5)
		ones := tensor.View(1, 5, []float64{1, 1, 1, 1, 1})
		op.Forward(y, x, nil)
		op.JVP(d, ones, nil)
		for i := range 5 {
			if v, g := y.Row(0)[i], d.Row(0)[i]; math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(g) || math.IsInf(g, 0) {
				t.Errorf("%s(%g) = %g, derivative %g", name, x.Row(0)[i], v, g)
			}
		}
	}
}

// TestInitializers checks mean, variance and range of a large draw against the
// formulas of the papers.
func TestInitializers(t *testing.T) {
	const in, out = 400, 500
	for _, c := range []struct {
		name     string
		next     Layer
		variance float64
		uniform  bool
	}{
		{"he_normal", ReLU{}, 2.0 / in, false},
		{"he_uniform", ReLU{}, 2.0 / in, true},
		{"he_normal", nil, 2.0 / in, false},
		{"he_normal", LeakyReLU{Slope: 0.5}, 2 / (1.25 * in), false},
		{"glorot_normal", Tanh{}, 2.0 / (in + out), false},
		{"glorot_uniform", Tanh{}, 2.0 / (in + out), true},
		{"lecun_normal", nil, 1.0 / in, false},
		{"lecun_uniform", nil, 1.0 / in, true},
		{"zeros", nil, 0, false},
		{"auto", ReLU{}, 2.0 / in, false},
		{"auto", LeakyReLU{Slope: 0.5}, 2 / (1.25 * in), false},
		{"auto", Softplus{}, 2.0 / in, false},
		{"auto", GELU{}, 2.0 / in, false},
		{"auto", Tanh{}, 2.0 / (in + out), false},
		{"auto", Sigmoid{}, 2.0 / (in + out), false},
		{"auto", nil, 1.0 / in, false},
	} {
		d := Dense{Units: out, Bias: true, Initializer: c.name}
		w := make([]float64, in*out+out)
		d.Init(w, tensor.Shape{C: in, H: 1, W: 1}, c.next, rand.New(rand.NewPCG(1, 1)))
		var mean, square, largest float64
		for _, v := range w[:in*out] {
			mean += v / (in * out)
			square += v * v / (in * out)
			largest = math.Max(largest, math.Abs(v))
		}
		// The relative error of a variance of n normal numbers is about √(2/n).
		if math.Abs(square-c.variance) > 5*math.Sqrt(2.0/(in*out))*c.variance || math.Abs(mean) > 5*math.Sqrt(c.variance/(in*out)) {
			t.Errorf("%s before %T: mean %g, variance %g, want 0 and %g", c.name, c.next, mean, square, c.variance)
		}
		if bound := math.Sqrt(3 * c.variance); c.uniform && (largest > bound || largest < 0.999*bound) || !c.uniform && c.variance > 0 && largest < bound {
			t.Errorf("%s: the largest weight is %g, uniform ones end at %g", c.name, largest, bound)
		}
		if slices.ContainsFunc(w[in*out:], func(b float64) bool { return b != 0 }) {
			t.Errorf("%s: biases do not start at 0", c.name)
		}
	}
}
