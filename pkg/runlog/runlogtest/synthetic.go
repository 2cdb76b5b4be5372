package runlogtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/runlog"
)

// Synthetic returns the runs of methods whose loss falls as a power of time,
// each method faster than the one before, with noise that a seed gives.
func Synthetic(methods, seeds int) (runs []Run) {
	for m := range methods {
		for seed := range uint64(seeds) {
			runs = append(runs, decaying(fmt.Sprint("method ", m+1), m, seed, 0.5+0.15*float64(m), 0.2))
		}
	}
	return runs
}

// decaying returns a run of 31 evaluations, of times and losses with noise.
func decaying(method string, index int, seed uint64, rate, noise float64) Run {
	r := rand.New(rand.NewPCG(uint64(index), seed))
	pace := 1 + 0.1*float64(index) + 0.05*r.NormFloat64()
	var b strings.Builder
	b.WriteString(Header)
	for i := range 31 {
		loss := 2.3 * math.Pow(1+float64(i), -rate) * math.Exp(noise*r.NormFloat64())
		accuracy := 1 - 0.9*math.Min(1, loss/2.3)
		fmt.Fprintf(&b, "%s,%d,%d,%d,%g,%g,%d,%g,%g,,,%g,%g,\n", method, seed, 100*i, i, pace*float64(i), 100*pace*float64(i), 200*i, loss, accuracy, 1.2*loss, accuracy-0.02)
	}
	run := New(method, index, seed, "finished")
	run.Text = b.String()
	return run
}

// Diverging makes a run one that diverges after some evaluations.
func Diverging(r Run, after int) Run {
	lines := strings.SplitAfter(r.Text, "\n")[:after+2]
	last := strings.Split(lines[after], ",")
	for i, loss := range []string{"50", "1e12"} {
		step := fmt.Sprint(100 * (after + i))
		lines[after+i] = strings.Join([]string{r.Method, last[1], step, fmt.Sprint(after + i), fmt.Sprint(after + i), step, step, loss, "0.1", "", "", loss, "0.1", ""}, ",") + "\n"
	}
	r.Text = strings.Join(lines, "")
	r.Outcome = "diverged"
	return r
}

// Swept returns a grid of inner iterations and formulations for two methods: the
// dual costs less, large gammas diverge.
func Swept(seeds int, iterations []int, gammas []float64) (runs []Run) {
	for m, formulation := range []string{"dual", "primal"} {
		for _, n := range iterations {
			for _, gamma := range gammas {
				for seed := range uint64(seeds) {
					r := decaying("GN", 0, seed, 0.4+0.2*math.Log1p(float64(n))+0.1*math.Log10(gamma)+0.02*float64(m), 0.1)
					r.Settings = map[string]string{"oracle.kind": "gauss_newton", "oracle.formulation": formulation,
						"oracle.inner_iterations": fmt.Sprint(n), "oracle.gamma": fmt.Sprint(gamma), "seed": fmt.Sprint(seed)}
					r.Varied = []runlog.Setting{{Key: "oracle.formulation", Value: formulation}, {Key: "oracle.inner_iterations", Value: fmt.Sprint(n)}, {Key: "oracle.gamma", Value: fmt.Sprint(gamma)}}
					if gamma > 5 && (seed == 0 || n > 5) {
						r = Diverging(r, 3)
					}
					r.Inner = InnerLog(n, gamma)
					r.Probes = ProbeLog(1, 100, 200)
					r.Duals = dualLog(seed)
					runs = append(runs, r)
				}
			}
		}
	}
	return runs
}

// InnerLog is an inner.csv of solves that converge, the later the slower.
func InnerLog(n int, gamma float64) string {
	var b strings.Builder
	b.WriteString("step,iteration,relative_residual,duality_gap\n")
	for step := range 5 {
		for i := range n + 1 {
			res := math.Pow(0.3+0.1*float64(step)/gamma/10, float64(i))
			fmt.Fprintf(&b, "%d,%d,%g,%g\n", 100*step, i, res, res*res*2)
		}
	}
	return b.String()
}

// ProbeLog is a probes.csv of two oracles at some steps, the later the slower: "slow" with
// budgets 1, 2, 4 and 8, and "fast", which has ended after two iterations.
func ProbeLog(steps ...int) string {
	var b strings.Builder
	b.WriteString("step,oracle,budget,iterations,stop_reason,relative_residual,duality_gap,cost,seconds,distance,model_gap\n")
	for i, step := range steps {
		for _, budget := range []int{1, 2, 4, 8} {
			res := math.Pow(0.2+0.05*float64(i), float64(budget))
			fmt.Fprintf(&b, "%d,slow,%d,%d,budget,%g,%g,%d,%g,%g,%g\n", step, budget, budget, res, res*res, 2+budget, 1e-3*float64(budget), 2*res, 3*res*res)
		}
		fmt.Fprintf(&b, "%d,fast,1,1,budget,0.01,,4,0.002,0.02,0.03\n%d,fast,2,2,exact,0,,5,0.004,,-1e-20\n", step, step)
	}
	return b.String()
}

// dualLog is a duals.npz of weights that concentrate on few examples.
func dualLog(seed uint64) (list []arrays.Array) {
	r := rand.New(rand.NewPCG(9, seed))
	const m, k = 64, 3
	for _, step := range []int{0, 500, 1000} {
		alpha := make([]float64, m*k)
		for i := range alpha {
			alpha[i] = math.Exp(r.NormFloat64()*float64(1+step/250)/2) - 1
		}
		list = append(list, arrays.Float64(fmt.Sprint("alpha_", step), []int{m, k}, alpha))
	}
	return list
}
