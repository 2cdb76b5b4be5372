//go:build long

package oracles

import (
	"runtime"
	"strings"
	"testing"
)

// TestHeld compares what each oracle says it will hold with what it holds after a
// direction and its diagnosis, for every combination and the options that take
// memory. It knows no oracle by name.
func TestHeld(t *testing.T) {
	const m = 100
	served, _ := combos()
	for _, c := range served {
		for _, options := range []string{"", "inner_iterations: 40", "warm_start: true", "weight_decay: 0.1, inner_iterations: 2", "gamma: {levenberg_marquardt: {}}", "gamma: {search: [0.1, 1]}",
			"momentum: 0.9", "acceleration: geodesic", "acceleration: geodesic, gamma: {levenberg_marquardt: {}}", "unknowns: example", "unknowns: example, momentum: 0.5", "unknowns: example, curvature: {blocks: layers}",
			"curvature: {kind: sampled, examples: 20}", "curvature: {kind: sampled, examples: 20, samples: 4, blocks: layers}", "curvature: {kind: empirical}, momentum: 0.9"} {
			if options != "" && (c.formulation == "" || !c.throughTangents()) {
				continue
			}
			if less := strings.Contains(options, "curvature") || strings.Contains(options, "unknowns"); less && c.lossName != "logistic" && c.lossName != "squared_hinge" {
				continue // sizes depend on the number of outputs: of three, or one
			}
			var with []string
			if options != "" {
				with = []string{options}
			}
			spec, err := c.spec(with...)
			if err == nil {
				err = spec.Check(c.loss)
			}
			if err != nil {
				continue // this one does not serve here
			}
			features := 400
			if c.formulation == "primal" && c.solver == "cholesky" {
				features = 40 // whose A is formed
			}
			n, p0 := sizedProblem(c.loss, m, features)
			mem := n.Memory(m, 8)
			held := HeldBy(spec, c.loss, sizesOf(n, m))
			counted := float64(held.Bytes)
			mk := m * p0.Gradient.Outputs().Cols
			g, _ := spec.(GaussNewton)
			switch {
			case strings.Contains(options, "unknowns: example"):
				mk = m
			case g.Curvature.reduces():
				rows, s := g.Curvature.rows(n.Dims(m))
				mk = rows * s
			}
			if c.formulation == "dual" && (c.gram == Formed || c.solver == "cholesky" || c.solver == "sdca" || g.Curvature.reduces()) {
				counted -= float64(8 * min(256, mk) * mk) // rows of K on their way to it are the pool's
			}
			if held.OutputsAt {
				counted += float64(mem.Kept + mem.Work + 8*n.NumParams())
			}
			// What the rest of the process allocates meanwhile counts too, and passes; a
			// wrong count is wrong each time.
			got, right := 0.0, false
			for try := 0; try < 3 && !right; try++ {
				d := make([]float64, n.NumParams())
				_, p := sizedProblem(c.loss, m, features) // whose linearization holds nothing yet
				before := heapInUse()
				o := New[float64](spec, Site{Loss: c.loss, Dims: n.Dims(m)})
				o.Direction(d, p)
				o.Complete(true)
				got = heapInUse() - before
				runtime.KeepAlive([]any{o, d, p, n})
				right = counted >= 0.8*got-4000 && counted <= 1.25*got+4000
			}
			if !right {
				t.Errorf("%v {%s}: %.0f bytes are counted, %.0f held: a ratio of %.3f", c, options, counted, got, counted/got)
			}
		}
	}
}
