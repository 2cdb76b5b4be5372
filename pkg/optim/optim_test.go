package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// follow returns the weights after each step, with direction -g.
func follow[T tensor.Float](o Optimizer[T], w0 []float64, gradients [][]float64) [][]T {
	w, d, u := make([]T, len(w0)), make([]T, len(w0)), make([]T, len(w0))
	tensor.Convert(w, w0)
	var out [][]T
	for i, g := range gradients {
		for j := range d {
			d[j] = T(-g[j])
		}
		o.Update(u, d, w, schedules.Time{Step: i})
		tensor.Axpy(nil, 1, u, w)
		out = append(out, slices.Clone(w))
	}
	return out
}

// TestTorch compares trajectories with those of torch.optim (see
// scripts/torch_fixtures.py).
func TestTorch(t *testing.T) {
	list, err := arrays.ReadFile("testdata/torch.npz")
	if err != nil {
		t.Fatal(err)
	}
	file := map[string][]float64{}
	for _, a := range list {
		file[a.Name] = a.Float64s()
	}
	lr := schedules.Const
	specs := map[string]Spec{
		"sgd":          SGD{LearningRate: lr(0.1)},
		"sgd_decay":    SGD{LearningRate: lr(0.1), WeightDecay: 0.3},
		"sgd_momentum": SGD{LearningRate: lr(0.05), Momentum: 0.9, WeightDecay: 0.1},
		"sgd_nesterov": SGD{LearningRate: lr(0.05), Momentum: 0.8, Nesterov: true, WeightDecay: 0.1},
		"adam":         Adam{LearningRate: lr(0.01), Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		"adam_decay":   Adam{LearningRate: lr(0.02), Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-4, WeightDecay: 0.2},
		"adamw":        AdamW{LearningRate: lr(0.02), Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-4, WeightDecay: 0.2},
	}
	gradients := slices.Collect(slices.Chunk(file["gradients"], 5))
	for name := range file {
		if name == "w0" || name == "gradients" {
			continue
		}
		spec := specs[name]
		if spec == nil {
			t.Fatalf("the file has a trajectory %s that nothing is compared with", name)
		}
		want := slices.Collect(slices.Chunk(file[name], 5))
		w64 := follow(New[float64](spec, tensor.FlatLayout(5), nil), file["w0"], gradients)
		w32 := follow(New[float32](spec, tensor.FlatLayout(5), nil), file["w0"], gradients)
		for i := range want {
			for j, v := range want[i] {
				if math.Abs(w64[i][j]-v) > 1e-14 {
					t.Errorf("%s, step %d, weight %d: %.17g, torch has %.17g", name, i, j, w64[i][j], v)
				}
				if math.Abs(float64(w32[i][j])-v) > 1e-5 {
					t.Errorf("%s in float32, step %d, weight %d: %g, torch has %g", name, i, j, w32[i][j], v)
				}
			}
		}
	}
}

// TestOptimizers is the conformance suite: it knows no optimizer by name.
func TestOptimizers(t *testing.T) {
	const p = 3*grain + 17
	var blocks tensor.Layout
	blocks.Add(tensor.Block{Name: "0.weight", Shape: []int{6, 5, 3, 3}})
	blocks.Add(tensor.Block{Name: "2.weight", Shape: []int{40, 64}})
	blocks.Add(tensor.Block{Name: "2.bias", Shape: []int{40}})
	blocks.Add(tensor.Block{Name: "4.weight", Shape: []int{50, 30}})
	blocks.Add(tensor.Block{Name: "5.weight", Shape: []int{p - blocks.Len}})
	rng := rand.New(rand.NewPCG(1, 2))
	w, d := make([]float32, p), make([]float32, p)
	for i := range w {
		w[i], d[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
	}
	// run makes three updates and returns the last.
	run := func(o Optimizer[float32]) []float32 {
		u := make([]float32, p)
		for i := range 3 {
			o.Update(u, d, w, schedules.Time{Step: i})
		}
		return u
	}
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				spec, err := trial()
				if err != nil {
					t.Fatal(err)
				}
				pool := tensor.NewPool(3)
				defer pool.Close()
				want := run(New[float32](spec, blocks, nil))
				if !slices.Equal(run(New[float32](spec, blocks, pool)), want) {
					t.Error("three threads give other bits than one")
				}

				kept := 0
				state := New[float32](spec, blocks, nil).State()
				for _, v := range state.Float32 {
					kept += 4 * len(v)
				}
				for _, v := range state.Float64 {
					kept += 8 * len(v)
				}
				if says := StateBytes(spec, blocks, 4); says != kept {
					t.Errorf("says that it keeps %d bytes, keeps %d", says, kept)
				}

				// An optimizer whose state is restored goes on as if nothing had
				// happened.
				a, b := New[float32](spec, blocks, nil), New[float32](spec, blocks, nil)
				run(a)
				from, to := a.State(), b.State()
				if len(from.Float32) != len(to.Float32) || len(from.Float64) != len(to.Float64) || len(from.Steps) != len(to.Steps) {
					t.Fatal("two optimizers of a kind have different states")
				}
				for k, v := range from.Float32 {
					if _, twice := from.Float64[k]; twice || copy(to.Float32[k], v) != len(v) {
						t.Fatalf("the state %q occurs twice, or has two lengths", k)
					}
				}
				for k, v := range from.Float64 {
					if copy(to.Float64[k], v) != len(v) {
						t.Fatalf("the state %q has two lengths", k)
					}
				}
				for j, n := range from.Steps {
					*to.Steps[j] = *n
					if *n != *from.Steps[0] {
						t.Errorf("one checkpoint keeps one count of steps, and there are %d and %d", *n, *from.Steps[0])
					}
				}
				if !slices.Equal(run(a), run(b)) {
					t.Error("the state is not all that an optimizer remembers")
				}

				// A step in place is the update, added.
				c, e := New[float32](spec, blocks, nil), New[float32](spec, blocks, nil)
				for i := range 3 {
					at := schedules.Time{Step: i}
					change := make([]float32, p)
					c.Update(change, d, w, at)
					inPlace, ok := e.(InPlace[float32])
					if !ok {
						e.Update(make([]float32, p), d, w, at)
						continue
					}
					tensor.Axpy(nil, 1, w, change)
					stepped := slices.Clone(w)
					inPlace.Step(d, stepped, at)
					if !slices.Equal(change, stepped) {
						t.Fatal("Step differs from Update")
					}
				}

				// One that says that it scales the direction does so.
				if c, ok := e.ScalesDirection(schedules.Time{Step: 3}); ok {
					change := make([]float32, p)
					e.Update(change, d, w, schedules.Time{Step: 3})
					for i, v := range change {
						if math.Abs(float64(v)-c*float64(d[i])) > 1e-6*math.Abs(c*float64(d[i])) {
							t.Fatalf("u = %g is not %g d", v, c)
						}
					}
				}

				testFallbacks(t, spec, blocks, d, w)

				o, u := New[float32](spec, blocks, pool), make([]float32, p)
				if n := testing.AllocsPerRun(5, func() { o.Update(u, d, w, schedules.Time{}) }); n != 0 {
					t.Errorf("%g allocations", n)
				}

				zero := New[float32](spec, tensor.FlatLayout(2), nil)
				zero.Update(u[:2], []float32{0, 0}, []float32{0, 0}, schedules.Time{})
				if u[0] != 0 || u[1] != 0 {
					t.Errorf("a zero direction at zero weights gives %v", u[:2])
				}
			})
		}
	}
}

// testLateStart: a matrix whose first direction is not finite starts with the first that is, and moves
// along the update of an optimizer that begins there. Lengths may differ: bias corrections count steps.
func testLateStart(t *testing.T, spec Spec, blocks tensor.Layout, d []float32) {
	matrix := blocks.Blocks[1]
	late, fresh := New[float32](spec, blocks, nil), New[float32](spec, blocks, nil)
	u, want, w := make([]float32, len(d)), make([]float32, len(d)), make([]float32, len(d))
	spoilt, other := slices.Clone(d), slices.Clone(d)
	tensor.Of(matrix, spoilt)[7] = float32(math.NaN())
	for i := range tensor.Of(matrix, other) {
		tensor.Of(matrix, other)[i] *= float32(i%5) - 1.5
	}
	late.Update(u, spoilt, w, schedules.Time{})
	for _, d := range [][]float32{d, other} {
		late.Update(u, d, w, schedules.Time{})
		fresh.Update(want, d, w, schedules.Time{})
		a, b := tensor.Of(matrix, u), tensor.Of(matrix, want)
		aa, ab, bb := tensor.Dot(nil, a, a), tensor.Dot(nil, a, b), tensor.Dot(nil, b, b)
		if bb == 0 && aa == 0 {
			continue // soap makes no update in its first step
		}
		if cosine := ab / math.Sqrt(aa*bb); !(cosine > 1-1e-6) {
			t.Errorf("after a first direction that is not finite, the cosine with the update of one that begins later is %g", cosine)
		}
		return
	}
}

// testFallbacks: a matrix whose direction is not finite is left as it is, which is told, and the
// steps that follow are those of an optimizer that has not seen it; a singular one is no trouble.
func testFallbacks(t *testing.T, spec Spec, blocks tensor.Layout, d, w []float32) {
	o := New[float32](spec, blocks, nil)
	u := make([]float32, len(d))
	o.Update(u, d, w, schedules.Time{})
	r, ok := o.(Reporter)
	if !ok || r.Report().Products.MultiplyAdds == 0 {
		return
	}
	matrix := blocks.Blocks[1]
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1e30} {
		spoilt := slices.Clone(d)
		tensor.Of(matrix, spoilt)[7] = float32(bad)
		o.Update(u, spoilt, w, schedules.Time{Step: 1})
		if got := r.Report().Fallback; got != FallbackSkipped {
			t.Errorf("a matrix with %g in it: reported %q", bad, got)
		}
		for _, v := range tensor.Of(matrix, u) {
			if v != 0 {
				t.Fatalf("a matrix with %g in it is moved by %g", bad, v)
			}
		}
	}
	testLateStart(t, spec, blocks, d)
	same := slices.Clone(d)
	for i := range tensor.Of(matrix, same) {
		tensor.Of(matrix, same)[i] = 1
	}
	for i := range 6 {
		o.Update(u, same, w, schedules.Time{Step: 4 + i})
		if r.Report().Fallback == FallbackSkipped {
			t.Error("a singular matrix is skipped")
		}
		for j, v := range u {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("after a matrix of rank 1 weight %d moves by %g", j, v)
			}
		}
	}
}

// TestScheduledRate: the learning rate of each step is the schedule's.
func TestScheduledRate(t *testing.T) {
	s := SGD{LearningRate: decode(t, "{schedule: step, initial: 1, factor: 0.5, every: 2, unit: step}")}
	o := New[float64](s, tensor.FlatLayout(1), nil)
	u := make([]float64, 1)
	var got []float64
	for i := range 5 {
		o.Update(u, []float64{1}, []float64{0}, schedules.Time{Step: i})
		got = append(got, u[0])
	}
	if want := []float64{1, 1, 0.5, 0.5, 0.25}; !slices.Equal(got, want) {
		t.Errorf("rates %v, want %v", got, want)
	}
}

func decode(t *testing.T, text string) (n schedules.Number) {
	t.Helper()
	doc, err := strict.Parse("", []byte(text))
	if err == nil {
		err = doc.Root().Decode(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"{kind: sgd, learning_rate: -1}", "learning_rate: must be positive, got -1"},
		{"{kind: sgd, learning_rate: 0}", "learning_rate: must be positive, got 0"},
		{"{kind: sgd, momentum: 1}", "momentum: must be at least 0 and less than 1, got 1"},
		{"{kind: sgd, nesterov: true}", "nesterov: needs a momentum above 0"},
		{"{kind: sgd, weight_decay: -1}", "weight_decay: must not be negative, got -1"},
		{"{kind: adam, beta1: 1}", "beta1: must be"},
		{"{kind: adam, beta2: -0.1}", "beta2: must be"},
		{"{kind: adam, epsilon: 0}", "epsilon: must be at least 1.2e-38, the smallest normal number of float32, got 0"},
		{"{kind: soap, epsilon: 1e-50}", "epsilon: must be at least 1.2e-38, the smallest normal number of float32, got 1e-50"},
		{"{kind: muon, epsilon: 0}", "epsilon: must be at least 1.2e-38"},
		{"{kind: shampoo, epsilon: -1}", "epsilon: must be at least 1.2e-38"},
		{"{kind: schedule_free, r: 1100}", "r: must be between 0 and 10, got 1100"},
		{"{kind: schedule_free, weight_lr_power: 200}", "weight_lr_power: must be between 0 and 10, got 200"},
		{"{kind: adamw, weight_decay: -1}", "weight_decay: must not be negative, got -1"},
		{"{kind: adamw, learning_rate: {schedule: linear, initial: -1}}", "learning_rate: must be positive, but the schedule goes from -1 to 0"},
		{"{kind: muon, ns_steps: 0}", "ns_steps: must be from 1 to 99, got 0"},
		{"{kind: muon, ns_coefficients: [1, 2]}", "ns_coefficients: must be three finite numbers"},
		{"{kind: muon, matrices: some}", `matrices: must be hidden or all, got "some"`},
		{"{kind: muon, adjust_lr_fn: none}", "adjust_lr_fn: must be original, match_rms_adamw"},
		{"{kind: muon, rest: muon}", "rest: muon cannot be within itself"},
		{"{kind: muon, rest: {kind: lookahead, inner: muon}}", "rest: muon cannot be within itself"},
		{"{kind: muon, rest: schedule_free}", "rest: schedule_free cannot be within muon: its answer"},
		{"{kind: muon, rest: {kind: adamw, beta1: 1}}", "rest.beta1: must be at least 0"},
		{"{kind: lookahead, inner: lookahead}", "inner: lookahead cannot be within itself"},
		{"{kind: lookahead, inner: {kind: muon, rest: lookahead}}", "inner: lookahead cannot be within itself"},
		{"{kind: lookahead, inner: schedule_free}", "inner: schedule_free cannot be within lookahead"},
		{"{kind: lookahead, steps: 0}", "steps: must be at least 1, got 0"},
		{"{kind: lookahead, rate: 1.5}", "rate: must be above 0 and at most 1, got 1.5"},
		{"{kind: shampoo, update_every: 0}", "update_every: must be at least 1, got 0"},
		{"{kind: shampoo, beta: 1.1}", "beta: must be above 0 and at most 1, got 1.1"},
		{"{kind: shampoo, grafting: lion}", `grafting: must be none, sgd or adam, got "lion"`},
		{"{kind: shampoo, max_dimension: 100000}", "max_dimension: must be from 1 to 32768, got 100000"},
		{"{kind: soap, precondition_frequency: 0}", "precondition_frequency: must be at least 1, got 0"},
		{"{kind: soap, sides: left}", `sides: must be both or one, got "left"`},
		{"{kind: schedule_free, base: adam}", `base: must be sgd or adamw, got "adam"`},
		{"{kind: schedule_free, beta1: 0}", "beta1: must be above 0"},
		{"{kind: schedule_free, learning_rate: -1}", "learning_rate: must be positive, got -1"},
		{"{kind: schedule_free, learning_rate: automatic}", "learning_rate: expected a number or a schedule"},
		{"{kind: schedule_free, base: sgd, beta2: 0.9}", "beta2: is of base adamw"},
		{"{kind: schedule_free, base: sgd, epsilon: 1e-6}", "epsilon: is of base adamw"},
		{"{kind: adam, learning_rate: auto}", "learning_rate: expected a number or a schedule"},
		{"{kind: soap, shampoo_beta: -0.5}", "shampoo_beta: must be"},
		{"{kind: adagrad}", `unknown optimizer "adagrad"`},
		{"{kind: sgd, momentumm: 0.9}", `did you mean "momentum"?`},
	} {
		if err := decodeChoice(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
}

// TestDefaults: what a user leaves out is as in the implementations that README names: torch.optim
// 2.15, schedulefree 1.4.1, pytorch_optimizer 4.1 (lion, lookahead), and the code of soap's authors.
func TestDefaults(t *testing.T) {
	for given, full := range map[string]string{
		"adam":                     "learning_rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1.0e-8, weight_decay: 0",
		"adamw":                    "learning_rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1.0e-8, weight_decay: 0.01",
		"nadam":                    "learning_rate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1.0e-8, weight_decay: 0, momentum_decay: 0.004",
		"nadamw":                   "learning_rate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1.0e-8, weight_decay: 0, momentum_decay: 0.004",
		"lion":                     "learning_rate: 0.0001, beta1: 0.9, beta2: 0.99, weight_decay: 0",
		"muon":                     "learning_rate: 0.001, weight_decay: 0.1, momentum: 0.95, nesterov: true, ns_coefficients: [3.4445, -4.775, 2.0315], epsilon: 1.0e-7, ns_steps: 5, adjust_lr_fn: original",
		"schedule_free":            "base: adamw, learning_rate: 0.0025, beta1: 0.9, beta2: 0.999, epsilon: 1.0e-8, weight_decay: 0, warmup_steps: 0, r: 0, weight_lr_power: 2",
		"schedule_free, base: sgd": "learning_rate: 1, beta1: 0.9, weight_decay: 0, warmup_steps: 0, r: 0, weight_lr_power: 2",
		"schedule_free, r: 1":      "learning_rate: auto",
		"soap":                     "learning_rate: 0.003, beta1: 0.95, beta2: 0.95, shampoo_beta: 0.95, epsilon: 1.0e-8, weight_decay: 0.01, precondition_frequency: 10, max_dimension: 10000",
		"soap, beta2: 0.8":         "shampoo_beta: 0.8",
		"lookahead":                "steps: 5, rate: 0.5",
	} {
		a, err := chosen(fmt.Sprintf("{kind: %s}", given))
		b, err2 := chosen(fmt.Sprintf("{kind: %s, %s}", given, full))
		if err != nil || err2 != nil {
			t.Fatal(given, err, err2)
		}
		if a, b := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); a != b {
			t.Errorf("%s is\n  %s\n  expected %s", given, a, b)
		}
	}
}

// TestBadNumbers: no optimizer takes a negative number or a NaN for any of its numbers.
func TestBadNumbers(t *testing.T) {
	tried := 0
	for _, name := range Known.Names() {
		for _, o := range registry.Options(Known.Entry(name).Defaults) {
			if _, err := strconv.ParseFloat(o.Default, 64); err != nil {
				continue
			}
			for _, bad := range []string{"-1", ".nan"} {
				if o.Default == bad {
					continue // it stands for another
				}
				tried++
				text := fmt.Sprintf("{kind: %s, %s: %s}", name, o.Key, bad)
				if err := decodeChoice(text); err == nil || !strings.Contains(err.Error(), o.Key) {
					t.Errorf("%s: %v", text, err)
				}
			}
		}
	}
	if tried < 50 {
		t.Errorf("only %d numbers were tried", tried)
	}
}

func decodeChoice(text string) error {
	_, err := chosen(text)
	return err
}

// chosen is the optimizer of a config.
func chosen(text string) (Spec, error) {
	doc, err := strict.Parse("", []byte(text))
	if err != nil {
		return nil, err
	}
	c, err := Known.Decode(doc.Root())
	if err != nil {
		return nil, err
	}
	return c.New()
}
