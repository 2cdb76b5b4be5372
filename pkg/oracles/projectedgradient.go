package oracles

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "projected_gradient", Doc: "accelerated projected gradient on the dual, with restarts; an iteration is one product with K", Reference: "Beck and Teboulle 2009; O'Donoghue and Candes 2015",
	}, ProjectedGradient{}, func(s ProjectedGradient) (Solver, error) { return s, nil })
}

// ProjectedGradient is accelerated proximal gradient ascent on D: the conjugate
// is handled by its proximal operator, and (gamma'/m) K by a step 1/L. It multiplies by K,
// and does not need it formed.
type ProjectedGradient struct{}

func (ProjectedGradient) Abilities() Abilities {
	return Abilities{Box: newAcceleratedGradient, BoxSpace: func(n int) int { return size.Product(4, n) }}
}

func newAcceleratedGradient(n int) BoxAscent {
	return &acceleratedGradient{next: make([]float64, n), nextU: make([]float64, n), y: make([]float64, n), yU: make([]float64, n)}
}

type acceleratedGradient struct {
	next, nextU []float64 // the new iterate
	y, yU       []float64 // the point that is stepped from, and -(gamma'/m) K y
}

// Solve makes one product with K in each iteration. Where the step 1/L was too long, the
// iteration ends with a larger L, and a stays as it was.
func (s *acceleratedGradient) Solve(b *Box, a, u []float64, out *Solution) {
	n := len(a)
	next, nextU, y, yU := s.next[:n], s.nextU[:n], s.y[:n], s.yU[:n]
	copy(y, a)
	copy(yU, u)
	theta := 1.0
	lipschitz := b.GammaOverM * b.ratio
	if !(lipschitz > 0) {
		lipschitz = 1
	}
	for {
		for j := range next {
			next[j] = b.ProxConj(j, lipschitz, b.base[j]+yU[j]+lipschitz*y[j])
		}
		b.Counters.Add(b.K.Mul(tensor.View(b.m, b.k, nextU), tensor.View(b.m, b.k, next)))
		tensor.Scale(nil, -b.GammaOverM, nextU)
		out.Iterations++

		// The step was too long if (gamma'/m) v·K v > L |v|², v = next - y.
		var curved, square, turn float64
		for j := range next {
			step := next[j] - y[j]
			curved -= step * (nextU[j] - yU[j])
			square += step * step
			turn += (y[j] - next[j]) * (next[j] - a[j])
		}
		if curved > lipschitz*square*(1+1e-9) && !math.IsInf(curved, 0) {
			lipschitz = max(1.2*curved/square, 1.5*lipschitz)
			if out.Iterations >= b.stop.Iterations {
				out.Reason = StoppedBudget
				return
			}
			continue
		}
		old := theta
		theta = (1 + math.Sqrt(1+4*theta*theta)) / 2
		beta := (old - 1) / theta
		if turn > 0 { // momentum points the wrong way: restart
			theta, beta = 1, 0
		}
		for j := range next {
			y[j] = next[j] + beta*(next[j]-a[j])
			yU[j] = nextU[j] + beta*(nextU[j]-u[j])
		}
		copy(a, next)
		copy(u, nextU)
		if b.Observe(a, u, out) {
			return
		}
	}
}
