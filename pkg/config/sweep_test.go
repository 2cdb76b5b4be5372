package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
	"pgregory.net/rapid"
)

// twoMethods is an experiment to sweep over.
const twoMethods = configtest.TwoMethods

func study(t *testing.T, text string, flags SweepFlags, sets ...string) *Study {
	t.Helper()
	return configtest.Read(t, func(path string, text []byte, sets []string) (*Study, error) {
		return ParseSweep(path, text, sets, flags)
	}, text, sets...)
}

// settings lists the points of a study, as "METHOD: KEY=VALUE, ...".
func (s *Study) settings() (out []string) {
	for _, p := range s.Points {
		out = append(out, s.Config.Methods[p.Method].Name+": "+p.Varied.String())
	}
	return out
}

// numbers are values, as a flag would give them.
func numbers(n int) []strict.Value {
	var text []string
	for i := range n {
		text = append(text, strconv.Itoa(i))
	}
	v, err := strict.List("", strings.Join(text, ","))
	if err != nil {
		panic(err)
	}
	return v
}

// TestPoints: the points of axes are all combinations, each once, in the order
// of an odometer; keys that share an axis go together.
func TestPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var axes []axis
		want := 1
		for i := range rapid.IntRange(0, 4).Draw(t, "axes") {
			n := rapid.IntRange(1, 5).Draw(t, "points")
			a := axis{}
			for j := range rapid.IntRange(1, 3).Draw(t, "keys") {
				a.keys = append(a.keys, sweptKey{name: fmt.Sprint(i, ".", j)})
			}
			for _, v := range numbers(n) {
				a.points = append(a.points, slices.Repeat([]strict.Value{v}, len(a.keys)))
			}
			axes = append(axes, a)
			want *= n
		}
		if got := count(axes, 1000); got != want {
			t.Fatalf("count is %d, want %d", got, want)
		}
		if got := count(axes, want-1); got != want {
			t.Fatalf("count up to %d is %d, want one more", want-1, got)
		}
		n, last := 0, -1
		for p := range points(axes) {
			n++
			at, i := 0, 0 // the number that the point's values are the digits of
			for _, a := range axes {
				first := string(yamlText(p[i].value))
				for _, k := range a.keys {
					if p[i].key != k.name || string(yamlText(p[i].value)) != first {
						t.Fatalf("point %v, want the key %s with %s", p, k.name, first)
					}
					i++
				}
				digit, err := strconv.Atoi(strings.TrimSpace(first))
				if err != nil {
					t.Fatal(err)
				}
				at = at*len(a.points) + digit
			}
			if i != len(p) || at != last+1 {
				t.Fatalf("point %d comes after %d", at, last)
			}
			last = at
		}
		if n != want {
			t.Fatalf("%d points, want %d", n, want)
		}
	})
}

// TestDraw: draws are inside the range, follow from the seed and the key alone,
// and are the same at the start of a longer list.
func TestDraw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log, whole := rapid.Bool().Draw(t, "log"), rapid.Bool().Draw(t, "int")
		bound := rapid.Float64Range(-1e6, 1e6)
		if log {
			bound = rapid.Float64Range(1e-9, 1e9)
		}
		lo, hi := bound.Draw(t, "lo"), bound.Draw(t, "hi")
		if whole {
			lo, hi = math.Ceil(lo), math.Ceil(hi)
		}
		lo, hi = min(lo, hi), max(lo, hi)
		d := Draw{Key: rapid.String().Draw(t, "key"), Range: fmt.Sprintf("%v..%v", lo, hi)}
		if log {
			d.Range += ":log"
		}
		if whole {
			d.Range += ":int"
		}
		seed := rapid.Uint64().Draw(t, "seed")
		n := rapid.IntRange(1, 20).Draw(t, "n")
		long, err := d.draw(seed, n+5)
		if err != nil {
			t.Fatal(err)
		}
		short, err := d.draw(seed, n)
		if err != nil || len(short) != n {
			t.Fatalf("%d draws, %v", len(short), err)
		}
		for i, v := range long {
			text := string(yamlText(v))
			if i < n && text != string(yamlText(short[i])) {
				t.Fatalf("draw %d is %s of %d and %s of %d", i, text, n+5, yamlText(short[i]), n)
			}
			x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil || x < lo || x > hi || whole && x != math.Trunc(x) {
				t.Fatalf("%s of %s", text, d.Range)
			}
			if whole && strings.ContainsAny(text, ".e") {
				t.Fatalf("%s is not written as a whole number", text)
			}
		}
	})
}

// TestDistribution: the draws of a range, its logarithm, whole numbers and a
// list fill quarters of it equally.
func TestDistribution(t *testing.T) {
	const n = 4000
	four, err := strict.List("", "0,1,2,3")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		draw    Draw
		quarter func(x float64) float64
	}{
		{Draw{Range: "-1..3"}, func(x float64) float64 { return x + 1 }},
		{Draw{Range: "1e-6..1e2:log"}, func(x float64) float64 { return (math.Log10(x) + 6) / 2 }},
		{Draw{Range: "1..4:int"}, func(x float64) float64 { return x - 1 }},
		{Draw{Range: "1..15:log:int"}, func(x float64) float64 { return math.Log2(x) }},
		{Draw{Values: four}, func(x float64) float64 { return x }},
	} {
		values, err := c.draw.draw(1, n)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, 4)
		for _, v := range values {
			x, err := strconv.ParseFloat(strings.TrimSpace(string(yamlText(v))), 64)
			if err != nil {
				t.Fatal(err)
			}
			counts[min(int(c.quarter(x)), 3)]++
		}
		for _, k := range counts {
			// Six deviations of a binomial.
			if math.Abs(float64(k)-n/4) > 6*math.Sqrt(n*0.25*0.75) {
				t.Errorf("%+v: %v of each quarter", c.draw, counts)
			}
		}
	}
	a, _ := Draw{Key: "a", Range: "0..1"}.draw(0, 3)
	for _, other := range []struct {
		draw Draw
		seed uint64
	}{{Draw{Key: "a", Range: "0..1"}, 1}, {Draw{Key: "b", Range: "0..1"}, 0}} {
		b, _ := other.draw.draw(other.seed, 3)
		if string(yamlText(a[0])) == string(yamlText(b[0])) {
			t.Error("another seed or key gives the same draws")
		}
	}
}

// TestRounded: draws have four digits, or as many as tell them apart.
func TestRounded(t *testing.T) {
	for _, c := range []struct {
		iv   interval
		x    float64
		want string
	}{
		{interval{lo: 0, hi: 1}, 0.123456789, "0.1235"},
		{interval{lo: 1e-6, hi: 1, log: true}, 0.000123456789, "0.0001235"},
		{interval{lo: 1.00001, hi: 1.00003}, 1.0000123456789, "1.00001235"},
		{interval{lo: 0, hi: 1e9}, 123456789, "1.235e+08"},
		{interval{lo: 0.12344, hi: 1}, 0.12344, "0.12344"}, // not below the range
		{interval{lo: 5, hi: 5}, 5, "5"},
		{interval{lo: 0, hi: 1}, 0, "0"},
	} {
		if got := c.iv.rounded(c.x); got != c.want {
			t.Errorf("%v in %+v: %s, want %s", c.x, c.iv, got, c.want)
		}
	}
}

func FuzzInterval(f *testing.F) {
	for _, s := range []string{"1..2", "1e-5..1:log", "1..9:int", "1..9:log:int", "..", "1..", "2..1", "0..1:log", "nan..1", "1..inf", "1..2:", "1..2:log:log", "-1e308..1e308", "5e-324..1e-323:log", "0x1p3..20:int"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		iv, err := parseInterval(text)
		if err != nil {
			return
		}
		for _, u := range []float64{0, 0.3, 1 - 0x1p-53} {
			if x, err := strconv.ParseFloat(iv.at(u), 64); err != nil || !(iv.lo <= x && x <= iv.hi) {
				t.Errorf("%s at %g: %s", text, u, iv.at(u))
			}
		}
	})
}

// TestSettings: which settings each method gets, from the config and from
// flags.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		sweep string
		flags SweepFlags
		want  []string
	}{
		{
			"a key of one method does not multiply the other's settings", "", SweepFlags{Grid: []string{"methods.GN v1.5.oracle.inner_iterations=1,2", "methods.GN v1.5.oracle.formulation=primal,dual"}},
			[]string{
				"SGD: ",
				"GN v1.5: oracle.inner_iterations=1, oracle.formulation=primal", "GN v1.5: oracle.inner_iterations=1, oracle.formulation=dual",
				"GN v1.5: oracle.inner_iterations=2, oracle.formulation=primal", "GN v1.5: oracle.inner_iterations=2, oracle.formulation=dual",
			},
		},
		{
			"a key of all methods", "", SweepFlags{Grid: []string{"methods.*.optimizer.learning_rate=1,{schedule: cosine, initial: 2}"}},
			[]string{
				"SGD: optimizer.learning_rate=1", "SGD: optimizer.learning_rate={\"initial\":2,\"schedule\":\"cosine\"}",
				"GN v1.5: optimizer.learning_rate=1", `GN v1.5: optimizer.learning_rate={"initial":2,"schedule":"cosine"}`,
			},
		},
		{
			"config first, then flags", "sweep: {grid: [{key: train.batch_size, values: [10, 20]}]}", SweepFlags{Grid: []string{"methods.0.optimizer.momentum=0,0.9"}},
			[]string{
				"SGD: train.batch_size=10, optimizer.momentum=0", "SGD: train.batch_size=10, optimizer.momentum=0.9",
				"SGD: train.batch_size=20, optimizer.momentum=0", "SGD: train.batch_size=20, optimizer.momentum=0.9",
				"GN v1.5: train.batch_size=10", "GN v1.5: train.batch_size=20",
			},
		},
		{
			"zipped keys go together, and each method has its part", "sweep: {grid: [{key: precision, values: [float64]}]}",
			SweepFlags{Zip: []string{"train.batch_size=10,20,20", "methods.SGD.optimizer.learning_rate=1,2,3"}},
			[]string{
				"SGD: precision=float64, train.batch_size=10, optimizer.learning_rate=1", "SGD: precision=float64, train.batch_size=20, optimizer.learning_rate=2",
				"SGD: precision=float64, train.batch_size=20, optimizer.learning_rate=3",
				"GN v1.5: precision=float64, train.batch_size=10", "GN v1.5: precision=float64, train.batch_size=20",
			},
		},
		{
			"random keys are drawn together", "sweep: {random: [{key: methods.SGD.optimizer.learning_rate, range: '1e-3..1:log'}, {key: train.batch_size, values: [10, 20]}], samples: 2, seed: 3}", SweepFlags{},
			[]string{
				"SGD: optimizer.learning_rate=0.008736, train.batch_size=20", "SGD: optimizer.learning_rate=0.001073, train.batch_size=10",
				"GN v1.5: train.batch_size=20", "GN v1.5: train.batch_size=10",
			},
		},
		{
			"more samples, and another key, keep the earlier draws", "sweep: {random: [{key: methods.SGD.optimizer.learning_rate, range: '1e-3..1:log'}], samples: 2, seed: 3}",
			SweepFlags{Random: []string{"methods.GN v1.5.oracle.inner_iterations=1..9:int"}, Samples: 3},
			[]string{
				"SGD: optimizer.learning_rate=0.008736", "SGD: optimizer.learning_rate=0.001073", "SGD: optimizer.learning_rate=0.005514",
				"GN v1.5: oracle.inner_iterations=7", "GN v1.5: oracle.inner_iterations=4", "GN v1.5: oracle.inner_iterations=9",
			},
		},
		{
			"a whole part, then a key inside it", "", SweepFlags{Grid: []string{"methods.SGD.optimizer={kind: adam},{kind: sgd}", "methods.SGD.optimizer.learning_rate=0.5"}},
			[]string{"SGD: optimizer={\"kind\":\"adam\"}, optimizer.learning_rate=0.5", "SGD: optimizer={\"kind\":\"sgd\"}, optimizer.learning_rate=0.5", "GN v1.5: "},
		},
	} {
		s := study(t, twoMethods+c.sweep, c.flags)
		if got := s.settings(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n  %s\nwant\n  %s", c.name, strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
		roundTripSweep(t, s)
	}
	// The settings reach the config, and nothing else changes.
	s := study(t, twoMethods, SweepFlags{Grid: []string{"methods.SGD.optimizer.learning_rate=0.7", "train.batch_size=33"}})
	want, err := parse(t, twoMethods, "methods.SGD.optimizer.learning_rate=0.7", "train.batch_size=33").YAML()
	if err != nil {
		t.Fatal(err)
	}
	c := s.Points[0].Config
	c.Methods = append(c.Methods, s.Points[1].Config.Methods...)
	if got, err := c.YAML(); err != nil || string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s%v", got, want, err)
	}
}

// roundTripSweep: the resolved config, flags included, is the same sweep.
func roundTripSweep(t *testing.T, s *Study) {
	t.Helper()
	text, err := s.Config.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again := study(t, string(text), SweepFlags{})
	if got, want := again.settings(), s.settings(); !slices.Equal(got, want) {
		t.Errorf("the resolved config\n%s\ngives\n  %s\nwant\n  %s", text, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if b, err := again.Config.YAML(); err != nil || string(b) != string(text) {
		t.Errorf("%s\nbecomes\n%s\n%v", text, b, err)
	}
}

// TestSweepErrors: each message names the flag, or the file and line, the key,
// and what would be valid.
func TestSweepErrors(t *testing.T) {
	grid := func(s ...string) SweepFlags { return SweepFlags{Grid: s} }
	random := func(s string) SweepFlags { return SweepFlags{Random: []string{s}, Samples: 2} }
	for _, c := range []struct {
		sweep string
		flags SweepFlags
		sets  []string
		want  string
	}{
		{flags: SweepFlags{}, want: "nothing is swept: give --grid KEY=V1,V2,..., --zip or --random, or a section sweep: in the config"},
		{flags: grid("train.batchsize=1,2"), want: `--grid train.batchsize=1: train.batchsize: unknown key; did you mean "batch_size"? (known:`},
		{flags: grid("train.batch_size=5,x"), want: `--grid train.batch_size=x: train.batch_size: expected a whole number, got the text "x"`},
		{flags: grid("train.batch_size=5,-1"), want: `--grid train.batch_size=-1: train.batch_size: must be a positive number of examples, got -1`},
		{flags: grid("train.batch_size=5,~"), want: `train.batch_size: has no value`},
		{flags: grid("methods.GN v1.5.oracle.inner_iteration=5"), want: `--grid methods.GN v1.5.oracle.inner_iteration=5: methods.GN v1.5.oracle.inner_iteration: unknown key; did you mean "inner_iterations"?`},
		{flags: grid("methods.*.oracle.inner_iterations=5"), want: `--grid methods.*.oracle.inner_iterations=5: methods.SGD.oracle: the key "kind" is missing`},
		{flags: grid("methods.Adam.oracle.gamma=5"), want: `--grid methods.Adam.oracle.gamma=5: methods.Adam.oracle.gamma: no element of the list fits "Adam.oracle.gamma" (known: "SGD", "GN v1.5", 0 to 1, *)`},
		{flags: grid("train.batch_size"), want: "--grid train.batch_size: expected KEY=V1,V2,..., as in --grid train.batch_size=32,64"},
		{flags: grid("=5"), want: "--grid =5: expected KEY=V1,V2,..."},
		{flags: grid("train.batch_size="), want: "--grid train.batch_size=: expected YAML values separated by commas"},
		{flags: grid("train.batch_size=5,,6"), want: "a value is empty"},
		{flags: grid("seeds=[0],[1]"), want: "--grid seeds=[0],[1]: seeds cannot be swept: every point is run from all seeds of the config; set seeds instead"},
		{flags: grid("name=a,b"), want: "name cannot be swept: all points go to one results folder"},
		{flags: grid("sweep.samples=1"), want: "sweep.samples cannot be swept: a sweep does not sweep over itself"},
		{flags: grid("methods=[]"), want: "methods cannot be swept: the methods of a config are compared anyway"},
		{flags: grid("methods.SGD={name: x}"), want: "methods.SGD cannot be swept: a method keeps its name"},
		{flags: grid("methods.SGD.name=x"), want: "methods.SGD.name cannot be swept: a method keeps its name"},
		{flags: grid("train.batch_size=5", "train.batch_size=6"), want: "--grid train.batch_size=6: train.batch_size is swept twice for the method SGD: also by --grid train.batch_size=5"},
		{flags: grid("methods.0.oracle.kind=gradient", "methods.*.oracle.kind=gradient"), want: "--grid methods.*.oracle.kind=gradient: methods.*.oracle.kind is swept twice for the method SGD: also by --grid methods.0.oracle.kind=gradient"},
		{flags: grid("methods.SGD.optimizer.learning_rate=1", "methods.SGD.optimizer={kind: sgd}"), want: "--grid methods.SGD.optimizer={kind: sgd}: the key, or a part of it, is given twice: also by --grid methods.SGD.optimizer.learning_rate=1"},
		{flags: grid("train.batch_size=5"), sets: []string{"train.batch_size=6"}, want: "--grid train.batch_size=5: the key, or a part of it, is given twice: also by --set train.batch_size=6"},
		{flags: grid("train.batch_size=5"), sets: []string{"train={batch_size: 6, epochs: 2}"}, want: "also by --set train={batch_size: 6, epochs: 2}"},
		{flags: grid("train={batch_size: 6, epochs: 2}"), sets: []string{"train.batch_size=6"}, want: "also by --set train.batch_size=6"},
		{flags: SweepFlags{Zip: []string{"train.batch_size=5,6", "train.epochs=1,2,3"}}, want: "--zip train.epochs=1,2,3: has 3 values, but zipped keys take their values together, and train.batch_size has 2"},
		{flags: random("train.batch_size=9..5"), want: "--random train.batch_size=9..5: the range 9..5 is empty: its lower bound is the larger one"},
		{flags: random("train.seconds=0..5:log"), want: "--random train.seconds=0..5:log: the range 0..5:log has no logarithm: its lower bound must be positive"},
		{flags: random("train.seconds=1..x"), want: `the bound "x" of the range "1..x" is not a finite number`},
		{flags: random("train.seconds=1..inf"), want: `the bound "inf" of the range "1..inf" is not a finite number`},
		{flags: random("train.seconds=1..2:lin"), want: `"lin" cannot follow the range 1..2:lin (known: log, int, each once)`},
		{flags: random("train.seconds=1..2:log:log"), want: `"log" cannot follow the range`},
		{flags: random("train.seconds=1..2:"), want: "nothing follows the last colon"},
		{flags: random("train.epochs=1.5..2:int"), want: "the bounds of 1.5..2:int must be whole numbers"},
		{flags: random("train.epochs=1..2"), want: "--random train.epochs=1..2: train.epochs: expected a whole number, got the number 1."},
		{flags: SweepFlags{Random: []string{"train.seconds=1..2"}}, want: "--random train.seconds=1..2: the number of samples is missing: give --samples N, or samples: N in the config's sweep"},
		{flags: SweepFlags{Grid: []string{"train.epochs=1"}, Samples: 3}, want: "samples: 3 samples, but no key is random; give --random KEY=LO..HI"},
		{flags: SweepFlags{Random: []string{"train.seconds=1..2"}, Samples: 1e9}, want: "samples: must be a number of draws from 1 to 10000, got 1000000000"},
		{flags: SweepFlags{Random: []string{"train.seconds=1..2"}, Samples: 200, Grid: []string{"log.every=" + strings.Repeat("1,", 99) + "1"}}, want: "the sweep has more than 10000 points for the method SGD"},

		{sweep: "sweep: {grid: [{key: train.batchsize, values: [1]}]}", want: `toy.yaml:11: train.batchsize: unknown key; did you mean "batch_size"?`},
		{sweep: "sweep: {gird: []}", want: `toy.yaml:11: sweep.gird: unknown key; did you mean "grid"?`},
		{sweep: "sweep: {grid: [{key: train.epochs}]}", want: "toy.yaml:11: sweep.grid[0]: there are no values to sweep over"},
		{sweep: "sweep:\n  grid:\n  - {key: train.epochs, values: []}", want: "toy.yaml:13: sweep.grid[0]: there are no values to sweep over"},
		{sweep: "sweep: {grid: [{values: [1]}]}", want: `toy.yaml:11: sweep.grid[0]: the key "key" is missing: it names what is swept`},
		{sweep: "sweep: {random: [{values: [1]}], samples: 1}", want: `toy.yaml:11: sweep.random[0]: the key "key" is missing: it names what is swept`},
		{sweep: "sweep: {random: [{key: train.epochs}], samples: 1}", want: "toy.yaml:11: sweep.random[0]: has no range and no values to draw from"},
		{sweep: "sweep: {random: [{key: train.epochs, range: 1..2, values: [1]}], samples: 1}", want: "toy.yaml:11: sweep.random[0]: has a range and values; give one of them"},
		{sweep: "sweep: {random: [{key: train.epochs, range: 1}], samples: 1}", want: "toy.yaml:11: sweep.random[0].range: expected text, got the number 1"},
		{sweep: "sweep: {random: [{key: train.seconds, range: 2..1}], samples: 1}", want: "toy.yaml:11: sweep.random[0]: the range 2..1 is empty"},
		{sweep: "sweep: {grid: [{key: train.epochs, values: [1]}]}", flags: grid("train.epochs=2"), want: "--grid train.epochs=2: train.epochs is swept twice for the method SGD: also by toy.yaml:11: sweep.grid[0]"},
		{sweep: "sweep: {}", want: "nothing is swept"},
	} {
		_, err := ParseSweep("toy.yaml", []byte(twoMethods+c.sweep), c.sets, c.flags)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v %v\n  says %v\n  want %s", c.sweep, c.flags, c.sets, err, c.want)
		}
	}
	// What is wrong with a flag is not told again as something that is missing.
	for _, flag := range []string{"train.batch_size", "train.batch_size=5,,6"} {
		_, err := ParseSweep("toy.yaml", []byte(twoMethods), nil, grid(flag))
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", flag, err)
		}
	}
	// Every fault is told once, however many points have it, and not too many.
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("%d", -i))
	}
	_, err := ParseSweep("toy.yaml", []byte(twoMethods), nil, grid("train.batch_size="+strings.Join(many, ","), "log.every=1,2,3"))
	if lines := strings.Split(fmt.Sprint(err), "\n"); len(lines) != 21 || lines[20] != "... and 30 more" {
		t.Errorf("%d lines:\n%v", len(lines), err)
	}
}

// TestSettingsSlug: folder names of settings can be read, are safe, and tell settings
// apart.
func TestSettingsSlug(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, c := range []struct{ flag, want string }{
		{"train.batch_size=32", "train.batch_size=32"},
		{"methods.SGD.optimizer.learning_rate=1e-1", "optimizer.learning_rate=0.1"},
		{"methods.SGD.optimizer.learning_rate=1e-7", "optimizer.learning_rate=1e-7"},
		{"methods.SGD.optimizer.learning_rate=1e+2", "optimizer.learning_rate=100"},
		{"data.split_seed=18446744073709551615", "data.split_seed=18446744073709551615"},
		{"methods.SGD.optimizer.nesterov=false", "optimizer.nesterov=false"},
		{"model.hidden=[64, 32]", "model.hidden=64-32-2a3ebd31"},
		{"data.dir=Data/X", "data.dir=data-x-71e3c7b3"},
		{"data.dir=" + long, "data.dir=" + long[:82] + "-12623efd"},
		{"data.dir='a,train.batch_size=5'", "data.dir=a-train.batch_size-5-97df7a2f"},
	} {
		s := study(t, twoMethods, SweepFlags{Grid: []string{c.flag}})
		if got := s.Points[0].Varied.Slug(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.flag, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-cA-C=,./-]{0,4}`))
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		x, y := runlog.Varied{{Key: "k", Value: a}, {Key: "l", Value: b}}, runlog.Varied{{Key: "k", Value: b}, {Key: "l", Value: a}}
		if s := x.Slug(); (s == y.Slug()) != (a == b) || len(s) > 100 || strings.ContainsAny(s, `/\ :`) || s != strings.ToLower(s) {
			t.Fatalf("%q and %q: %q, %q", a, b, s, y.Slug())
		}
	})
}

// FuzzSweepFlags: no flag panics; an error says which flag it is about; what is
// accepted comes back from the resolved config.
func FuzzSweepFlags(f *testing.F) {
	f.Add("train.batch_size=10,20", "methods.*.optimizer.learning_rate=1e-3..1:log", "log.every=1,2")
	f.Add("model.hidden=[],[3]", "train.batch_size=10,20", "methods.GN v1.5.oracle={kind: gradient},{kind: gauss_newton, gamma: 2}")
	f.Add("=", "x=..", "methods.=1")
	f.Fuzz(func(t *testing.T, grid, random, zip string) {
		s, err := ParseSweep("toy.yaml", []byte(twoMethods), nil, SweepFlags{Grid: []string{grid}, Random: []string{random}, Zip: []string{zip}, Samples: 2})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "--") && !strings.HasPrefix(err.Error(), "toy.yaml") && !strings.HasPrefix(err.Error(), "the sweep has more than") {
				t.Errorf("the error has no place: %v", err)
			}
			return
		}
		roundTripSweep(t, s)
	})
}
