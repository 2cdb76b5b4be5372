package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/tensor"
)

// build returns the network of a model in a config.
func build(t testing.TB, config string, in tensor.Shape, k int) *Net {
	t.Helper()
	c, err := chooseModel(config)
	if err != nil {
		t.Fatal(err)
	}
	n, err := c.Build(in, k)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestModels is the conformance suite of models: on images, with every trial
// setting, derivatives are those of the outputs, K is J Jᵀ, and files of weights
// come back.
func TestModels(t *testing.T) {
	const m, k = 3, 2
	for _, name := range Models.Names() {
		used := 0
		for i, trial := range Models.Entry(name).Trials {
			model, err := trial()
			if err != nil {
				continue // an option that has no default
			}
			if i == 0 && len(Models.Entry(name).Trials) > 1 {
				continue // defaults are large, and another setting is there
			}
			used++
			n, err := model.Build(tensor.Shape{C: 2, H: 9, W: 8}, k)
			if err != nil {
				t.Fatalf("%s, trial %d: %v", name, i, err)
			}
			checkNet(t, fmt.Sprintf("%s, trial %d", name, i), n, m)
		}
		if used == 0 && name != "sequential" {
			t.Errorf("no trial of %s was built", name)
		}
	}
	checkNet(t, "nested", build(t, `{kind: sequential, layers: [
		{kind: residual, body: [{kind: conv, filters: 2, kernel: 3, padding: same}, tanh,
			{kind: residual, body: [layer_norm, {kind: conv, filters: 4, kernel: 1}], shortcut: [{kind: conv, filters: 4, kernel: 1}, softplus]},
			{kind: conv, filters: 2, kernel: 1}]},
		{kind: avg_pool, size: 3}, {kind: residual, body: [gelu]}, flatten, {kind: residual, body: [{kind: dense, units: 12}]}, {kind: dense, units: 2}]}`,
		tensor.Shape{C: 2, H: 9, W: 8}, k), m)
	// A branch that begins with a wide layer without weights, and a residual behind it.
	checkNet(t, "before activation", build(t, `{kind: sequential, layers: [flatten, {kind: dense, units: 30}, {kind: residual,
		body: [tanh, {kind: residual, body: [{kind: dense, units: 5}], shortcut: [{kind: dense, units: 5}]}], shortcut: [{kind: dense, units: 5}]},
		layer_norm, {kind: dense, units: 2, bias: false}, {kind: residual, body: [{kind: dense, units: 2}]}]}`,
		tensor.Shape{C: 1, H: 3, W: 4}, k), m)
}

// A jacobianRows visitor makes rows of signals times J, by the VJP of each layer.
type jacobianRows struct {
	rows tensor.Matrix[float64] // s m x p, row r m + i
	seen int                    // weights
}

func (v *jacobianRows) Visit(l Visited[float64]) {
	m := l.Inputs.Rows
	one := tensor.New[float64](m, l.Signals.Cols)
	for r := range l.Signals.Rows {
		clear(one.Flat())
		copy(one.Row(r%m), l.Signals.Row(r))
		l.Op.VJP(tensor.Matrix[float64]{}, v.rows.Row(r)[l.Lo:l.Hi], one)
	}
	v.seen += l.Hi - l.Lo
}

// checkBackprop sends random signals through all layers, and compares what they say
// of the weights with the same combinations of the rows of J, m k x p. It sends
// more of them at the second time, for which the work space must grow.
func checkBackprop(t *testing.T, name string, l *Linearization[float64], jac tensor.Matrix[float64]) {
	t.Helper()
	k := l.Outputs().Cols
	m := jac.Rows / k
	rng := rand.New(rand.NewPCG(5, 6))
	for _, signals := range []int{1, k + 3} {
		sent := l.Signals(signals)
		for i := range sent.Flat() {
			sent.Flat()[i] = rng.NormFloat64()
		}
		v := &jacobianRows{rows: tensor.New[float64](signals*m, jac.Cols)}
		weights := slices.Clone(sent.Flat()) // Backprop may use the work space
		l.Backprop(sent, v)
		if v.seen != jac.Cols {
			t.Errorf("%s: layers with %d of %d weights were visited", name, v.seen, jac.Cols)
		}
		want := make([]float64, jac.Cols)
		for r := range v.rows.Rows {
			clear(want)
			for c := range k {
				tensor.Axpy(nil, weights[r*k+c], jac.Row(r%m*k+c), want)
			}
			if e := distance(v.rows.Row(r), want); e > 1e-12 {
				t.Errorf("%s: signal %d is %.2g away from its row of J", name, r, e)
			}
		}
	}
}

// A reporter is a test, or one of its random cases.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkProducts compares every way to multiply by K and by Jᵀ with the explicit J, m k x p,
// and K: chained, with every number of layers kept, and what Keep chooses.
func checkProducts(t reporter, name string, l *Linearization[float64], jac, gram tensor.Matrix[float64]) {
	t.Helper()
	k := l.Outputs().Cols
	m, p := jac.Rows/k, jac.Cols
	rng := rand.New(rand.NewPCG(7, 8))
	v, u := randomMatrix[float64](rng, m, k), tensor.New[float64](m, k)
	jv, kv, got := make([]float64, p), make([]float64, m*k), make([]float64, p)
	tensor.Combine(nil, jac, v.Flat(), jv)
	tensor.Gemv(nil, gram, v.Flat(), kv)
	check := func(what string) {
		t.Helper()
		for range 2 {
			if adds := l.Product(u, v); adds <= 0 {
				t.Errorf("%s, %s: %d multiply-adds", name, what, adds)
			}
			if e := distance(u.Flat(), kv); e > 1e-12 {
				t.Errorf("%s, %s: K v is %.2g away", name, what, e)
			}
			rows := randomMatrix[float64](rng, vectorsAtOnce+3, m*k)
			products, want, one := tensor.New[float64](rows.Rows, m*k), make([]float64, m*k), l.Product(u, v)
			if adds := l.Products(products, rows); adds != int64(rows.Rows)*one {
				t.Errorf("%s, %s: %d multiply-adds of %d vectors, %d of one", name, what, adds, rows.Rows, one)
			}
			for i := range rows.Rows {
				tensor.Gemv(nil, gram, rows.Row(i), want)
				if e := distance(products.Row(i), want); e > 1e-12 {
					t.Errorf("%s, %s: K v of vector %d among others is %.2g away", name, what, i, e)
				}
			}
			if adds := l.Combine(got, v); adds <= 0 {
				t.Errorf("%s, %s: %d multiply-adds", name, what, adds)
			}
			if e := distance(got, jv); e > 1e-12 {
				t.Errorf("%s, %s: Jᵀ v is %.2g away", name, what, e)
			}
		}
	}
	l.Forget()
	check("chained")
	for cut := range len(l.tape.ops) + 1 {
		if cut < len(l.tape.ops) && l.tape.ops[cut].hi == l.tape.ops[cut].lo {
			continue
		}
		l.keep(l.units(), true, keeper[float64]{room: math.MaxInt}, cut)
		check(fmt.Sprintf("%d ops kept", cut))
	}
	l.Gram(tensor.New[float64](m*k, m*k))
	check("after Gram")
	blocks, none := tensor.New[float64](m*k, k), tensor.Matrix[float64]{}
	for _, b := range []tensor.Matrix[float64]{none, blocks} {
		l.Keep(b)
		check("as Keep chooses")
	}
	for r := range m * k {
		if e := distance(blocks.Row(r), gram.Row(r)[r/k*k:r/k*k+k]); e > 1e-12 {
			t.Errorf("%s: row %d of the blocks of K is %.2g away", name, r, e)
		}
	}
}

// TestProductsInParts: signals that go back one at a time, and kept rows of many values.
func TestProductsInParts(t *testing.T) {
	for config, in := range map[string]tensor.Shape{
		"{kind: mlp, hidden: [200, 100, 150], activation: tanh}":                  {C: 30, H: 1, W: 1},
		"{kind: convnet, filters: [6, 5], hidden: [40, 30]}":                      {C: 2, H: 12, W: 12},
		"{kind: convnet, filters: [8], convs: 2, norm: layer_norm}":               {C: 1, H: 10, W: 10},
		"{kind: resnet, depth: 8, width: 4, norm: {kind: group_norm, groups: 2}}": {C: 3, H: 8, W: 8},
	} {
		n := build(t, config, in, 7)
		const m, k = 9, 7
		rng := rand.New(rand.NewPCG(1, 2))
		w, x := n.Init(rng), randomMatrix[float64](rng, m, in.Len())
		l := NewLinearization[float64](n, m, nil)
		l.runs = 1
		l.Linearize(w, x)
		jac := rowsOf(l)
		gram := tensor.New[float64](m*k, m*k)
		tensor.Gemm(nil, tensor.NoTrans, tensor.Trans, 1, jac, jac, 0, gram)
		checkProducts(t, config, l, jac, gram)
		got := tensor.New[float64](m*k, m*k)
		l.Gram(got)
		if e := distance(got.Flat(), gram.Flat()); e > 1e-12 {
			t.Errorf("%s: K is %.2g away", config, e)
		}
	}
}

func checkNet(t *testing.T, name string, n *Net, m int) {
	t.Helper()
	checkNetOn(t, name, n, randomMatrix[float64](rand.New(rand.NewPCG(1, 3)), m, n.Input().Len()))
}

// checkNetOn is checkNet on the examples x.
func checkNetOn(t *testing.T, name string, n *Net, x tensor.Matrix[float64]) {
	t.Helper()
	k, p, m := n.Outputs(), n.NumParams(), x.Rows
	rng := rand.New(rand.NewPCG(1, 2))
	w := n.Init(rng)
	l := NewLinearization[float64](n, m+1, nil)
	l.Linearize(w, x)

	d := random[float64](rng, p)
	u := tensor.New[float64](m, k)
	l.JVP(u, d)
	const h = 1e-5
	hi, lo := slices.Clone(l.OutputsAt(h, d).Flat()), slices.Clone(l.OutputsAt(-h, d).Flat())
	for i := range hi {
		hi[i] = (hi[i] - lo[i]) / (2 * h)
	}
	if e := distance(u.Flat(), hi); e > 1e-6 || slices.ContainsFunc(hi, math.IsNaN) {
		t.Errorf("%s: the JVP is %.2g away from differences", name, e)
	}

	jac := tensor.New[float64](m*k, p)
	one := tensor.New[float64](m, k)
	for r := range m * k {
		clear(one.Flat())
		one.Flat()[r] = 1
		l.VJP(jac.Row(r), one)
		if a, b := dot(jac.Row(r), d), u.Flat()[r]; math.Abs(a-b) > 1e-10*(1+math.Abs(a)) {
			t.Errorf("%s: row %d: <Jᵀ e, d> = %g, (J d) = %g", name, r, a, b)
		}
	}
	gram, blocks, want := tensor.New[float64](m*k, m*k), tensor.New[float64](m*k, k), tensor.New[float64](m*k, m*k)
	tensor.Gemm(nil, tensor.NoTrans, tensor.Trans, 1, jac, jac, 0, want)
	l.Gram(gram)
	l.GramBlocks(blocks)
	rows := tensor.New[float64](m*k, p)
	l.Rows(rows)
	if e := distance(rows.Flat(), jac.Flat()); e > 1e-12 {
		t.Errorf("%s: the rows of J are %.2g away", name, e)
	}
	if e := distance(gram.Flat(), want.Flat()); e > 1e-12 {
		t.Errorf("%s: K is %.2g away from J Jᵀ", name, e)
	}
	for r := range m * k {
		if e := distance(blocks.Row(r), want.Row(r)[r/k*k:r/k*k+k]); e > 1e-12 {
			t.Errorf("%s: row %d of the blocks of K is %.2g away", name, r, e)
		}
	}

	checkProducts(t, name, l, jac, want)
	checkBackprop(t, name, l, jac)
	checkRowSpace(t, name, l, jac)
	checkProjection(t, name, l, jac)

	path := filepath.Join(t.TempDir(), "w.npz")
	if err := arrays.WriteFile(path, Arrays(n, w)); err != nil {
		t.Fatal(err)
	}
	if got, err := Load[float64](path, n); err != nil || !slices.Equal(got, w) {
		t.Errorf("%s: weights come back changed: %v", name, err)
	}
	names := map[string]bool{}
	for _, param := range n.Layout().Blocks {
		names[param.Name] = true
	}
	if len(names) != len(n.Layout().Blocks) {
		t.Errorf("%s: names of weights occur twice: %v", name, n.Layout().Blocks)
	}
}

// TestResNetShapes: parameters are as many as in the networks of He et al. with
// convolutions in two shortcuts, and multiply-adds as counted by hand.
func TestResNetShapes(t *testing.T) {
	for depth, params := range map[int]int{8: 78042, 14: 175258, 20: 272474} {
		n := build(t, fmt.Sprintf("{kind: resnet, depth: %d}", depth), tensor.Shape{C: 3, H: 32, W: 32}, 10)
		if n.NumParams() != params {
			t.Errorf("depth %d: %d parameters, want %d", depth, n.NumParams(), params)
		}
		// A convolution of the second and third stage, like one of the first, is
		// 16*16*9*32*32; the first of a stage is half that, its shortcut 1/18.
		const conv = 16 * 16 * 9 * 32 * 32
		blocks := (depth - 2) / 6
		want := int64(3*16*9*32*32 + conv*2*blocks + 2*(conv*(2*blocks-1)+conv/2+conv/18) + 640)
		if got := n.MultiplyAdds().Forward; got != want {
			t.Errorf("depth %d: %d multiply-adds, want %d", depth, got, want)
		}
	}
}

// TestMultiplyAddsNested: a residual layer counts as its layers do, and the
// first layers with weights of its branches take no input half when nothing is
// before.
func TestMultiplyAddsNested(t *testing.T) {
	n := build(t, `{kind: sequential, layers: [{kind: residual, body: [tanh, {kind: dense, units: 4}, {kind: dense, units: 3}], shortcut: [{kind: dense, units: 3}]},
		{kind: residual, body: [{kind: dense, units: 3}]}]}`, tensor.Shape{C: 5, H: 1, W: 1}, 3)
	body, second, shortcut, last := int64(5*4), int64(4*3), int64(5*3), int64(3*3)
	forward := body + second + shortcut + last
	vjp := body + 2*second + shortcut + 2*last
	if got, want := n.MultiplyAdds(), (MultiplyAdds{Forward: forward, JVP: vjp, VJP: vjp}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestMemory compares what dgn check counts with what a linearization holds after
// its first products.
func TestMemory(t *testing.T) {
	const m = 12
	for _, c := range []struct{ name, config string }{
		{"convnet", "{kind: convnet, filters: [16, 32]}"},
		{"norms", "{kind: convnet, filters: [8, 16], convs: 2, norm: layer_norm}"},
		{"resnet", "{kind: resnet, depth: 8}"},
		{"mlp", "{kind: mlp, hidden: [200, 100]}"},
	} {
		n := build(t, c.config, tensor.Shape{C: 3, H: 16, W: 16}, 10)
		counted32, measured32 := memory[float32](n, m, 4)
		counted64, measured64 := memory[float64](n, m, 8)
		for _, v := range [][2]float64{{counted32, measured32}, {counted64, measured64}} {
			if ratio := v[0] / v[1]; ratio < 0.85 || ratio > 1.15 {
				t.Errorf("%s: %.0f bytes are counted, %.0f allocated: a ratio of %.3f", c.name, v[0], v[1], ratio)
			}
		}
		t.Logf("%s: counted over allocated is %.3f in float32, %.3f in float64", c.name, counted32/measured32, counted64/measured64)
	}
}

func memory[T tensor.Float](n *Net, m, size int) (counted, measured float64) {
	w, x, d := make([]T, n.NumParams()), tensor.New[T](m, n.Input().Len()), make([]T, n.NumParams())
	u := tensor.New[float64](m, n.Outputs())
	pool := tensor.NewPool(1)
	defer pool.Close()
	linearize := func() *Linearization[T] {
		l := NewLinearization[T](n, m, pool)
		l.Linearize(w, x)
		l.JVP(u, d)
		l.VJP(d, u)
		return l
	}
	linearize() // work space of products belongs to the pool
	before := heap()
	l := linearize()
	after := heap()
	runtime.KeepAlive([]any{pool, l, w, x, d, u})
	mem := n.Memory(m, size)
	return float64(mem.Kept + mem.Work), after - before
}

// heap returns the bytes in use.
func heap() float64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// TestInitialScale: at the start, values neither vanish nor explode on their way
// through deep networks without norms, and norms start as 1 and 0.
func TestInitialScale(t *testing.T) {
	for _, config := range []string{
		"{kind: convnet, filters: [16, 16, 16], convs: 3}",
		"{kind: convnet, filters: [16, 16, 16], convs: 3, activation: gelu, norm: group_norm}",
		"{kind: resnet, depth: 20, width: 8}",
	} {
		n := build(t, config, tensor.Shape{C: 3, H: 16, W: 16}, 10)
		rng := rand.New(rand.NewPCG(1, 2))
		l := NewLinearization[float64](n, 4, nil)
		z := l.Linearize(n.Init(rng), randomMatrix[float64](rng, 4, 3*16*16)).Flat()
		if rms := math.Sqrt(dot(z, z) / float64(len(z))); rms < 0.1 || rms > 10 {
			t.Errorf("%s: outputs are of size %g at the start", config, rms)
		}
	}
	n := build(t, "{kind: resnet, depth: 8}", tensor.Shape{C: 3, H: 32, W: 32}, 10)
	w := n.Init(rand.New(rand.NewPCG(3, 4)))
	norms := 0
	for _, p := range n.Layout().Blocks {
		part := w[p.Offset : p.Offset+p.Len()]
		switch len(p.Shape) {
		case 4: // He's variance, since a relu is behind the norm or the sum
			want := 2 / float64(p.Shape[1]*p.Shape[2]*p.Shape[3])
			if got := dot(part, part) / float64(p.Len()); math.Abs(got/want-1) > 5*math.Sqrt(2/float64(p.Len())) {
				t.Errorf("%s has variance %g, want %g", p.Name, got, want)
			}
		case 1:
			start := 0.0
			if strings.HasSuffix(p.Name, "weight") {
				start = 1
				norms++
			}
			if slices.ContainsFunc(part, func(v float64) bool { return v != start }) {
				t.Errorf("%s does not start at %g", p.Name, start)
			}
		}
	}
	if norms != 9 {
		t.Errorf("%d norms, want 9", norms)
	}
}

// TestUnitSignals: what layers keep of unit signals, which go back by their zeros where they can, is what they keep of these signals
// when they go back like any others, for every number of layers that keep; and so are the multiply-adds that are counted.
func TestUnitSignals(t *testing.T) {
	for config, in := range map[string]tensor.Shape{
		"{kind: mlp, hidden: [9, 40], activation: relu}":                                                                                                                               {C: 6, H: 1, W: 1},
		"{kind: mlp, hidden: [300, 20, 33], activation: relu}":                                                                                                                         {C: 5, H: 1, W: 1},
		"{kind: mlp, hidden: [17], activation: relu}":                                                                                                                                  {C: 5, H: 1, W: 1},
		"{kind: mlp, hidden: [9, 8], activation: tanh}":                                                                                                                                {C: 6, H: 1, W: 1},
		"{kind: convnet, filters: [3], hidden: [20, 11]}":                                                                                                                              {C: 1, H: 8, W: 8},
		"{kind: convnet, filters: [3], hidden: [20]}":                                                                                                                                  {C: 1, H: 8, W: 8},
		"{kind: sequential, layers: [{kind: dense, units: 8}, {kind: dense, units: 6}, relu, {kind: dense, units: K}]}":                                                                {C: 5, H: 1, W: 1},
		"{kind: sequential, layers: [{kind: dense, units: 8}, tanh, {kind: dense, units: 6}, relu, {kind: dense, units: K}]}":                                                          {C: 5, H: 1, W: 1},
		"{kind: sequential, layers: [{kind: residual, body: [tanh]}, {kind: dense, units: 6}, relu, {kind: dense, units: K}]}":                                                         {C: 5, H: 1, W: 1},
		"{kind: sequential, layers: [{kind: dense, units: 8}, tanh, relu, {kind: dense, units: K}]}":                                                                                   {C: 5, H: 1, W: 1},
		"{kind: sequential, layers: [{kind: conv, filters: 3, kernel: 3}, {kind: avg_pool, size: 2}, relu, flatten, {kind: dense, units: K}]}":                                         {C: 1, H: 8, W: 8},
		"{kind: sequential, layers: [relu, {kind: dense, units: 6}, relu, {kind: dense, units: K}]}":                                                                                   {C: 5, H: 1, W: 1},
		"{kind: sequential, layers: [{kind: dense, units: 8}, relu, {kind: dense, units: 6}, {kind: residual, body: [{kind: dense, units: 6}, tanh]}, relu, {kind: dense, units: K}]}": {C: 5, H: 1, W: 1},
		"{kind: sequential, layers: [{kind: dense, units: 8}, {kind: residual, body: [{kind: dense, units: 8}, tanh]}, {kind: dense, units: 6}, relu, {kind: dense, units: K}]}":       {C: 5, H: 1, W: 1},
	} {
		for _, k := range []int{1, 2, 3, 10} {
			t.Run(fmt.Sprint(config, " ", k), func(t *testing.T) {
				n := build(t, strings.ReplaceAll(config, "K", fmt.Sprint(k)), in, k)
				for _, threads := range []int{1, 3} {
					pool := tensor.NewPool(threads)
					testUnitSignals[float64](t, n, pool, 1e-14)
					testUnitSignals[float32](t, n, pool, 1e-5)
					pool.Close()
				}
			})
		}
	}
}

func testUnitSignals[T tensor.Float](t *testing.T, n *Net, pool *tensor.Pool, tol float64) {
	const largest, m = 9, 7
	k := n.Outputs()
	rng := rand.New(rand.NewPCG(1, 2))
	l := NewLinearization[T](n, largest, pool)
	w := make([]T, n.params)
	tensor.Convert(w, n.Init(rng))
	l.Linearize(w, randomMatrix[T](rng, m, n.in.Len()))
	v := randomMatrix[float64](rng, m, k)

	// Zeros are counted where the walk leaves them out.
	tape := l.tape
	top := len(tape.ops) - 1
	below := tape.runFrom(top) - 1
	last := tape.gathering(&walk[T]{units: true}, top, below+1)
	leaves := last.passes(tape, below) && tape.runFrom(below) > tape.first
	if h := n.sharedZeros(k); leaves != (h > 0) || leaves && h != last.in {
		t.Errorf("zeros of %d units are counted, and it is %v that some are left out", h, leaves)
	}
	if gathers := n.gathers(); gathers != (last != nil) {
		t.Errorf("that the last layer gathers is %v, and counted as %v", last != nil, gathers)
	}

	keep := func(units bool, of keeper[T], cut int) int64 {
		l.Signals(k)
		for _, slots := range l.signals.slots { // nothing that is not written is right
			for _, s := range slots {
				for i := range s {
					s[i] = T(math.NaN())
				}
			}
		}
		for _, o := range l.tape.ops {
			for i := range o.kept {
				o.kept[i] = T(math.NaN())
			}
		}
		return l.keep(l.units(), units, of, cut)
	}
	for cut := range len(l.tape.ops) + 1 {
		if cut < len(l.tape.ops) && l.tape.ops[cut].hi == l.tape.ops[cut].lo {
			continue
		}
		for _, withBlocks := range []bool{false, true} {
			var d [2][]T
			var blocks [2]tensor.Matrix[float64]
			var adds [2]int64
			for i, units := range []bool{false, true} {
				of := keeper[T]{room: math.MaxInt}
				if withBlocks {
					blocks[i] = tensor.New[float64](m*k, k)
					of.blocks = blocks[i]
				}
				d[i] = make([]T, n.params)
				adds[i] = keep(units, of, cut)
				adds[i] += l.Combine(d[i], v)
			}
			if e := distance(d[1], d[0]); !(e < tol) || adds[0] != adds[1] {
				t.Errorf("%d ops kept: Jᵀ v is %.2g away, of %d and %d multiply-adds", cut, e, adds[1], adds[0])
			}
			if e := distance(blocks[1].Flat(), blocks[0].Flat()); withBlocks && !(e < tol) {
				t.Errorf("%d ops kept: the blocks of K are %.2g away", cut, e)
			}
		}
	}
	var grams [2]tensor.Matrix[T]
	for i, units := range []bool{false, true} {
		grams[i] = tensor.New[T](m*k, m*k)
		keep(units, keeper[T]{room: math.MaxInt, full: grams[i]}, len(l.tape.ops))
		tensor.Mirror(nil, grams[i])
	}
	if e := distance(grams[1].Flat(), grams[0].Flat()); !(e < tol) {
		t.Errorf("K is %.2g away", e)
	}
}
