package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

// eachEquation calls test with every registered equation, with every trial setting, and with every
// registered solution in three dimensions, or four.
func eachEquation(t *testing.T, test func(t *testing.T, s EquationSet)) {
	found := 0
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			source, err := trial()
			s, ok := source.(EquationSet)
			if err != nil || !ok {
				continue
			}
			found++
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) { test(t, s) })
		}
	}
	solved := func(name string, of []string, choose func(solution string, dimension int) (registry.Choice[Source], error)) {
		for _, solution := range of {
			c, err := choose(solution, 1)
			for d := 2; err != nil && d <= 8; d++ { // the first dimension that the solution is for
				c, err = choose(solution, d)
			}
			if err != nil {
				t.Errorf("%s, %s: %v", name, solution, err)
				continue
			}
			found++
			t.Run(name+"/"+solution, func(t *testing.T) { test(t, c.Must().(EquationSet)) })
		}
	}
	solved("poisson", PoissonSolutions.Names(), func(solution string, d int) (registry.Choice[Source], error) {
		return registry.Choose(&Known, "poisson", func(o *Poisson) { o.Solution, o.Dimension = solution, d })
	})
	solved("heat", HeatSolutions.Names(), func(solution string, d int) (registry.Choice[Source], error) {
		return registry.Choose(&Known, "heat", func(o *Heat) { o.Solution, o.Dimension = solution, d })
	})
	if found < 3 {
		t.Errorf("%d settings of equations", found)
	}
}

// TestOperators: the derivative of an operator in the jet is that of differences, and it
// leaves what it does not depend on at 0.
func TestOperators(t *testing.T) {
	eachEquation(t, func(t *testing.T, s EquationSet) {
		rng := rand.New(rand.NewPCG(1, 2))
		n := s.Jet().Streams()
		for range 10 {
			x, jet, to, none := make([]float64, n-2), make([]float64, n), make([]float64, n), make([]float64, n)
			for j := range x {
				x[j] = rng.Float64()
			}
			for j := range jet {
				jet[j] = rng.NormFloat64()
			}
			value := s.Operator(to, x, jet)
			if again := s.Operator(none, x, jet); again != value {
				t.Errorf("F is %g and then %g", value, again)
			}
			const h = 1e-4
			for j, v := range jet {
				at := func(d float64) float64 {
					jet[j] = v + d
					defer func() { jet[j] = v }()
					return s.Operator(none, x, jet)
				}
				want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
				if math.Abs(to[j]-want) > 1e-9*(1+math.Abs(want)) {
					t.Errorf("the derivative in number %d of the jet is %g, by differences %g", j, to[j], want)
				}
			}
		}
	})
}

// TestSolutions: the operator makes the right-hand side of the solution, whose jet is taken by
// differences at points inside.
func TestSolutions(t *testing.T) {
	eachEquation(t, func(t *testing.T, s EquationSet) {
		rng := rand.New(rand.NewPCG(3, 4))
		domain, n := s.Domain(), s.Jet().Streams()
		d := n - 2
		work, to, jet, x := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, d)
		if s.Jet().Dimension != d || len(domain.Low) != d || len(domain.High) != d {
			t.Fatalf("a jet of %v on a box of %v to %v", s.Jet(), domain.Low, domain.High)
		}
		for range 20 {
			for j := range x {
				x[j] = domain.Low[j] + (domain.High[j]-domain.Low[j])*(0.05+0.9*rng.Float64())
			}
			const h = 5e-4
			at := func(j int, steps float64) float64 {
				v := x[j]
				x[j] = v + steps*h
				defer func() { x[j] = v }()
				return s.Solution(x, work)
			}
			clear(jet)
			jet[0] = at(0, 0)
			for j := range d {
				jet[1+j] = (8*(at(j, 1)-at(j, -1)) - (at(j, 2) - at(j, -2))) / (12 * h)
			}
			for i, j := range s.Jet().Second {
				c := 1.0
				if s.Jet().Weights != nil {
					c = s.Jet().Weights[i]
				}
				jet[n-1] += c * (16*(at(j, 1)+at(j, -1)) - (at(j, 2) + at(j, -2)) - 30*at(j, 0)) / (12 * h * h)
			}
			clear(to)
			got := s.Operator(to, x, jet)
			scale := 1.0
			for j, v := range to {
				scale += math.Abs(v * jet[j])
			}
			if want := s.Source(x, work); math.Abs(got-want) > 1e-6*scale {
				t.Errorf("at %v F(u*) is %g by differences, and the right-hand side %g", x, got, want)
			}
		}
	})
}

// TestBurgersSolution: a finer rule changes nothing, and the steepest slope of all times is the
// 152.00516 at pi t = 1.6037 of Basdevant et al.
func TestBurgersSolution(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		at := []float64{rng.Float64(), 2*rng.Float64() - 1}
		if got, want := (burgers{}).Solution(at, nil), burgersBy(at[0], at[1], 1./200, 20); math.Abs(got-want) > 1e-12 {
			t.Errorf("u%v = %.16g, with a finer rule %.16g", at, got, want)
		}
	}
	for _, x := range []float64{-1, -0.3, 0, 0.5, 1} {
		if got, want := (burgers{}).Solution([]float64{0, x}, nil), -math.Sin(math.Pi*x); math.Abs(got-want) > 1e-15 {
			t.Errorf("u(0, %g) = %g, want %g", x, got, want)
		}
		if a, b := (burgers{}).Solution([]float64{1e-9, x}, nil), -math.Sin(math.Pi*x); math.Abs(a-b) > 1e-7 {
			t.Errorf("shortly after the beginning u(%g) = %g, want %g", x, a, b)
		}
	}
	const h = 1e-5
	slope := (burgers{}).Solution([]float64{1.6037 / math.Pi, -h}, nil) / h
	if math.Abs(slope-152.00516) > 5e-4 {
		t.Errorf("the steepest slope is %.6f", slope)
	}
}

// burgersBy is the solution by another rule: with the largest exponent taken away first.
func burgersBy(t, x, step float64, n int) float64 {
	width := 2 * math.Sqrt(burgersNu*t)
	var above, below float64
	for i := -n * 200; i <= n*200; i++ {
		z := step * float64(i)
		y := x - width*z
		w := math.Exp(-50 - 50*math.Cos(math.Pi*y) - z*z)
		above += w * math.Sin(math.Pi*y)
		below += w
	}
	return -above / below
}

// TestPoints: points are where they should be, as many as they should be, follow from the seed,
// and are drawn anew when they should be.
func TestPoints(t *testing.T) {
	eachEquation(t, func(t *testing.T, s EquationSet) {
		raw, err := s.Open(Env{}, Values)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Prepare(raw, Common{}, Values)
		if err != nil {
			t.Fatal(err)
		}
		one, again, other := p.Drawn(7), p.Drawn(7), p.Drawn(8)
		if !slices.Equal(one.Train.values, again.Train.values) || !slices.Equal(one.Valid.values, again.Valid.values) || !slices.Equal(one.Test.values, again.Test.values) {
			t.Error("one seed has two sets of points")
		}
		if slices.Equal(one.Train.values, other.Train.values) || slices.Equal(one.Test.values, other.Test.values) || one.Valid.point(0)[0] == one.Test.point(0)[0] {
			t.Error("seeds, or parts, have the same points")
		}
		if one.Train.Len() != s.Train() || one.Valid.Len() != s.Points.Valid || one.Test.Len() != s.Points.Test || one.Outputs != 1 {
			t.Errorf("%d, %d and %d points", one.Train.Len(), one.Valid.Len(), one.Test.Len())
		}
		checkPoints(t, s, one.Train)
		domain, work := s.Domain(), make([]float64, s.Jet().Streams())
		for _, known := range []*Split{one.Valid, one.Test} {
			for i := range known.Len() {
				at := known.point(i)
				x := at[:len(at)-1]
				if at[len(x)] != nn.Boundary || !inside(domain, x) || known.targets.Data[i] != s.Solution(x, work) {
					t.Fatalf("point %v to compare u at, with %g", at, known.targets.Data[i])
				}
			}
		}

		// Resampling: from step to step, back and forth.
		first := slices.Clone(one.Train.values)
		every := max(int(s.Points.Resample), 1)
		one.Advance(every - 1)
		if !slices.Equal(one.Train.values, first) {
			t.Error("points are drawn anew too early")
		}
		one.Advance(every)
		if changed := !slices.Equal(one.Train.values, first); changed != (s.Points.Resample > 0) {
			t.Errorf("drawn anew: %t, with resample: %d", changed, s.Points.Resample)
		}
		checkPoints(t, s, one.Train)
		if !slices.Equal(again.Train.values, first) {
			t.Error("the points of another run changed too")
		}
		again.Advance(every)
		if !slices.Equal(one.Train.values, again.Train.values) || !slices.Equal(one.Train.targets.Data, again.Train.targets.Data) {
			t.Error("one step has two sets of points")
		}
		one.Advance(0)
		if !slices.Equal(one.Train.values, first) {
			t.Error("the points of the first step do not come back")
		}
		step := 0
		if n := testing.AllocsPerRun(5, func() { step += every; one.Advance(step) }); n > 0 {
			t.Errorf("%g allocations to draw points", n)
		}
	})
}

// checkPoints checks the points to train on.
func checkPoints(t *testing.T, s EquationSet, train *Split) {
	t.Helper()
	domain, work := s.Domain(), make([]float64, s.Jet().Streams())
	var counts [3]int // inside, at the beginning, on the boundary
	var weights [2]float64
	for i := range train.Len() {
		at := train.point(i)
		x, part := at[:len(at)-1], at[len(at)-1]
		weights[int(part)] += train.from.Omega[i]
		want := s.Solution(x, work)
		switch {
		case part == nn.Interior:
			counts[0]++
			if want = s.Source(x, work); !inside(domain, x) {
				t.Fatalf("point %v is not inside", x)
			}
		case domain.Time && x[0] == domain.Low[0]:
			counts[1]++
		default:
			counts[2]++
			faces := 0
			for j, v := range x {
				if (v == domain.Low[j] || v == domain.High[j]) && !(domain.Time && j == 0) {
					faces++
				}
			}
			if faces != 1 {
				t.Fatalf("point %v is on %d faces", x, faces)
			}
		}
		if train.targets.Data[i] != want {
			t.Fatalf("the target at %v is %g, want %g", x, train.targets.Data[i], want)
		}
	}
	beginning := s.Points.initial(domain)
	if counts != [3]int{s.Points.Interior, beginning, s.Points.Boundary - beginning} || domain.Time != (beginning > 0) {
		t.Errorf("%d points inside, %d at the beginning and %d on the boundary", counts[0], counts[1], counts[2])
	}
	for part, w := range weights { // means over each part
		if m := float64(train.Len()); math.Abs(w-m) > 1e-9*m {
			t.Errorf("part %d counts %g of %g", part, w, m)
		}
	}
}

func inside(d Domain, x []float64) bool {
	for j, v := range x {
		if !(v >= d.Low[j] && v < d.High[j]) {
			return false
		}
	}
	return true
}

// TestEquationErrors: options that no equation has.
func TestEquationErrors(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"{name: poisson, dimension: 0}", "dimension: must be a number of space dimensions from 1 to 1000, got 0"},
		{"{name: heat, dimension: -1}", "got -1"},
		{"{name: poisson, dimension: 9999999}", "got 9999999"},
		{"{name: poisson, dimension: 3, solution: harmonic}", "dimension: must be even for the solution harmonic"},
		{"{name: poisson, solution: sine_sum}", `solution: unknown solution of poisson "sine_sum"`},
		{"{name: heat, solution: sine}", `unknown solution of heat "sine" (known: sine_product, sine_sum)`},
		{"{name: poisson, boundary: 0}", "boundary: must be a positive number of points"},
		{"{name: heat, boundary: 1}", "boundary: must be at least 2, half of which are at the initial time, got 1"},
		{"{name: burgers, interior: -4}", "interior: must be a positive number of points"},
		{"{name: burgers, test_points: 0}", "test_points: must be a positive number of points"},
		{"{name: burgers, interior: 9223372036854775807}", "at most 1099511627776"},
		{"{name: burgers, dimension: 2}", "unknown key"},
		{"{name: poisson, resample: 0}", "resample: must be never or a positive number of steps, got 0"},
		{"{name: poisson, resample: often}", `resample: expected never or a number of steps, got "often"`},
		{"{name: poisson, resample: 1.5}", "resample"},
	} {
		doc, err := strict.Parse("a.yaml", []byte("data: "+c.data))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("data")
		_, err = Known.Decode(v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.data, err, c.want)
		}
	}
	many := EquationSet{&poisson{unitCube(2), nn.Jet{Dimension: 2}, Solution{}}, Points{Interior: 1 << 39, Boundary: 2, Valid: 1, Test: 1}}
	if _, err := many.Open(Env{}, Values); err == nil || !strings.Contains(err.Error(), "interior: 549755813892 points, with those of boundary, valid_points and test_points, take about 24.0 TiB of memory") {
		t.Errorf("too many points: %v", err)
	}
	raw, err := Known.Default("poisson").Must().Open(Env{}, Values)
	if err != nil {
		t.Fatal(err)
	}
	half := 0.5
	for key, c := range map[string]Common{
		"train_limit": {TrainLimit: 3}, "test_limit": {TestLimit: 3}, "validation": {Validation: 0.5}, "test": {Test: &half},
		"split_seed": {SplitSeed: SplitSeed{OfRun: true}}, "binary": {Binary: Labels{"1"}}, "augment": {Augment: &Augment{}}, "dir": {Dir: "x"},
	} {
		if _, err := Prepare(raw, c, Values); err == nil || !strings.Contains(err.Error(), key+": does not apply to equations") {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := Prepare(raw, Common{}, OneHot); err == nil || !strings.Contains(err.Error(), "use the loss squared or huber") {
		t.Errorf("classes: %v", err)
	}
}

// TestResample: it reads what it writes, and the words of a sentence.
func TestResample(t *testing.T) {
	for text, want := range map[string]Resample{"never": 0, "1": 1, "25": 25, "every 10 steps": 10, "every 1 step": 1} {
		doc, err := strict.Parse("a.yaml", []byte("r: "+text))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("r")
		var r Resample
		if err := r.UnmarshalStrict(v); err != nil || r != want {
			t.Errorf("%s is read as %d: %v", text, r, err)
		}
	}
}

// TestResampleErrors: what is none is told, however large.
func TestResampleErrors(t *testing.T) {
	for _, text := range []string{"0", "-1", "every 0 steps", "every 99999999999999999999 steps", "99999999999999999999", "often"} {
		doc, err := strict.Parse("a.yaml", []byte("r: "+text))
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Root().Lookup("r")
		var r Resample
		if err := r.UnmarshalStrict(v); err == nil {
			t.Errorf("%s is read as %d", text, r)
		}
	}
}

// TestSingularSolution: a solution that is no number somewhere is refused, with the point.
func TestSingularSolution(t *testing.T) {
	for what, jet := range map[string]func(to, x []float64){
		"solution is +Inf":       func(to, x []float64) { to[0] = 1 / (x[0] * 0) },
		"right-hand side is NaN": func(to, x []float64) { to[len(x)+1] = math.NaN() },
	} {
		points := Points{Interior: 3, Boundary: 2, Valid: 2, Test: 2}
		s := EquationSet{&poisson{unitCube(2), nn.Jet{Dimension: 2, Second: upTo(2)}, Solution{Jet: jet}}, points}
		if _, err := s.Open(Env{}, Values); err == nil || !strings.Contains(err.Error(), what+" at the point [0.") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestFinite: points that are drawn later are looked at when asked.
func TestFinite(t *testing.T) {
	calls := 0
	jet := func(to, _ []float64) {
		if calls++; calls > 40 {
			to[3] = math.NaN()
		}
	}
	s := EquationSet{&poisson{unitCube(2), nn.Jet{Dimension: 2, Second: upTo(2)}, Solution{Jet: jet}}, Points{Interior: 3, Boundary: 2, Resample: 1, Valid: 2, Test: 2}}
	one := (&Set{Equation: &s}).Drawn(7)
	for step := 0; one.Finite() == nil; step++ {
		if one.Advance(step); step > 40 {
			t.Fatal("nothing is said")
		}
	}
	if err := one.Finite(); calls <= 40 || !strings.Contains(err.Error(), "right-hand side is NaN at the point [0.") {
		t.Errorf("after %d calls: %v", calls, err)
	}
	if err := (&Set{}).Finite(); err != nil {
		t.Error(err)
	}
}

// decay is u' + u = 0, u(0) = 1: an equation of time alone.
type decay struct{}

func (decay) Domain() Domain { return Domain{Low: []float64{0}, High: []float64{1}, Time: true} }
func (decay) Jet() nn.Jet    { return nn.Jet{Dimension: 1} }

func (decay) Operator(to, _, jet []float64) float64 {
	to[0], to[1] = 1, 1
	return jet[1] + jet[0]
}

func (decay) Source([]float64, []float64) float64       { return 0 }
func (decay) Solution(x []float64, _ []float64) float64 { return math.Exp(-x[0]) }

// TestTimeAlone: where there is no boundary but the beginning, all points of the boundary are there.
func TestTimeAlone(t *testing.T) {
	raw, err := (EquationSet{decay{}, Points{Interior: 4, Boundary: 1, Valid: 2, Test: 2}}).Open(Env{}, Values)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Prepare(raw, Common{}, Values)
	if err != nil {
		t.Fatal(err)
	}
	if p := set.Train.point(4); set.Train.Len() != 5 || p[0] != 0 || p[1] != nn.Boundary || set.Train.targets.Data[4] != 1 {
		t.Errorf("the boundary is at %v", p)
	}
}
