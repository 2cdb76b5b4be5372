package datasets

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Common are the settings of every data set.
type Common struct {
	Dir         string      `yaml:"dir" doc:"root that holds the sets' folders; default $DGN_DATA_DIR, then the user's cache folder"`
	TrainLimit  int         `yaml:"train_limit" doc:"only the first so many training examples; 0: all"`
	TestLimit   int         `yaml:"test_limit" doc:"only the first so many test examples; 0: all"`
	Validation  float64     `yaml:"validation" doc:"fraction of the training part held out"`
	Test        *float64    `yaml:"test,omitempty" doc:"fraction held out, of sets without a test part; default 0.2"`
	SplitSeed   SplitSeed   `yaml:"split_seed" doc:"chance of every split: a number, or seed for the seed of the run"`
	Binary      Labels      `yaml:"binary,omitempty,flow" doc:"labels, as the file writes them or by name, that become class 1, the rest class 0"`
	Standardize bool        `yaml:"standardize" doc:"shift and scale inputs and regression targets by training statistics; without, pixels are divided by that of white"`
	Target      InputTarget `yaml:"target,omitempty" doc:"input: the target of each example is its input, as the network sees it; under binary_logistic as it is in the data, pixels divided by that of white"`
	Augment     *Augment    `yaml:"augment,omitempty,flow" doc:"of training images, as in {crop: 4, flip: true}; none by default"`
}

// A SplitSeed is the chance of every split: a number, or the seed of each run, by which
// splits vary from seed to seed.
type SplitSeed struct {
	Value uint64
	OfRun bool
}

// splitByRun is how a config says that splits follow the seeds of runs.
const splitByRun = "seed"

// UnmarshalStrict reads a number or "seed".
func (s *SplitSeed) UnmarshalStrict(v strict.Value) error {
	*s = SplitSeed{}
	if text, ok := v.Text(); ok {
		if text != splitByRun {
			return v.Errorf("expected a whole number, or %s for the seed of each run, got %q", splitByRun, text)
		}
		s.OfRun = true
		return nil
	}
	return v.Decode(&s.Value)
}

// MarshalYAML returns what UnmarshalStrict reads.
func (s SplitSeed) MarshalYAML() (any, error) {
	if s.OfRun {
		return splitByRun, nil
	}
	return s.Value, nil
}

// Defaults returns the settings of a config that says nothing.
func Defaults() Common { return Common{Standardize: true} }

// defaultTest is the fraction held out of sets without a test part.
const defaultTest = 0.2

// An Encoding is how targets become vectors of length k.
type Encoding int

const (
	OneHot        Encoding = iota // k classes
	PlusMinus                     // two classes, k = 1: -1 and +1
	Values                        // k numbers; classes become one-hot
	Probabilities                 // k numbers in [0, 1], as they are; or two classes, k = 1: -1 and +1
)

// A Set is a data set made ready: split, standardised, encoded.
type Set struct {
	Train, Valid, Test *Split // Valid is nil unless asked for
	Shape              tensor.Shape
	Outputs            int       // k
	Classes            int       // 0 for regression
	TargetScale        []float64 // deviation of each regression target, in its own unit
	Augment            *Augment  // of training images; nil for none
	Notes              []string  // what users should know of what was done
	Warnings           []string  // what users should look into

	// TooLarge says which number float32 cannot hold, "" if there is none.
	TooLarge string

	// Reading is that of [Raw], and how settings were understood where versions of
	// the program differ.
	Reading map[string]string

	Equation *EquationSet // whose points these are; nil: the set is of examples
	points   *drawing     // they, as one run has them
}

// random streams of the splits.
const (
	streamTest = iota + 1
	streamValidation
)

// Prepare splits and standardises: the test part first, then limits, then the
// validation part, and statistics from what remains for training.
func Prepare(raw *Raw, c Common, enc Encoding) (*Set, error) {
	if raw.points != nil {
		return prepareEquation(raw, c, enc)
	}
	train, test := parts{raw.Train, upTo(raw.Train.Len())}, parts{}
	switch {
	case raw.Test != nil && c.Test != nil:
		return nil, strict.Field("test", "does not apply: the set has a test part of its own, of %d examples", raw.Test.Len())
	case raw.Test != nil:
		test = parts{raw.Test, upTo(raw.Test.Len())}
	default:
		fraction := defaultTest
		if c.Test != nil {
			fraction = *c.Test
		}
		if !(fraction > 0 && fraction < 1) {
			return nil, strict.Field("test", "must be a fraction between 0 and 1, got %g", fraction)
		}
		test.from = raw.Train
		train.index, test.index = holdOut(train.index, fraction, c.SplitSeed.Value, streamTest)
	}
	var err error
	if train.index, err = limit("train_limit", train.index, c.TrainLimit); err != nil {
		return nil, err
	}
	if test.index, err = limit("test_limit", test.index, c.TestLimit); err != nil {
		return nil, err
	}
	if !(c.Validation >= 0 && c.Validation < 1) {
		return nil, strict.Field("validation", "must be 0 or a fraction below 1, got %g", c.Validation)
	}
	valid := parts{from: raw.Train}
	train.index, valid.index = holdOut(train.index, c.Validation, c.SplitSeed.Value, streamValidation)
	if c.Validation > 0 && len(valid.index) == 0 {
		return nil, strict.Field("validation", "%g of %d examples is none", c.Validation, len(train.index))
	}
	if len(train.index) == 0 || len(test.index) == 0 {
		return nil, fmt.Errorf("%d examples are left to train on and %d to test on; both need some", len(train.index), len(test.index))
	}

	if err := c.Augment.check(raw.Train.Shape); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		what string
		parts
	}{{"train on", train}, {"validate on", valid}, {"test on", test}} {
		if w := part.from.weights(part.index); w != nil && allZero(w) {
			return nil, fmt.Errorf("the weights of all %d examples to %s are 0; some must count", len(w), part.what)
		}
	}
	p := &Set{Shape: raw.Train.Shape, Augment: c.Augment, Notes: slices.Clone(raw.Notes), Warnings: raw.Warnings, Reading: map[string]string{}}
	maps.Copy(p.Reading, raw.Reading)
	in, err := identityTransform(raw.Train), error(nil)
	if c.Standardize {
		if in, err = standardization(train); err != nil {
			return nil, err
		}
	} else if w := raw.Train.White; w != 0 {
		p.Reading["white"] = fmt.Sprint(w)
	}
	e, err := newEncoder(raw, c, enc, train, in, p.Reading)
	if err != nil {
		return nil, err
	}
	p.Outputs, p.Classes = e.k, e.classes
	for _, s := range e.scaling {
		p.TargetScale = append(p.TargetScale, s.deviation())
	}
	if e.echo != nil {
		p.Notes = append(p.Notes, e.echo.note(enc, raw.Train.Pixels != nil, c.Standardize))
	}
	if slices.ContainsFunc(slices.Concat(in.groups, e.scaling), scaling.ranged) {
		p.Reading["standardize"] = "relative to the range"
	}
	if n := in.constants(); n != "" {
		p.Notes = append(p.Notes, "constant in the training part, so set to 0: "+n)
	}
	p.Train, p.Test = newSplit(train, in, e), newSplit(test, in, e)
	if len(valid.index) > 0 {
		p.Valid = newSplit(valid, in, e)
	}
	p.TooLarge = cmp.Or(p.Train.tooLarge("train"), p.Valid.tooLarge("validate"), p.Test.tooLarge("test"))
	return p, nil
}

// parts are some of a list of examples.
type parts struct {
	from  *Examples
	index []int
}

func upTo(n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return index
}

// holdOut splits index at random; the held-out part is rounded to the nearest
// whole number. Both parts keep the order of index.
func holdOut(index []int, fraction float64, seed, stream uint64) (rest, held []int) {
	n := int(fraction*float64(len(index)) + 0.5)
	perm := rand.New(rand.NewPCG(seed, stream)).Perm(len(index))
	out := make([]bool, len(index))
	for _, i := range perm[:n] {
		out[i] = true
	}
	for i, v := range index {
		if out[i] {
			held = append(held, v)
		} else {
			rest = append(rest, v)
		}
	}
	return rest, held
}

func limit(key string, index []int, n int) ([]int, error) {
	switch {
	case n < 0:
		return nil, strict.Field(key, "must be 0 (all) or a number of examples, got %d", n)
	case n > len(index):
		return nil, strict.Field(key, "is %d, but there are only %d examples", n, len(index))
	case n > 0:
		return index[:n], nil
	}
	return index, nil
}

// weights returns the weights of some examples, nil if there are none.
func (e *Examples) weights(index []int) (w []float64) {
	if e == nil || e.Omega == nil {
		return nil
	}
	for _, i := range index {
		w = append(w, e.Omega[i])
	}
	return w
}

func unknownSet(name string) error {
	return fmt.Errorf("unknown data set %q%s", name, strict.Suggest(name, Known.Names()))
}

func joinInts(v []int) string {
	s := make([]string, len(v))
	for i, x := range v {
		s[i] = fmt.Sprint(x)
	}
	return strings.Join(s, ", ")
}
