package config

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// A Study is a config whose sweep is laid out in points.
type Study struct {
	Config *Config // without the swept settings
	Points []Point // by method, in the order of the axes

	text []byte // of the file, with what flags changed; nil: that of Config
}

// YAML is a config that makes the same points, whatever becomes of the file: that file with what
// flags changed in it. Values that are swept over may need it as it was: with the settings of a
// model filled in, no other model can take its place.
func (s *Study) YAML() ([]byte, error) {
	if s.text == nil {
		return s.Config.YAML()
	}
	return s.text, nil
}

// A Point is one method with one choice of the swept settings that concern it.
type Point struct {
	Config *Config // with that method alone
	Method int     // its position in the study's config
	Varied runlog.Varied
}

// Plain returns the study of a config that is not swept over: a point for each method.
func (c *Config) Plain() *Study {
	s := &Study{Config: c}
	for i := range c.Methods {
		s.Points = append(s.Points, Point{Config: c.Of(i), Method: i})
	}
	return s
}

// maxPoints bounds the points of a method: more are a mistake, and take long to
// find that out.
const maxPoints = 10_000

// LoadSweep is Load for a config that is swept over, by its section sweep and by
// the flags. All points are decoded and validated.
func LoadSweep(path string, sets []string, flags SweepFlags) (*Study, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return ParseSweep(path, data, sets, flags)
}

// ParseSweep is LoadSweep for a file already read.
func ParseSweep(path string, data []byte, sets []string, flags SweepFlags) (*Study, error) {
	doc, err := parseDoc(path, data, sets)
	if err != nil {
		return nil, err
	}
	c, err := decodeDoc(doc, wholeExperiment)
	if err != nil {
		return nil, err
	}
	if c.Tune != nil {
		return nil, Errorf("%s: the config has a section tune, which dgn sweep would ignore; use dgn tune, or take the section out", strict.Plain(path))
	}
	if c.Sweep == nil {
		c.Sweep = &Sweep{}
	}
	if err := c.Sweep.add(flags); err != nil {
		return nil, &Error{err}
	}
	if err := c.Sweep.check(); err != nil {
		return nil, &Error{err}
	}
	axes, err := c.Sweep.axes()
	if err != nil {
		return nil, &Error{err}
	}
	doc.Drop("sweep")
	s := &Study{Config: c}
	if s.text, err = withSweep(doc, c.Sweep); err != nil {
		return nil, err
	}
	if err := s.layOut(doc, axes); err != nil {
		return nil, &Error{err}
	}
	return s, nil
}

// withSweep is the text of a document with another sweep.
func withSweep(doc *strict.Doc, s *Sweep) ([]byte, error) {
	sweep, err := yaml.Marshal(s)
	if err != nil {
		return nil, err
	}
	doc = doc.Clone()
	if err := doc.Set("sweep", string(sweep)); err != nil {
		return nil, err
	}
	return doc.YAML()
}

// Only returns the study with the points of some methods alone. An unknown one is an
// [Error].
func (s *Study) Only(methods []string) (*Study, error) {
	var names []string
	for _, m := range s.Config.Methods {
		names = append(names, m.Name)
	}
	for _, m := range methods {
		if !slices.Contains(names, m) {
			return nil, Errorf("there is no method %s%s", strict.Quote(m), strict.Suggest(m, names))
		}
	}
	part := &Study{Config: s.Config, text: s.text}
	for _, p := range s.Points {
		if slices.Contains(methods, names[p.Method]) {
			part.Points = append(part.Points, p)
		}
	}
	return part, nil
}

// Describe prints how many settings there are of each method.
func (s *Study) Describe(w io.Writer) error {
	n := make([]int, len(s.Config.Methods))
	for _, p := range s.Points {
		n[p.Method]++
	}
	var parts []string
	for i, m := range s.Config.Methods {
		parts = append(parts, fmt.Sprintf("%d of %s", n[i], m.Name))
	}
	_, err := fmt.Fprintf(w, "sweep: settings: %s; x %d seeds: %d runs (dgn sweep --dry-run lists them)\n",
		strings.Join(parts, ", "), len(s.Config.Seeds), len(s.Points)*len(s.Config.Seeds))
	return err
}

// An address is what a swept key is of.
type address struct {
	methods  []int  // nil: the problem, and so every method
	relative string // the key inside the method, or the whole key
}

func (t address) concerns(method int) bool {
	return t.methods == nil || slices.Contains(t.methods, method)
}

// addressOf finds out what a key is of, and refuses what cannot be swept.
func addressOf(key string, doc *strict.Doc) (address, error) {
	head, rest, _ := strings.Cut(key, ".")
	why := ""
	switch {
	case head == "seeds":
		why = "every point is run from all seeds of the config; set seeds instead"
	case head == "name":
		why = "all points go to one results folder"
	case head == "sweep":
		why = "a sweep does not sweep over itself"
	case key == "methods":
		why = "the methods of a config are compared anyway; sweep over keys of a method, as methods.NAME.oracle.gamma, or of all, as methods.*.optimizer.learning_rate"
	}
	if why != "" {
		return address{}, fmt.Errorf("%s cannot be swept: %s", key, why)
	}
	if head != "methods" {
		return address{relative: key}, nil
	}
	list, _ := doc.Root().Lookup("methods")
	methods, relative, err := list.Elements(rest)
	if err != nil {
		return address{}, fmt.Errorf("%s: %w", key, err)
	}
	if first, _, _ := strings.Cut(relative, "."); first == "" || first == "name" {
		return address{}, fmt.Errorf("%s cannot be swept: a method keeps its name; sweep over keys below it, as methods.NAME.oracle.gamma", key)
	}
	return address{methods, relative}, nil
}

// maxRuns bounds the runs of a sweep, each of which takes some kilobytes to plan.
const maxRuns = 1_000_000

// layOut makes the points of every method. Only the axes that concern a method
// multiply its points.
func (s *Study) layOut(doc *strict.Doc, axes []axis) error {
	var all strict.Complaints
	addresses := map[string]address{}
	for _, a := range axes {
		for _, k := range a.keys {
			t, err := addressOf(k.name, doc)
			if err != nil {
				all.Add(fmt.Errorf("%s: %w", k.where, err))
			}
			addresses[k.name] = t
		}
	}
	if err := all.Err(); err != nil {
		return err
	}
	for i, m := range s.Config.Methods {
		own := concerning(axes, func(key string) bool { return addresses[key].concerns(i) })
		if err := twice(own, addresses, m.Name); err != nil {
			all.Add(err)
			continue
		}
		if count(own, maxPoints) > maxPoints {
			return fmt.Errorf("the sweep has more than %d points for the method %s; leave out values, or draw samples of random keys instead", maxPoints, m.Name)
		}
		for p := range points(own) {
			point, err := pointOf(doc, i, p, func(key string) string { return addresses[key].relative })
			all.Add(err)
			s.Points = append(s.Points, point)
		}
	}
	if n, seeds := len(s.Points), len(s.Config.Seeds); n > 0 && seeds > maxRuns/n {
		all.Add(fmt.Errorf("the sweep has %d points with %d seeds each, more than %d runs; leave out values or seeds", n, seeds, maxRuns))
	}
	return all.Err()
}

// twice finds a key that two axes, or one axis twice, give values to.
func twice(axes []axis, addresses map[string]address, method string) error {
	seen := map[string]sweptKey{}
	for _, a := range axes {
		for _, k := range a.keys {
			relative := addresses[k.name].relative
			if first, dup := seen[relative]; dup {
				return fmt.Errorf("%s: %s is swept twice for the method %s: also by %s", k.where, k.name, method, first.where)
			}
			seen[relative] = k
		}
	}
	return nil
}

// pointOf decodes the config of a method with some settings, whose keys in the method
// relative tells.
func pointOf(doc *strict.Doc, method int, settings []assignment, relative func(key string) string) (Point, error) {
	p := Point{Method: method}
	d := doc.Clone()
	for _, a := range settings {
		if err := d.Assign(a.key, a.value); err != nil {
			return p, err
		}
	}
	d.Only("methods", method)
	c, err := decodeDoc(d, wholeExperiment)
	if err != nil {
		return p, err
	}
	for _, a := range settings {
		v, err := runlog.NewSetting(relative(a.key), a.value)
		if err != nil {
			return p, err
		}
		p.Varied = append(p.Varied, v)
	}
	p.Config = c.Of(0)
	return p, nil
}
