package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A passCase is one call, on slices that it may read and write.
type passCase[T Float] struct {
	name   string
	slices int
	run    func(s [][]T) float64
}

func passCases[T Float]() []passCase[T] {
	adam := Adam[T]{Decay: 0.1, Beta1: 0.9, Rest1: 0.1, Beta2: 0.99, Rest2: 0.01, Rate: 0.5, Root: 3, Epsilon: 0.01, Shrink: 0.2}
	cases := []passCase[T]{
		{"axpy", 2, func(s [][]T) float64 { Axpy(-0.3, s[0], s[1]); return 0 }},
		{"scale", 1, func(s [][]T) float64 { Scale(-0.3, s[0]); return 0 }},
		{"multiply", 3, func(s [][]T) float64 { Multiply(s[0], s[1], s[2]); return 0 }},
		{"multiply and add", 3, func(s [][]T) float64 { MultiplyAdd(s[0], s[1], s[2]); return 0 }},
		{"multiply in place", 2, func(s [][]T) float64 { Multiply(s[0], s[1], s[0]); return 0 }},
		{"gate", 3, func(s [][]T) float64 { Gate(s[0], s[1], s[2]); return 0 }},
		{"relu", 2, func(s [][]T) float64 { Gate(s[0], s[0], s[1]); return 0 }},
		{"tanh", 3, func(s [][]T) float64 { Tanh(s[0], s[1], s[2]); return 0 }},
		{"sigmoid", 3, func(s [][]T) float64 { Sigmoid(s[0], s[1], s[2]); return 0 }},
		{"softplus", 3, func(s [][]T) float64 { Softplus(s[0], s[1], s[2]); return 0 }},
		{"gelu", 3, func(s [][]T) float64 { GELU(s[0], s[1], s[2]); return 0 }},
		{"tanh's curvature", 4, func(s [][]T) float64 { TanhCurvature(s[0], s[1], s[2], s[3]); return 0 }},
		{"jet forward", 5, func(s [][]T) float64 { JetForward(s[0], s[1], s[2], s[3], s[4]); return 0 }},
		{"jet JVP", 7, func(s [][]T) float64 { JetJVP(s[0], s[1], s[2], s[3], s[4], s[5], s[6]); return 0 }},
		{"jet VJP", 7, func(s [][]T) float64 { JetVJP(s[0], s[1], s[2], s[3], s[4], s[5], s[6]); return 0 }},
		{"exp", 2, func(s [][]T) float64 {
			for i, v := range s[0] {
				s[0][i] = min(v, -v)
			}
			Exp(s[0], s[1])
			return 0
		}},
		{"dot", 2, func(s [][]T) float64 { return Dot(s[0], s[1]) }},
		{"copy and sum", 2, func(s [][]T) float64 { return CopySum(s[1], s[0]) }},
		{"sum", 1, func(s [][]T) float64 { return Sum(s[0]) }},
		{"squares", 1, func(s [][]T) float64 { return Squares(s[0], 0.5) }},
		{"normal", 2, func(s [][]T) float64 { Normal(s[1], s[0], 0.5, 0.7, -0.3, 0.2); return 0 }},
		{"normal back", 3, func(s [][]T) float64 { NormalBack(s[2], s[0], s[1], 0.5, 0.7, -0.3, 0.2, 1.5); return 0 }},
		{"normal back in place", 2, func(s [][]T) float64 { NormalBack(s[1], s[0], s[1], 0.5, 0.7, -0.3, 0.2, 1.5); return 0 }},
		{"normal dot", 2, func(s [][]T) float64 { dot, _ := NormalDots(s[0], s[1], 0.5, 0.7); return dot }},
		{"normal sum", 2, func(s [][]T) float64 { _, sum := NormalDots(s[0], s[1], 0.5, 0.7); return sum }},
		{"adam update", 5, func(s [][]T) float64 { adam.Update(s[4], s[0], s[1], s[2], s[3]); return 0 }},
		{"adam step", 4, func(s [][]T) float64 { adam.Update(nil, s[0], s[1], s[2], s[3]); return 0 }},
	}
	nadam, lion := NAdam[T]{Adam: adam, Ahead: -0.7}, Lion[T]{Beta1: 0.9, Rest1: 0.1, Beta2: 0.99, Rest2: 0.01, Rate: 0.5, Shrink: 0.2}
	free := Free[T]{Decay: 0.1, Share: 0.3, Ahead: 0.2, Rate: 0.4, Beta2: 0.99, Rest2: 0.01, Root: 3, Epsilon: 0.01}
	adaptive := free
	adaptive.Adaptive = true
	cases = append(cases, []passCase[T]{
		{"nadam update", 5, func(s [][]T) float64 { nadam.Update(s[4], s[0], s[1], s[2], s[3]); return 0 }},
		{"nadam step", 4, func(s [][]T) float64 { nadam.Update(nil, s[0], s[1], s[2], s[3]); return 0 }},
		{"lion update", 4, func(s [][]T) float64 { lion.Update(s[3], s[0], s[1], s[2]); return 0 }},
		{"lion step", 3, func(s [][]T) float64 { lion.Update(nil, s[0], s[1], s[2]); return 0 }},
		{"lion step at 0", 3, func(s [][]T) float64 { clear(s[0]); clear(s[2]); lion.Update(nil, s[0], s[1], s[2]); return 0 }},
		{"free update", 4, func(s [][]T) float64 { free.Update(s[3], s[0], s[1], s[2], nil); return 0 }},
		{"free step", 3, func(s [][]T) float64 { free.Update(nil, s[0], s[1], s[2], nil); return 0 }},
		{"adaptive free update", 5, func(s [][]T) float64 { adaptive.Update(s[4], s[0], s[1], s[2], s[3]); return 0 }},
		{"adaptive free step", 4, func(s [][]T) float64 { adaptive.Update(nil, s[0], s[1], s[2], s[3]); return 0 }},
	}...)
	for _, o := range []Momentum[T]{{0.3, 0.1, 0, false}, {0.3, 0.1, 0.9, false}, {0.3, 0.1, 0.9, true}} {
		cases = append(cases,
			passCase[T]{fmt.Sprintf("%+v update", o), 4, func(s [][]T) float64 { o.Update(s[3], s[0], s[1], s[2]); return 0 }},
			passCase[T]{fmt.Sprintf("%+v step", o), 3, func(s [][]T) float64 { o.Update(nil, s[0], s[1], s[2]); return 0 }})
	}
	return cases
}

// bordered returns slices of n elements with canaries around.
func bordered[T Float](n, count int) (all, inner [][]T) {
	const border = 70
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	for range count {
		s := make([]T, n+2*border)
		for i := range s {
			s[i] = canary
			if i >= border && i < border+n {
				s[i] = T(rng.NormFloat64())
				if count >= 4 && len(all) == 3 {
					s[i] *= s[i] // Adam's second moment
				}
			}
		}
		all, inner = append(all, s), append(inner, s[border:border+n:border+n])
	}
	return all, inner
}

func testPasses[T Float](t *testing.T, tol float64) {
	for _, c := range passCases[T]() {
		for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 1000, 4099} {
			got, in := bordered[T](n, c.slices)
			x := c.run(in)
			isa := Active()
			Use(Go)
			want, in := bordered[T](n, c.slices)
			y := c.run(in)
			Use(isa)
			if math.Abs(x-y) > 1e-12*float64(n+1) {
				t.Errorf("%s of %d: %g, want %g", c.name, n, x, y)
			}
			for i := range got {
				for j, w := range want[i] {
					if g := got[i][j]; !(math.Abs(float64(g-w)) <= tol*(1+math.Abs(float64(w)))) {
						t.Fatalf("%s of %d: slice %d, element %d: %g, want %g", c.name, n, i, j-70, g, w)
					}
				}
			}
		}
	}
}

// TestPasses compares every kernel with its Go loop, at every kind of length,
// and looks for writes outside.
func TestPasses(t *testing.T) {
	each(t, func(t *testing.T) {
		testPasses[float32](t, 1e-6)
		testPasses[float64](t, 1e-14)
	})
}

// TestSpecialGate: NaN, infinities and zeros, in the gate and in what goes through.
func TestSpecialGate(t *testing.T) {
	each(t, func(t *testing.T) {
		nan, inf, minus := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
		for n := 6; n < 40; n += 7 {
			x, y, d := make([]float32, n), make([]float32, n), make([]float32, n)
			copy(x, []float32{nan, inf, -inf, 0, minus, 1})
			copy(d, []float32{1, 2, nan, nan, inf, nan})
			Gate(x, x, y)
			if !math.IsNaN(float64(y[0])) || !slices.Equal(y[1:6], []float32{inf, 0, 0, 0, 1}) {
				t.Errorf("%v is rectified to %v", x[:6], y[:6])
			}
			Gate(x, d, y)
			if !slices.Equal(y[:5], []float32{1, 2, 0, 0, 0}) || !math.IsNaN(float64(y[5])) {
				t.Errorf("%v gates %v to %v", x[:6], d[:6], y[:6])
			}
		}
	})
}

func TestPassesPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("slices of different lengths are taken")
		}
	}()
	Axpy(1, make([]float32, 3), make([]float32, 4))
}

// BenchmarkPasses reports bytes moved in a second, beside those of a copy.
func BenchmarkPasses(b *testing.B) {
	bytes := map[string]int64{"axpy": 12, "scale": 8, "multiply": 12, "gate": 12, "relu": 8, "dot": 8, "adam step": 28,
		"{Rate:0.3 Decay:0.1 Mu:0 Nesterov:false} step": 12, "{Rate:0.3 Decay:0.1 Mu:0.9 Nesterov:false} step": 20}
	const n = 1 << 22
	s := make([][]float32, 5)
	for i := range s {
		s[i] = make([]float32, n)
		for j := range s[i] {
			s[i][j] = float32(j%7) - 3
		}
	}
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(8 * n)
		for b.Loop() {
			copy(s[0], s[1])
		}
	})
	for _, c := range passCases[float32]() {
		if size := bytes[c.name]; size > 0 {
			b.Run(c.name, func(b *testing.B) {
				b.SetBytes(size * n)
				for b.Loop() {
					c.run(s)
				}
			})
		}
	}
}
