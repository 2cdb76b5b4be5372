package datasets

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/dualgn/dgn/pkg/strict"
)

// TestSources is the conformance suite: it opens every registered set, with every trial
// setting, that needs no files, and knows none by name.
func TestSources(t *testing.T) {
	opened := 0
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			s, err := trial()
			if err != nil {
				continue // an option that has no default
			}
			open := func() (*Raw, error) { return s.Open(Env{Dir: t.TempDir(), Offline: true}, Values) }
			raw, err := open()
			if !s.Describe().Embedded && (errors.As(err, new(*MissingError)) || errors.As(err, new(*strict.FieldError))) {
				continue // its files are elsewhere, or not named
			}
			opened++
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				if err != nil {
					t.Fatal(err)
				}
				if again, err := open(); err != nil || !reflect.DeepEqual(again, raw) {
					t.Errorf("another set is opened the second time: %v", err)
				}
				checkRaw(t, raw)
				checkDescription(t, s.Describe(), raw)
				encodings := []Encoding{Values}
				switch len(raw.Classes) {
				case 0:
				case 2:
					encodings = append(encodings, OneHot, PlusMinus)
				default:
					encodings = append(encodings, OneHot)
				}
				if len(raw.Classes) == 2 {
					encodings = append(encodings, Probabilities)
				}
				for _, enc := range encodings {
					checkPrepared(t, raw, Defaults(), enc)
				}
				echo := Defaults()
				echo.Target = true
				if raw.points != nil { // an equation has targets of its own
					if _, err := Prepare(raw, echo, Values); err == nil {
						t.Error("an equation takes the target input")
					}
					return
				}
				checkPrepared(t, raw, echo, Values)
				if raw.Train.Pixels != nil {
					checkPrepared(t, raw, echo, Probabilities)
				}
			})
		}
	}
	if opened == 0 {
		t.Error("no set was opened")
	}
}

// checkRaw: the parts of a set are as long as they say, and hold what they may.
func checkRaw(t *testing.T, raw *Raw) {
	for part, e := range map[string]*Examples{"train": raw.Train, "test": raw.Test} {
		if e == nil {
			if part == "train" {
				t.Fatal("there is no training part")
			}
			continue
		}
		n, numbers := e.Len(), e.Len()*e.Shape.Len()
		if n == 0 || e.Shape != raw.Train.Shape || len(e.Pixels)+len(e.Values) != numbers || e.Pixels != nil && e.Values != nil {
			t.Errorf("%s: %d examples of shape %v, %d pixels, %d values", part, n, e.Shape, len(e.Pixels), len(e.Values))
		}
		if classes := raw.Classes != nil; classes != (e.Labels != nil) || classes == (e.Targets != nil) || len(e.Targets) != n*e.K {
			t.Errorf("%s: %d classes, %d labels, %d targets, %d of an example", part, len(raw.Classes), len(e.Labels), len(e.Targets), e.K)
		}
		if slices.ContainsFunc(e.Labels, func(l int) bool { return l < 0 || l >= len(raw.Classes) }) {
			t.Errorf("%s: a label is no class", part)
		}
		if slices.ContainsFunc(slices.Concat(e.Values, e.Targets), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			t.Errorf("%s: a number is not finite", part)
		}
		if e.Omega != nil && (len(e.Omega) != n || allZero(e.Omega) || slices.ContainsFunc(e.Omega, func(w float64) bool { return !(w >= 0) || math.IsInf(w, 0) })) {
			t.Errorf("%s: weights that cannot be", part)
		}
	}
}

// checkDescription: what is known in advance is so.
func checkDescription(t *testing.T, d Description, raw *Raw) {
	test := 0
	if raw.Test != nil {
		test = raw.Test.Len()
	}
	if !d.Embedded || len(d.Files) > 0 || d.Shape.Len() != 0 && d.Shape != raw.Train.Shape || d.Classes != 0 && d.Classes != len(raw.Classes) ||
		d.Targets != 0 && d.Targets != raw.Train.K || d.Train != 0 && d.Train != raw.Train.Len() || d.Test != test || d.OwnTest != (test > 0) {
		t.Errorf("described as %+v", d)
	}
}

// checkPrepared: the set can be made ready, and its examples are finite in float32.
func checkPrepared(t *testing.T, raw *Raw, c Common, enc Encoding) {
	p, err := Prepare(raw, c, enc)
	if err != nil {
		t.Fatal(err)
	}
	if p.TooLarge != "" {
		t.Error(p.TooLarge)
	}
	for _, s := range []*Split{p.Train, p.Test} {
		x, y := read[float32](s, nil)
		if y.Cols != p.Outputs || slices.ContainsFunc(x.Flat(), func(v float32) bool { return v-v != 0 }) || slices.ContainsFunc(y.Flat(), func(v float64) bool { return v-v != 0 }) {
			t.Errorf("encoding %d: %d outputs, or a number that is not finite", enc, y.Cols)
		}
		if c.Target && (y.Cols != p.Shape.Len() || len(p.TargetScale) != y.Cols || p.Classes != 0) {
			t.Errorf("inputs of shape %v are their own targets, of length %d, in units of %d numbers, with %d classes", p.Shape, y.Cols, len(p.TargetScale), p.Classes)
		}
		if enc == Probabilities && p.Classes == 0 && slices.ContainsFunc(y.Flat(), outsideUnit) {
			t.Error("a target is outside [0, 1]")
		}
	}
}
