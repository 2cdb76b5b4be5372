package datasets

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "npz", Doc: "NumPy arrays x, y and perhaps omega in an .npz file"},
		NPZ{Task: auto}, func(s NPZ) (Source, error) { return s, s.Task.check() })
}

// NPZ is a user's arrays: x, n x features or n x C x H x W; y, integer labels of
// length n or float targets n or n x k; and perhaps omega, n weights.
type NPZ struct {
	Path     string `yaml:"path" doc:"file, relative to the data folder"`
	TestPath string `yaml:"test_path" doc:"file with the test part; none: data.test splits"`
	Task     Task   `yaml:"task,omitempty" doc:"classification, regression, or auto: labels if y holds integers, unless these look like numbers to predict"`
}

var _ Source = NPZ{}

func (s NPZ) Describe() Description { return Description{OwnTest: s.TestPath != ""} }

func (s NPZ) Open(env Env, enc Encoding) (*Raw, error) {
	if s.Path == "" {
		return nil, strict.Field("path", "is missing: it names the file, relative to %s", env.Dir)
	}
	raw := newRaw()
	classes, err := 0, error(nil)
	if raw.Train, classes, err = s.read(env, s.Path, enc, raw); err != nil {
		return nil, err
	}
	if env.TargetInput && s.Task != auto {
		return nil, strict.Field("task", "does not apply with target: %s, which has neither labels nor other targets", targetInput)
	}
	if err := s.checkTask(raw.Train, classes, enc); err != nil {
		return nil, err
	}
	if s.TestPath != "" {
		var more int
		if raw.Test, more, err = s.read(env, s.TestPath, enc, raw); err != nil {
			return nil, err
		}
		a, b := raw.Train, raw.Test
		if a.Shape != b.Shape || a.K != b.K || (a.Labels == nil) != (b.Labels == nil) {
			return nil, damagedf(s.TestPath, "has examples of shape %s and %d targets, %s has %s and %d", b.Shape, b.K, s.Path, a.Shape, a.K)
		}
		if (a.Omega == nil) != (b.Omega == nil) {
			return nil, damagedf(s.TestPath, "and %s should both have an array omega, or neither; weights of 1 change nothing", s.Path)
		}
		classes = max(classes, more)
	}
	if classes > 0 {
		raw.Classes = classNames(classes)
		if none := raw.Train.unseen(classes); none != nil {
			raw.Notes = append(raw.Notes, fmt.Sprintf("labels are classes, counted from 0 to %d, of which the file of training examples has none of: %s", classes-1, listed(none)))
		}
	}
	return raw, nil
}

// unseen lists the classes that no example has.
func (e *Examples) unseen(classes int) (none []string) {
	seen := make([]bool, classes)
	for _, l := range e.Labels {
		seen[l] = true
	}
	for l, ok := range seen {
		if !ok {
			none = append(none, strconv.Itoa(l))
		}
	}
	return none
}

// manyClasses is the number of classes above which integers under a loss that
// takes numbers may as well be numbers to predict.
const manyClasses = 20

// checkTask asks for an option where it is not plain what integers are: a loss
// that takes numbers can serve both labels and numbers to predict.
func (s NPZ) checkTask(e *Examples, classes int, enc Encoding) error {
	if s.Task != auto || e.Labels == nil || enc != Values || classes <= manyClasses && slices.Contains(e.Labels, 0) {
		return nil
	}
	return strict.Field("task", "is needed: y of %s holds integers from %d to %d, and the loss can take them as numbers or as classes, of which there would be %d, with an output each; "+
		"set task: regression or task: classification", s.Path, slices.Min(e.Labels), slices.Max(e.Labels), classes)
}

// read returns the examples of one file and the number of classes that its
// labels tell of.
func (s NPZ) read(env Env, path string, enc Encoding, raw *Raw) (e *Examples, classes int, err error) {
	at, b, err := readUserFile(env, "npz", path)
	if err != nil {
		return nil, 0, err
	}
	raw.note(s.Path, s.TestPath, path, b)
	if e, classes, err = parseNPZ(at, b, s.Task, env.TargetInput); err == nil && enc == Probabilities && e.Labels == nil {
		if err := e.checkUnit(); err != nil {
			return nil, 0, damagedf(at, "%v", err)
		}
	}
	return e, classes, err
}

// maxNumbers bounds the numbers of one array of a data set: 4 GiB as float64.
const maxNumbers = 1 << 29

// dataArray refuses, before they are read, arrays that no data set has.
func dataArray(h arrays.Header) error {
	switch {
	case !slices.Contains([]string{"x", "y", "omega"}, h.Name):
		return fmt.Errorf("array %.60q is unknown; a data set has the arrays x and y, and perhaps omega", h.Name)
	case h.Len() > maxNumbers:
		return fmt.Errorf("array %q has shape %v, %d numbers; at most %d are read", h.Name, h.Shape, h.Len(), maxNumbers)
	}
	return nil
}

// parseNPZ returns the examples in an .npz file, and the number of classes that
// its labels tell of. With targetInput there are neither labels nor targets, and y is not
// looked at.
func parseNPZ(file string, b []byte, task Task, targetInput bool) (e *Examples, classes int, err error) {
	list, err := arrays.ReadNPZ(bytes.NewReader(b), int64(len(b)), dataArray)
	if err != nil {
		return nil, 0, notNPZ(file, b, err)
	}
	var x, y, omega *arrays.Array
	for i, a := range list {
		switch a.Name {
		case "x":
			x = &list[i]
		case "y":
			y = &list[i]
		case "omega":
			omega = &list[i]
		}
	}
	if x == nil || y == nil && !targetInput {
		return nil, 0, damagedf(file, "needs the two arrays x and y")
	}
	e = &Examples{}
	switch s := x.Shape; {
	case len(s) == 2:
		e.Shape = tensor.Shape{C: s[1], H: 1, W: 1}
	case len(s) == 4:
		e.Shape = tensor.Shape{C: s[1], H: s[2], W: s[3]}
	default:
		return nil, 0, damagedf(file, "x has shape %v; expected examples x features, or examples x channels x height x width", s)
	}
	n := x.Shape[0]
	if x.Len() == 0 {
		return nil, 0, damagedf(file, "x is empty, with shape %v", x.Shape)
	}
	if !targetInput && (len(y.Shape) == 0 || len(y.Shape) > 2 || y.Shape[0] != n) {
		return nil, 0, damagedf(file, "y has shape %v; expected [%d], or [%d k] for k targets", y.Shape, n, n)
	}
	e.Values = x.Float64s()
	if err := finite(file, "x", e.Values); err != nil {
		return nil, 0, err
	}
	if e.Omega, err = readOmega(file, omega, n); err != nil {
		return nil, 0, err
	}
	if targetInput {
		return e, 0, nil
	}
	if task == classification || task == auto && y.IsInt() {
		classes, err = e.readLabels(file, y, task)
		return e, classes, err
	}
	e.Targets = y.Float64s()
	e.K = len(e.Targets) / n
	if e.K == 0 {
		return nil, 0, damagedf(file, "y is empty, with shape %v", y.Shape)
	}
	return e, 0, finite(file, "y", e.Targets)
}

// readLabels reads y, n numbers, as labels that count from 0, and returns the
// number of classes. Floats must be whole.
func (e *Examples) readLabels(file string, y *arrays.Array, task Task) (classes int, err error) {
	n := y.Shape[0]
	if y.Len() != n {
		return 0, damagedf(file, "y holds integers, so labels, of shape %v; expected one for each of %d examples; if they are numbers to predict, set task: regression", y.Shape, n)
	}
	e.Labels = make([]int, n)
	for i, v := range y.Float64s() { // exact where it matters
		switch {
		case math.IsNaN(v):
			return 0, damagedf(file, "label %g of example %d is missing; remove the example", v, i)
		case v != math.Trunc(v):
			return 0, damagedf(file, "label %g of example %d is not a whole number; labels count from 0", v, i)
		case v < 0:
			hint := ""
			if task == auto {
				hint = "; if they are numbers to predict, set task: regression"
			}
			return 0, damagedf(file, "label %.0f of example %d is out of range; labels count from 0%s", v, i, hint)
		case v >= maxClasses:
			return 0, damagedf(file, "label %.0f of example %d is out of range: labels count from 0, and there may be %d classes; if they are numbers to predict, set task: regression", v, i, maxClasses)
		}
		e.Labels[i] = int(v)
		classes = max(classes, int(v)+1)
	}
	if classes > max(n, fewClasses) {
		return 0, damagedf(file, "label %d makes %d classes, more than the %d examples; labels count from 0, without gaps", classes-1, classes, n)
	}
	return classes, nil
}

// readOmega reads the weights of n examples, nil if there are none.
func readOmega(file string, a *arrays.Array, n int) ([]float64, error) {
	if a == nil {
		return nil, nil
	}
	if a.Len() != n || len(a.Shape) == 0 || a.Shape[0] != n {
		return nil, damagedf(file, "omega has shape %v; expected [%d], a weight for each example", a.Shape, n)
	}
	v := a.Float64s()
	if err := finite(file, "omega", v); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(v, func(w float64) bool { return w < 0 }); i >= 0 {
		return nil, damagedf(file, "element %d of omega is %g; weights are not negative", i, v[i])
	}
	if allZero(v) {
		return nil, damagedf(file, "omega is 0 throughout; some example must count")
	}
	return v, nil
}

func finite(file, name string, v []float64) error {
	for i, f := range v {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return damagedf(file, "element %d of %s is %g, not a finite number", i, name, f)
		}
	}
	return nil
}
