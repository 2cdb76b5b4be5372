package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "npz", Doc: "NumPy arrays x and y in an .npz file"},
		NPZ{}, func(s NPZ) (Source, error) { return s, nil })
}

// NPZ is a user's arrays: x, n x features or n x C x H x W, and y, integer
// labels of length n or float targets n or n x k.
type NPZ struct {
	Path     string `yaml:"path" doc:"file, relative to the data folder"`
	TestPath string `yaml:"test_path" doc:"file with the test part; none: data.test splits"`
}

var _ Source = NPZ{}

func (s NPZ) Describe() Description { return Description{OwnTest: s.TestPath != ""} }

func (s NPZ) Open(env Env, _ Encoding) (*Raw, error) {
	if s.Path == "" {
		return nil, strict.Field("path", "is missing: it names the file, relative to %s", env.Dir)
	}
	raw := &Raw{Checksums: map[string]string{}}
	var err error
	if raw.Train, err = s.read(env, s.Path, raw); err != nil || s.TestPath == "" {
		return raw, err
	}
	if raw.Test, err = s.read(env, s.TestPath, raw); err != nil {
		return nil, err
	}
	a, b := raw.Train, raw.Test
	if a.Shape != b.Shape || a.K != b.K || (a.Labels == nil) != (b.Labels == nil) {
		return nil, damagedf(s.TestPath, "has examples of shape %s and %d targets, %s has %s and %d", b.Shape, b.K, s.Path, a.Shape, a.K)
	}
	return raw, nil
}

func (s NPZ) read(env Env, path string, raw *Raw) (*Examples, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	b, err := readUserFile(env, "npz", path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	raw.Checksums[filepath.Base(path)] = hex.EncodeToString(sum[:])
	e, classes, err := parseNPZ(path, b)
	for len(raw.Classes) < classes {
		raw.Classes = append(raw.Classes, fmt.Sprint(len(raw.Classes)))
	}
	return e, err
}

// maxNumbers bounds the numbers of one array of a data set: 4 GiB as float64.
const maxNumbers = 1 << 29

// dataArray refuses, before they are read, arrays that no data set has.
func dataArray(h arrays.Header) error {
	switch {
	case !slices.Contains([]string{"x", "y", "omega"}, h.Name):
		return fmt.Errorf("array %.60q is unknown; a data set has the arrays x and y", h.Name)
	case h.Len() > maxNumbers:
		return fmt.Errorf("array %q has shape %v, %d numbers; at most %d are read", h.Name, h.Shape, h.Len(), maxNumbers)
	}
	return nil
}

// parseNPZ returns the examples in an .npz file, and the number of classes that
// its labels tell of.
func parseNPZ(file string, b []byte) (e *Examples, classes int, err error) {
	list, err := arrays.ReadNPZ(bytes.NewReader(b), int64(len(b)), dataArray)
	if err != nil {
		return nil, 0, damagedf(file, "%v", err)
	}
	var x, y *arrays.Array
	for i, a := range list {
		switch a.Name {
		case "x":
			x = &list[i]
		case "y":
			y = &list[i]
		default:
			return nil, 0, damagedf(file, "array %q is unknown; a data set has the arrays x and y", a.Name)
		}
	}
	if x == nil || y == nil {
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
	if len(y.Shape) == 0 || len(y.Shape) > 2 || y.Shape[0] != n {
		return nil, 0, damagedf(file, "y has shape %v; expected [%d], or [%d k] for k targets", y.Shape, n, n)
	}
	e.Values = x.Float64s()
	if err := finite(file, "x", e.Values); err != nil {
		return nil, 0, err
	}
	if !y.IsInt() {
		e.Targets = y.Float64s()
		e.K = len(e.Targets) / n
		if e.K == 0 {
			return nil, 0, damagedf(file, "y is empty, with shape %v", y.Shape)
		}
		return e, 0, finite(file, "y", e.Targets)
	}
	if y.Len() != n {
		return nil, 0, damagedf(file, "y holds integers, so labels, of shape %v; expected one for each of %d examples", y.Shape, n)
	}
	for i, l := range y.Ints() {
		if l < 0 || l > 1<<20 {
			return nil, 0, damagedf(file, "label %d of example %d is out of range; labels count from 0", l, i)
		}
		e.Labels = append(e.Labels, int(l))
		classes = max(classes, int(l)+1)
	}
	return e, classes, nil
}

func finite(file, name string, v []float64) error {
	for i, f := range v {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return damagedf(file, "element %d of %s is %g, not a finite number", i, name, f)
		}
	}
	return nil
}
