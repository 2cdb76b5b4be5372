package oracles

import (
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	registry.Add(&Solvers, registry.Info{
		Name: "sdca", Doc: "dual coordinate ascent on the formed Gram matrix; an iteration goes once over all coordinates", Reference: "Hsieh et al. 2008; Shalev-Shwartz and Zhang 2013",
	}, SDCA{}, func(s SDCA) (Solver, error) { return s, nil })
}

// SDCA maximises D exactly along one coordinate after the other, in a new random
// order for each epoch.
type SDCA struct{}

func (SDCA) Abilities() Abilities {
	return Abilities{Box: newCoordinateAscent, NeedsGram: true, BoxSpace: func(n int) int { return n }}
}

func newCoordinateAscent(n int) BoxAscent {
	s := &coordinateAscent{order: make([]int, n)}
	s.rng = rand.New(&s.source)
	s.swap = func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] }
	return s
}

type coordinateAscent struct {
	order  []int
	source rand.PCG
	rng    *rand.Rand
	swap   func(i, j int)
}

// Solve goes over all coordinates in each iteration, and calls Observe after it.
func (s *coordinateAscent) Solve(b *Box, a, u []float64, out *Solution) {
	k, counters := b.K.Form()
	b.Counters.Add(counters)
	n := len(a)
	order := s.order[:n]
	for i := range order {
		order[i] = i
	}
	for last := false; ; {
		s.source.Seed(uint64(out.Iterations), 0x5dca) // the same orders in every call
		s.rng.Shuffle(n, s.swap)
		for _, j := range order {
			// Along coordinate j, with kappa = (gamma'/m) K_jj, D falls short of its best by
			// loss*(a) - a (base + u) + kappa (a - a_j)²/2.
			row := k.Row(j)
			kappa := b.GammaOverM * row[j]
			next := b.ProxConj(j, kappa, b.base[j]+u[j]+kappa*a[j])
			if step := next - a[j]; step != 0 {
				a[j] = next
				axpy(-b.GammaOverM*step, row, u)
			}
		}
		out.Iterations++
		b.Counters.Add(Counters{GramProducts: 1, MultiplyAdds: int64(n) * int64(n)}) // an epoch goes once over K
		if !b.Observe(a, u, out) {
			continue
		}
		// The gap bounds the square of the error, so that a tight tolerance leaves
		// half its digits: another epoch, cheap beside forming K, gains some.
		if last || out.Reason != StoppedTolerance || out.Iterations >= b.stop.Iterations {
			return
		}
		last = true
	}
}
