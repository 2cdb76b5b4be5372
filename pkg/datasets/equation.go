package datasets

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// An Equation is a differential equation for one function u of d coordinates on a box:
// F(x, u) = f inside, and u = u* on the boundary, where the solution u* is known. A network
// is trained on its residuals, and tested by how far it is from u* ([nn.Net.Differentiate]).
type Equation interface {
	Domain() Domain

	// Jet says which derivatives of u the operator needs.
	Jet() nn.Jet

	// Operator is F, with its derivative: an [nn.Operator].
	Operator(to, x, jet []float64) float64

	// Source returns f at a point inside, and Solution u* at any point. Work has room for the
	// d + 2 numbers of a jet.
	Source(x, work []float64) float64
	Solution(x, work []float64) float64
}

// A Domain is a box, of which the first coordinate may be a time.
type Domain struct {
	Low, High []float64 // d numbers
	Time      bool      // then u is given at its beginning, and the end is no boundary
}

// Points are how many points an equation is sampled at, as a config says.
type Points struct {
	Interior int      `yaml:"interior" doc:"points to train on inside, where the equation holds"`
	Boundary int      `yaml:"boundary" doc:"points to train on where u is given; where there is a time, half of them are at its beginning"`
	Resample Resample `yaml:"resample" doc:"never, or a number of steps, after which the points to train on are drawn anew"`
	Valid    int      `yaml:"valid_points" doc:"points to choose settings by, as dgn tune does"`
	Test     int      `yaml:"test_points" doc:"points to test on"`
}

// defaultPoints are those of a config that says nothing.
var defaultPoints = Points{Interior: 900, Boundary: 120, Valid: 2500, Test: 10000}

func (p Points) points() Points { return p }

// maxPoints bounds each number of points, so that sums do not overflow.
const maxPoints = 1 << 40

// check reports numbers of points that cannot be.
func (p Points) check(d Domain) error {
	for _, n := range []struct {
		key         string
		value, most int
	}{{"interior", p.Interior, maxPoints}, {"boundary", p.Boundary, maxPoints}, {"valid_points", p.Valid, maxPoints}, {"test_points", p.Test, maxPoints}} {
		if n.value < 1 || n.value > n.most {
			return strict.Field(n.key, "must be a positive number of points, at most %d, got %d", n.most, n.value)
		}
	}
	if d.Time && len(d.Low) > 1 && p.Boundary < 2 {
		return strict.Field("boundary", "must be at least 2, half of which are at the initial time, got %d", p.Boundary)
	}
	return nil
}

// initial is how many of the boundary points are at the beginning of time.
func (p Points) initial(d Domain) int {
	switch {
	case !d.Time:
		return 0
	case len(d.Low) == 1: // an equation of time alone has no other boundary
		return p.Boundary
	}
	return p.Boundary / 2
}

// A Resample is a number of steps after which points are drawn anew, 0 for never.
type Resample int

var everySteps = regexp.MustCompile(`^every ([0-9]+) steps?$`)

// UnmarshalStrict reads never, or a number of steps, which may be written out: every 10 steps.
func (r *Resample) UnmarshalStrict(v strict.Value) error {
	n := 0
	if text, ok := v.Text(); ok {
		every := everySteps.FindStringSubmatch(text)
		if text == "never" {
			*r = 0
			return nil
		}
		if every == nil {
			return v.Errorf("expected never or a number of steps, got %q", text)
		}
		var err error
		if n, err = strconv.Atoi(every[1]); err != nil {
			return v.Errorf("expected never or a number of steps, got %q: the number is too large", text)
		}
	} else if err := v.Decode(&n); err != nil {
		return err
	}
	if n < 1 {
		return v.Errorf("must be never or a positive number of steps, got %d", n)
	}
	*r = Resample(n)
	return nil
}

// MarshalYAML returns what UnmarshalStrict reads.
func (r Resample) MarshalYAML() (any, error) {
	if r == 0 {
		return "never", nil
	}
	return int(r), nil
}

// AddEquation adds an equation to [Known]. Its options embed [Points]; build checks the
// others, with [strict.Field] errors. Trials are further options for conformance suites.
func AddEquation[O interface{ points() Points }](info registry.Info, defaults O, build func(O) (Equation, error), trials ...O) {
	registry.Add(&Known, info, defaults, func(o O) (Source, error) {
		e, err := build(o)
		if err == nil {
			err = o.points().check(e.Domain())
		}
		if err != nil {
			return nil, err
		}
		return EquationSet{e, o.points()}, nil
	}, trials...)
}

// An EquationSet is an equation as a data set: points that are drawn from the seed of a run.
type EquationSet struct {
	Equation
	Points Points
}

var _ Source = EquationSet{}

// Train returns the number of points to train on.
func (s EquationSet) Train() int { return s.Points.Interior + s.Points.Boundary }

// shape is that of an example: a point, and the part that it is of.
func (s EquationSet) shape() tensor.Shape { return tensor.Shape{C: s.Jet().Dimension + 1, H: 1, W: 1} }

func (s EquationSet) Describe() Description {
	return Description{Shape: s.shape(), Targets: 1, Train: s.Train(), Test: s.Points.Test, OwnTest: true, Embedded: true}
}

// Open draws the points of seed 0; [Set.Drawn] has those of a run.
func (s EquationSet) Open(Env, Encoding) (*Raw, error) {
	if err := s.fits(); err != nil {
		return nil, err
	}
	d := newDrawing(s, 0)
	if err := d.finite(); err != nil {
		return nil, err
	}
	return &Raw{
		Train: d.train.from, Test: d.test.from, points: d,
		// No file has a checksum that identifies the points, so the way to draw them has a number.
		Reading: map[string]string{"equation": "1"},
	}, nil
}

// fits returns an error if there is no memory for the points.
func (s EquationSet) fits() error {
	n := size.Sum(s.Train(), s.Points.Valid, s.Points.Test)
	bytes := size.Product(8, n, s.shape().Len()+3) // with target, index and weight
	if left, ok := memoryLeft(); ok && bytes > left.Left {
		return strict.Field("interior", "%d points, with those of boundary, valid_points and test_points, take about %s of memory, and %s leaves %s; use fewer", n, size.Bytes(bytes), left.Name, size.Bytes(left.Left))
	}
	return nil
}

// Residuals returns the network of the equation's residuals for a network of u.
func (s EquationSet) Residuals(u *nn.Net) (*nn.Net, error) {
	return u.Differentiate(s.Jet(), s.Operator)
}

// Omega sets omega to the weights by which each part of a batch of points counts as its mean:
// m over the number of points of the part.
func (s EquationSet) Omega(omega []float64, part func(i int) int) {
	var count [2]int
	for i := range omega {
		count[part(i)]++
	}
	for i := range omega {
		omega[i] = float64(len(omega)) / float64(count[part(i)])
	}
}

// refuseCommon returns an error about a setting that sets of examples have and equations not.
func (c Common) refuseCommon() error {
	for _, o := range []struct {
		key, instead string
		given        bool
	}{
		{"train_limit", "interior and boundary say how many points there are", c.TrainLimit != 0},
		{"test_limit", "test_points says how many there are", c.TestLimit != 0},
		{"validation", "valid_points says how many points there are to validate on", c.Validation != 0},
		{"test", "test_points says how many there are", c.Test != nil},
		{"split_seed", "points are drawn from the seed of each run", c.SplitSeed != SplitSeed{}},
		{"binary", "there are no classes", c.Binary != nil},
		{"augment", "there are no images", c.Augment != nil},
		{"target", "their right-hand sides are the targets", bool(c.Target)},
		{"dir", "there are no files", c.Dir != ""},
	} {
		if o.given {
			return strict.Field(o.key, "does not apply to equations: %s", o.instead)
		}
	}
	return nil
}

// prepareEquation is [Prepare] of an equation, which is never standardised.
func prepareEquation(raw *Raw, c Common, enc Encoding) (*Set, error) {
	if err := c.refuseCommon(); err != nil {
		return nil, err
	}
	if enc != Values {
		return nil, fmt.Errorf("the residuals of an equation are numbers, but the loss takes classes or probabilities; use the loss squared or huber")
	}
	s := &Set{Shape: raw.points.set.shape(), Outputs: 1, TargetScale: []float64{1}, Equation: &raw.points.set, Reading: raw.Reading}
	s.take(raw.points)
	return s, nil
}
