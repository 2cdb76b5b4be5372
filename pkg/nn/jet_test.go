package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// jetCases are the layers of jets of every registered layer that has one, with a sum over some
// of the coordinates.
func jetCases(t *testing.T) map[string]layerCase {
	out := map[string]layerCase{}
	j := Jet{Dimension: 3, Second: []int{0, 2}}
	in := j.shape(4)
	add := func(name string, l Layer, in tensor.Shape) {
		s, err := l.Size(in)
		if err != nil {
			t.Fatalf("jets of %s: %v", name, err)
		}
		out["jets of "+name] = layerCase{l, in, s}
	}
	for _, kind := range Layers.Names() {
		for i, trial := range Layers.Entry(kind).Trials {
			if l, err := trial(); err == nil {
				if lifted, ok := l.(Liftable); ok {
					add(fmt.Sprintf("%s/%d", kind, i), lifted.Lift(j), in)
				}
			}
		}
	}
	if len(out) < 5 {
		t.Errorf("only %d layers have jets", len(out))
	}
	add("coordinates", jetInput{j}, tensor.Shape{C: 4, H: 1, W: 1})
	return out
}

// jetNet is the network of residuals of F = x_0 u u_0 - sum/2 + u_1², nonlinear in the jet.
func jetNet(t *testing.T, config string, j Jet) (plain, net *Net) {
	t.Helper()
	plain = build(t, config, tensor.Shape{C: j.Dimension, H: 1, W: 1}, 1)
	net, err := plain.Differentiate(j, func(to, x, jet []float64) float64 {
		last := len(jet) - 1
		to[0], to[1], to[2], to[last] = x[0]*jet[1], x[0]*jet[0], 2*jet[2], -0.5
		return x[0]*jet[0]*jet[1] - jet[last]/2 + jet[2]*jet[2]
	})
	if err != nil {
		t.Fatal(err)
	}
	return plain, net
}

// jetPoints are points in every part.
func jetPoints(rng *rand.Rand, m, d int) tensor.Matrix[float64] {
	x := randomMatrix[float64](rng, m, d+1)
	for i := range m {
		x.Row(i)[d] = float64(i % 2)
	}
	return x
}

// TestDifferentiate compares residuals with differences of the network itself, for every
// activation that has jets, and checks derivatives, K and files as of any network.
func TestDifferentiate(t *testing.T) {
	const m = 6
	for i, activation := range append(liftable(), liftable()...) {
		j := Jet{Dimension: 3, Second: []int{1, 2}}
		if i >= len(liftable()) {
			j.Weights = []float64{-2, 0.7}
		}
		plain, net := jetNet(t, fmt.Sprintf("{kind: mlp, hidden: [7, 5], activation: %s}", activation), j)
		if a, b := fmt.Sprint(plain.Layout()), fmt.Sprint(net.Layout()); a != b {
			t.Fatalf("the weights are %s, those of the network %s", b, a)
		}
		rng := rand.New(rand.NewPCG(3, 4))
		w, x := random[float64](rng, net.NumParams()), jetPoints(rng, m, j.Dimension)
		lin, one := NewLinearization[float64](net, m, nil), NewLinearization[float64](plain, 1, nil)
		z := lin.Linearize(w, x)
		u := func(i int, steps ...int) float64 { // at a point moved by 1e-3 along coordinates
			p := tensor.New[float64](1, j.Dimension)
			copy(p.Row(0), x.Row(i))
			for _, s := range steps {
				if s >= 0 {
					p.Row(0)[s] += 1e-3
				} else {
					p.Row(0)[^s] -= 1e-3
				}
			}
			return one.Linearize(w, p).Row(0)[0]
		}
		first := func(i, c int) float64 { // of fourth order
			return (8*(u(i, c)-u(i, ^c)) - (u(i, c, c) - u(i, ^c, ^c))) / 12e-3
		}
		for i := range m {
			want := u(i)
			if i%2 == Interior {
				var sum float64
				for _, c := range j.Second {
					sum += j.weights()[c] * (16*(u(i, c)+u(i, ^c)) - (u(i, c, c) + u(i, ^c, ^c)) - 30*u(i)) / 12e-6
				}
				want = x.Row(i)[0]*u(i)*first(i, 0) - sum/2 + math.Pow(first(i, 1), 2)
			}
			if got := z.Row(i)[0]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
				t.Errorf("%s: residual %d is %g, by differences %g", activation, i, got, want)
			}
		}
		checkNetOn(t, fmt.Sprintf("equation with %s, %+v", activation, j), net, x)
	}
}

// TestDifferentiateErrors: what has no second derivatives is refused with the layer and the
// reason.
func TestDifferentiateErrors(t *testing.T) {
	in := tensor.Shape{C: 2, H: 1, W: 1}
	for _, c := range []struct {
		config  string
		outputs int
		d       int
		want    string
	}{
		{"{kind: mlp, hidden: [4]}", 1, 2, "layer 1 (relu): is piecewise linear"},
		{"{kind: mlp, hidden: [4], activation: leaky_relu}", 1, 2, "use one of gelu, sigmoid, softplus, tanh"},
		{"{kind: sequential, layers: [{kind: dense, units: 3}, layer_norm, {kind: dense, units: 1}]}", 1, 2, "layer 1 (layer_norm): has no derivatives in its input; networks of equations have the layers dense, gelu"},
		{"{kind: mlp, hidden: [4], activation: tanh}", 2, 2, "has 2 outputs, and the equation is for one function u"},
		{"{kind: mlp, hidden: [4], activation: tanh}", 1, 3, "takes examples of shape 2, and the equation has 3 coordinates"},
	} {
		n := build(t, c.config, in, c.outputs)
		_, err := n.Differentiate(Jet{Dimension: c.d}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
	n := build(t, "{kind: mlp, hidden: [4], activation: tanh}", in, 1)
	for _, c := range []float64{0, 1e-20, 1e20, math.NaN(), math.Inf(-1)} {
		if _, err := n.Differentiate(Jet{Dimension: 2, Second: []int{0, 1}, Weights: []float64{1, c}}, nil); err == nil || !strings.Contains(err.Error(), "must be of a size from 1e-15 to 1e15") {
			t.Errorf("weight %g: %v", c, err)
		}
	}
}

// TestGELUFarOut: where the normal density is 0 in the precision, so are the second and third derivative.
func TestGELUFarOut(t *testing.T) {
	for _, v := range []float32{200, -1e13, 1e30, -math.MaxFloat32} {
		second, third := []float32{1}, []float32{1}
		if geluCurvature(second, third, []float32{v}, nil, nil); second[0] != 0 || third[0] != 0 {
			t.Errorf("at %g: %g and %g", v, second[0], third[0])
		}
	}
	second, third := []float64{1}, []float64{1}
	if geluCurvature(second, third, []float64{math.NaN()}, nil, nil); !math.IsNaN(second[0]) || !math.IsNaN(third[0]) {
		t.Errorf("of NaN: %g and %g", second[0], third[0])
	}
}
