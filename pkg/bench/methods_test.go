package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/problem"
)

const methodsUnderTest = `
name: toy
seeds: [3, 1]
data: {name: digits, train_limit: 200, test_limit: 100}
model: {kind: mlp, hidden: [8]}
loss: {kind: logistic}
train: {batch_size: 50, epochs: 1}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: wide, train: {batch_size: 100}, optimizer: {kind: adam}}
  - name: GN
    oracle: {kind: gauss_newton, inner_iterations: 3, gram: chained}
    optimizer: {kind: sgd, learning_rate: 1}
    probe: {every: 1, calls: 1, oracles: [{name: other, formulation: primal}]}
  - {name: diverging, optimizer: {kind: sgd, learning_rate: 1.0e+300}}
  - {name: idle, oracle: {kind: gauss_newton, inner_iterations: 2000}, optimizer: {kind: sgd, learning_rate: 1}}
  - {name: free, oracle: {kind: hessian_free, inner_iterations: 2000, tolerance: 0, decay: 0}, optimizer: {kind: sgd, learning_rate: 1}}
`

// measured measures the methods of a config, in rounds of a millisecond.
func measured(t *testing.T, ctx context.Context, sets ...string) (*Methods, error) {
	t.Helper()
	old := roundTime
	roundTime = time.Millisecond
	defer func() { roundTime = old }()
	c := configtest.Read(t, config.Parse, methodsUnderTest, sets...)
	problems, err := OpenMethods(c.Plain(), &problem.Cache{Env: datasets.Env{Offline: true}})
	if err != nil {
		t.Fatal(err)
	}
	return MeasureMethods(ctx, problems, MethodOptions{Machine: Machine{CPU: "cpu", ISA: "isa", Threads: 1}, Log: slog.New(slog.DiscardHandler)})
}

// TestMethods checks what does not depend on the machine, and the form of the rest.
func TestMethods(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		r, err := measured(t, t.Context(), "precision="+precision)
		if err != nil {
			t.Fatal(err)
		}
		if r.Precision != precision || r.Seed != 3 || r.Rounds != 9 {
			t.Errorf("%s, seed %d, %d rounds", r.Precision, r.Seed, r.Rounds)
		}
		var names []string
		for _, m := range slices.Concat(r.Plain, r.Methods) {
			names = append(names, m.Name)
			if !(m.StepRange[0] > 0 && m.StepRange[0] <= m.StepSeconds && m.StepSeconds <= m.StepRange[1]) ||
				!(m.CostRange[0] > 0 && m.CostRange[0] <= m.RelativeCost && m.RelativeCost <= m.CostRange[1]) ||
				m.Steps < 1 || m.Threads != 1 || m.Allocs < 0 || m.PeakRSS != nil && *m.PeakRSS < 1<<20 {
				t.Errorf("%+v", m)
			}
			if want := 2 * m.Counters.MultiplyAdds / m.StepSeconds / 1e9; m.GFLOPS != want {
				t.Errorf("%s: %g GFLOP/s, not %g", m.Name, m.GFLOPS, want)
			}
		}
		if want := []string{plainName, plainName, "SGD", "wide", "GN"}; !slices.Equal(names, want) {
			t.Fatalf("%q, not %q", names, want)
		}
		for i, batch := range []int{50, 100} {
			if p := r.Plain[i]; p.BatchSize != batch || p.RelativeCost != 1 || p.CostRange != [2]float64{1, 1} {
				t.Errorf("%+v", p)
			}
		}
		gradient := r.Plain[0].Counters
		if want := (Counters{Forwards: 1, VJPs: 1, MultiplyAdds: 50 * (2*(64*8+8*10) + 8*10)}); gradient != want || r.Methods[0].Counters != want {
			t.Errorf("%+v and %+v, not %+v", gradient, r.Methods[0].Counters, want)
		}
		if wide := r.Methods[1]; wide.BatchSize != 100 || wide.Counters != r.Plain[1].Counters || wide.Counters.MultiplyAdds != 2*gradient.MultiplyAdds {
			t.Errorf("%+v", wide)
		}
		// docs/math.md section 5: t + 1 products with K, and Jᵀ alpha.
		gn := r.Methods[2].Counters
		if gn.MultiplyAdds <= gradient.MultiplyAdds {
			t.Errorf("%+v", gn)
		}
		if gn.MultiplyAdds = 0; gn != (Counters{Forwards: 1, VJPs: 1, GramProducts: 4, InnerIterations: 3}) {
			t.Errorf("%+v", gn)
		}
		if len(r.Failed) != 3 || r.Failed[0].Name != "diverging" || !strings.Contains(r.Failed[0].Error, "the batch loss is") || r.Failed[1].Name != "idle" || !strings.Contains(r.Failed[1].Error, "of 2000 inner iterations") || r.Failed[2].Name != "free" || !strings.Contains(r.Failed[2].Error, "of 2000 inner iterations") {
			t.Errorf("%+v", r.Failed)
		}
		var failed *experiment.RunError
		if err := r.Err(); !errors.As(err, &failed) || failed.Run != "diverging" || !strings.Contains(err.Error(), "\nidle: the inner solve") {
			t.Error(err)
		}
	}
}

// TestMethodsForm checks the JSON and the table.
func TestMethodsForm(t *testing.T) {
	peak, load, others := 3<<20, 1.5, 0.25
	m := Method{Name: "GN", BatchSize: 50, Threads: 2, Steps: 7, StepSeconds: 0.002, StepRange: [2]float64{0.001, 0.004}, RelativeCost: 3, CostRange: [2]float64{2, 4}, RelativeAdds: 2.5, Update: Update{0.001, 0.0004, Matrices{0.0005, 2e6, 1.2, 1.5}, Matrices{0.0001, 3e5, 0.25, 0.125}}, Factored: Matrices{0.0002, 4e5, 0.5, 0.75}, Vectors: Passes{0.0003, 0.125}, GFLOPS: 12, Counters: Counters{1, 4, 5, 0, 1.5e6, 3}, Allocs: 0.25, PeakRSS: &peak}
	r := &Methods{Machine: Site{Machine: Machine{"cpu", "isa", 2}, Others: &others}, Precision: "float32", Seed: 3, Rounds: 9, Methods: []Method{m}}
	r.Machine.CPUs, r.Machine.TripsNS, r.Machine.LoadAverage = []int{0, 4}, []float64{70.2}, &load
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"machine":{"cpu":"cpu","isa":"isa","threads":2,"cpus":[0,4],"round_trip_ns":[70.2],"load_average":1.5,"others_busy_cpus":0.25}`,
		`"methods":[{"name":"GN","batch_size":50,"threads":2,"steps_per_round":7,"step_seconds":0.002,"step_seconds_range":[0.001,0.004],"relative_cost":3,"relative_cost_range":[2,4],"relative_multiply_adds":2.5,"update":{"seconds":0.001,"elementwise_seconds":0.0004,` +
			`"products":{"seconds":0.0005,"multiply_adds":2000000,"relative_cost":1.2,"relative_multiply_adds":1.5},"factorisations":{"seconds":0.0001,"multiply_adds":300000,"relative_cost":0.25,"relative_multiply_adds":0.125}},"direction_factorisations":{"seconds":0.0002,"multiply_adds":400000,"relative_cost":0.5,"relative_multiply_adds":0.75},"direction_elementwise":{"seconds":0.0003,"relative_cost":0.125},"gflops":12,` +
			`"counters":{"forwards":1,"jvps":4,"vjps":5,"gram_products":0,"multiply_adds":1500000,"inner_iterations":3},"allocs_per_step":0.25,"peak_rss_bytes":3145728}]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nwithout %s", text, want)
		}
	}
	m.Name, m.PeakRSS = "other", nil
	r.Methods = append(r.Methods, m)
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`^cpu, isa kernels, 2 threads bound to CPUs 0 4; round trip between cores 70 ns; load average 1.50, others keep 0.2 of the CPUs busy\n`,
		`\nGN +50 +2 +2 +1 +4 +3.000 +2.000 +4.000 +12.0 +0.25 +3.0 MiB\n`,
		`\nother .* unknown\n`,
		`\nGN +1 +4 +5 +0 +1.5 +3\n`,
		`\nGN +0.3 +0.125 +0.2 +0.500 +0.750 +2.375 +1.750\n`,
		`\nGN +1 +0.4 +0.5 +1.200 +1.500 +0.1 +0.250 +0.125\n`,
	} {
		if !regexp.MustCompile(want).MatchString(table.String()) {
			t.Errorf("%s\nwithout %s", table.String(), want)
		}
	}
}

// TestMethodsEnd: an interruption, or a plain SGD step that fails, ends everything.
func TestMethodsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := measured(t, ctx); r != nil || !errors.Is(err, context.Canceled) {
		t.Error(r, err)
	}
	c := configtest.Read(t, config.Parse, methodsUnderTest)
	problems, err := OpenMethods(c.Plain(), &problem.Cache{Env: datasets.Env{Offline: true}})
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]float64, problems[0].Net.NumParams())
	for i := range weights {
		weights[i] = math.NaN()
	}
	problems[0].Start = &problem.Start{Weights: weights}
	var failed *experiment.RunError
	_, err = MeasureMethods(t.Context(), problems, MethodOptions{Machine: Machine{Threads: 1}, Log: slog.New(slog.DiscardHandler)})
	if !errors.As(err, &failed) || failed.Run != plainName {
		t.Error(err)
	}
}

// TestMethodsElementwise: the vector work of lbfgs has a column of its own, and other oracles have none.
func TestMethodsElementwise(t *testing.T) {
	r, err := measured(t, t.Context(), "methods=[{name: SGD, optimizer: sgd}, {name: few, oracle: {kind: lbfgs, history: 1}, optimizer: sgd}, {name: many, oracle: {kind: lbfgs, history: 40}, optimizer: sgd}]", "train={batch_size: 200, epochs: 100}")
	if err != nil {
		t.Fatal(err)
	}
	sgd, few, many := r.Methods[0].Vectors, r.Methods[1].Vectors, r.Methods[2].Vectors
	if sgd != (Passes{}) || !(few.Seconds > 0 && few.RelativeCost > 0) || !(many.Seconds > 0 && many.RelativeCost > 0) {
		t.Errorf("%+v, %+v and %+v", sgd, few, many)
	}
}

// TestMethodsPeriod: work that is made in one step of many has its share, and no more.
func TestMethodsPeriod(t *testing.T) {
	r, err := measured(t, t.Context(), "methods=[{name: often, optimizer: {kind: shampoo, update_every: 1}}, {name: seldom, optimizer: {kind: shampoo, update_every: 400}}]", "train={batch_size: 50, epochs: 200}")
	if err != nil {
		t.Fatal(err)
	}
	often, seldom := r.Methods[0].Update.Factorisations.MultiplyAdds, r.Methods[1].Update.Factorisations.MultiplyAdds
	if share := seldom / often; !(share > 0.5/400 && share < 2./400) { // roots take more iterations late in a run
		t.Errorf("inverse roots in one step of 400 have %g of the multiply-adds", share)
	}
	if n := r.Methods[1].Steps; n%400 != 0 {
		t.Errorf("rounds of %d steps", n)
	}
}
