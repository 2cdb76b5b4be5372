package schedules

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// TestValues compares with values worked out by hand from the formulas.
func TestValues(t *testing.T) {
	total := Time{Total: 10, StepsPerEpoch: 4}
	for _, c := range []struct {
		config string
		want   map[int]float64
	}{
		{"0.25", map[int]float64{0: 0.25, 7: 0.25}},
		{"{schedule: constant, initial: 0.3}", map[int]float64{0: 0.3, 1000: 0.3}},
		{"{schedule: constant, initial: 0.3, warmup_steps: 3}", map[int]float64{0: 0.1, 1: 0.2, 2: 0.3, 3: 0.3}},
		{"{schedule: step, initial: 8, factor: 0.5, every: 2, unit: epoch}", map[int]float64{0: 8, 7: 8, 8: 4, 15: 4, 16: 2}},
		{"{schedule: step, initial: 8, factor: 0.5, every: 2, unit: step, warmup_steps: 2}", map[int]float64{0: 4, 1: 8, 2: 8, 3: 8, 4: 4, 6: 2}},
		{"{schedule: exponential, initial: 2, factor: 0.25, every: 4}", map[int]float64{0: 2, 2: 1, 4: 0.5, 8: 0.125}},
		{"{schedule: inverse_sqrt, initial: 1, scale: 5}", map[int]float64{0: 1, 15: 0.5, 40: 1.0 / 3}},
		{"{schedule: linear, initial: 1, final: 0.5}", map[int]float64{0: 1, 5: 0.75, 10: 0.5, 20: 0.5}},
		{"{schedule: linear, initial: 1, final: 0, steps: 4, warmup_steps: 2}", map[int]float64{0: 0.5, 1: 1, 2: 1, 4: 0.5, 6: 0, 9: 0}},
		{"{schedule: cosine, initial: 1, final: 0, warmup: 0.2}", map[int]float64{0: 0.5, 1: 1, 2: 1, 6: 0.5, 10: 0}},
		{"{schedule: constant, initial: 3, warmup: 0.25}", map[int]float64{0: 1, 1: 2, 2: 3, 9: 3}},
		{"{schedule: cosine, initial: 1, final: 0}", map[int]float64{0: 1, 5: 0.5, 10: 0}},
		{"{schedule: cosine, initial: 2, final: 1, steps: 3}", map[int]float64{0: 2, 1: 1.75, 2: 1.25, 3: 1, 4: 1}},
	} {
		n, err := decode(c.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Check(total); err != nil {
			t.Errorf("%s: %v", c.config, err)
		}
		for step, want := range c.want {
			at := total
			at.Step = step
			if got := n.At(at); math.Abs(got-want) > 1e-14 {
				t.Errorf("%s at step %d: %g, want %g", c.config, step, got, want)
			}
		}
	}
}

// TestLastStep: a decay to 0 over the rest of the run leaves every step something
// to do, and over a number of steps it leaves each of those.
func TestLastStep(t *testing.T) {
	for _, kind := range []string{"cosine", "linear"} {
		for _, total := range []int{1, 2, 3, 10, 1000} {
			for _, options := range []string{"", ", warmup_steps: 2", fmt.Sprintf(", steps: %d", total)} {
				n, err := decode("{schedule: " + kind + ", initial: 0.3, final: 0" + options + "}")
				if err != nil {
					t.Fatal(err)
				}
				last := math.Inf(1)
				for step := range total {
					v := n.At(Time{Step: step, Total: total, StepsPerEpoch: 1})
					if !(v > 0) {
						t.Errorf("%s%s: step %d of %d is multiplied by %g", kind, options, step, total, v)
					}
					last = v
				}
				if want := 0.3 * 1.1 / float64(total); options == "" && kind == "linear" && last > want {
					t.Errorf("%s: the last of %d steps has %g, want at most %g", kind, total, last, want)
				}
			}
		}
	}
}

// TestBudget: a run whose steps all take the same share of a budget has the values of
// one that is as long in steps; every step has something to do, the first and the last
// too.
func TestBudget(t *testing.T) {
	const total = 40
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			s, err := trial()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.ValueOf(s).FieldByName("Warmup").Interface().(Warmup).FollowsEnd() {
				if e, ok := s.(Ending); !ok || !e.FollowsEnd() {
					continue
				}
			}
			for step := range total {
				steps := Time{Step: step, Total: total, StepsPerEpoch: 5}
				budget := Time{Step: step, StepsPerEpoch: 5, Budget: true, Used: float64(step) / total, Next: float64(step+1) / total}
				a, b := s.At(steps), s.At(budget)
				if !(b > 0) || math.Abs(a-b) > 1e-12*a {
					t.Errorf("%s, trial %d, step %d: %g of steps, %g of a budget", name, i, step, a, b)
				}
			}
		}
	}
}

// TestFollowsEnd: only decays over the rest of the run depend on its length.
func TestFollowsEnd(t *testing.T) {
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			s, err := trial()
			if err != nil {
				t.Fatal(err)
			}
			depends := false
			for step := range 60 {
				depends = depends || s.At(Time{Step: step, Total: 60, StepsPerEpoch: 5}) != s.At(Time{Step: step, Total: 70, StepsPerEpoch: 5})
			}
			e, ok := s.(Ending)
			if claims := ok && e.FollowsEnd(); claims != depends {
				t.Errorf("%s, trial %d: depends on the length of the run: %v, says %v", name, i, depends, claims)
			}
		}
	}
}

// TestSchedules is the conformance suite: values stay in the range that a
// schedule claims, and what a schedule writes it reads back.
func TestSchedules(t *testing.T) {
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				s, err := trial()
				if err != nil {
					t.Fatal(err)
				}
				at := Time{Total: 100, StepsPerEpoch: 3}
				if err := s.Check(at); err != nil {
					t.Fatal(err)
				}
				lo, hi := s.Range()
				for at.Step = range 150 {
					if v := s.At(at); !(v >= lo-1e-12 && v <= hi+1e-12) {
						t.Fatalf("%g at step %d is not in [%g, %g]", v, at.Step, lo, hi)
					}
				}
			})
		}
		n, err := decode("{schedule: " + name + "}")
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(string(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if b, err := yaml.Marshal(again); err != nil || string(b) != string(text) {
			t.Errorf("%s becomes %s (%v)", text, b, err)
		}
	}
}

func decode(text string) (n Number, err error) {
	doc, err := strict.Parse("c.yaml", []byte(text))
	if err == nil {
		err = doc.Root().Decode(&n)
	}
	return n, err
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"abc", "expected a number or a schedule {schedule: NAME, ...} (known: [constant cosine exponential inverse_sqrt linear step])"},
		{"{schedule: cosin}", `did you mean "cosine"?`},
		{"{initial: 1}", `the key "schedule" is missing`},
		{"{schedule: cosine, steps: -1}", "steps: must be 0 (the rest of the run) or a number of steps, got -1"},
		{"{schedule: linear, warmup: 1}", "warmup: must be a share of the run, from 0 to less than 1, got 1; warmup_steps is a number of steps"},
		{"{schedule: step, warmup: -0.1}", "warmup: must be a share"},
		{"{schedule: cosine, warmup: 0.1, warmup_steps: 5}", "warmup: is given, and warmup_steps too; give one of them"},
		{"{schedule: linear, warmup_steps: -1}", "warmup_steps: must be 0 or a number of steps, got -1"},
		{"{schedule: step, unit: year}", `unit: must be step or epoch, got "year"`},
		{"{schedule: step, factor: 0}", "factor: must be above 0 and at most 1, got 0"},
		{"{schedule: step, every: 0}", "every: must be a positive number, got 0"},
		{"{schedule: exponential, factor: 2}", "factor: must be above 0 and at most 1, got 2"},
		{"{schedule: exponential, every: 0}", "every: must be a positive number of steps, got 0"},
		{"{schedule: inverse_sqrt, scale: 0}", "scale: must be a positive number of steps, got 0"},
	} {
		if _, err := decode(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.config, err, c.want)
		}
	}
	n, err := decode("{schedule: cosine}")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Check(Time{}); err == nil || !strings.Contains(err.Error(), "the cosine schedule needs an end") {
		t.Errorf("a cosine without an end: %v", err)
	}
	if n, err = decode("{schedule: step, warmup: 0.1}"); err != nil {
		t.Fatal(err)
	}
	if err := n.Check(Time{}); err == nil || !strings.Contains(err.Error(), "a share of the run needs an end") {
		t.Errorf("a warm-up of a share without an end: %v", err)
	}
}

func TestPositive(t *testing.T) {
	for text, ok := range map[string]bool{
		"1": true, "0": false, "-1": false,
		"{schedule: cosine, initial: 1, final: 0}":    true,
		"{schedule: cosine, initial: 1, final: -0.1}": false,
		"{schedule: constant, initial: 0}":            false,
	} {
		n, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Positive("x"); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
