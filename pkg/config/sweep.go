package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
	"go.yaml.in/yaml/v3"
)

// A Sweep says which settings an experiment is made with: every combination of
// the values of each key of the grid, of the zipped keys, which go through
// their values together, and of the samples of the random keys, which are drawn
// together.
type Sweep struct {
	Grid    []Axis `yaml:"grid,omitempty"`
	Zip     []Axis `yaml:"zip,omitempty"`
	Random  []Draw `yaml:"random,omitempty"`
	Samples int    `yaml:"samples,omitempty"` // draws of the random keys
	Seed    uint64 `yaml:"seed,omitempty"`    // of the draws
}

// An Axis is a key and the values it takes.
type Axis struct {
	Key    string         `yaml:"key"`
	Values []strict.Value `yaml:"values,flow"`
	where  string
}

func (a *Axis) UnmarshalStrict(v strict.Value) error {
	type plain Axis
	p := plain{where: place(v)}
	err := v.Decode(&p)
	*a = Axis(p)
	return err
}

// place says where a value of a file stands.
func place(v strict.Value) string { return v.Where() + ": " + strict.Plain(v.Key()) }

// yamlText is a value as a config would hold it.
func yamlText(v strict.Value) []byte {
	b, err := yaml.Marshal(v)
	if err != nil {
		panic("config: a node that was parsed cannot be written: " + err.Error())
	}
	return b
}

// SweepFlags are the parts of a sweep that a command line gives. They add to
// those of the config; Samples and Seed replace its.
type SweepFlags struct {
	Grid    []string // KEY=V1,V2,...
	Zip     []string // KEY=V1,V2,...
	Random  []string // KEY=LO..HI[:log][:int] or KEY=V1,V2,...
	Samples int      // 0: not given
	Seed    *uint64  // nil: not given
}

// add adds the flags to s.
func (s *Sweep) add(f SweepFlags) error {
	var errs []error
	for _, list := range []struct {
		flag  string
		texts []string
		to    *[]Axis
	}{{"--grid", f.Grid, &s.Grid}, {"--zip", f.Zip, &s.Zip}} {
		for _, text := range list.texts {
			key, values, err := parseFlag(list.flag, text, "V1,V2,...")
			if err == nil {
				var a Axis
				a, err = newAxis(list.flag, key, values)
				*list.to = append(*list.to, a)
			}
			errs = append(errs, err)
		}
	}
	for _, text := range f.Random {
		key, values, err := parseFlag("--random", text, "LO..HI or KEY=V1,V2,...")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		d := Draw{Key: key, where: "--random " + strict.Plain(text)}
		if strings.Contains(values, "..") && !strings.Contains(values, ",") {
			d.Range = values
		} else {
			var a Axis
			a, err = newAxis("--random", key, values)
			d.Values = a.Values
		}
		s.Random, errs = append(s.Random, d), append(errs, err)
	}
	if f.Samples != 0 {
		s.Samples = f.Samples
	}
	if f.Seed != nil {
		s.Seed = *f.Seed
	}
	return errors.Join(errs...)
}

// parseFlag cuts KEY=VALUES.
func parseFlag(flag, text, form string) (key, values string, err error) {
	key, values, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return "", "", fmt.Errorf("%s %s: expected KEY=%s, as in %s train.batch_size=32,64", flag, strict.Plain(text), form, flag)
	}
	return key, values, nil
}

// newAxis reads the values of a flag; each names itself in messages.
func newAxis(flag, key, text string) (Axis, error) {
	a := Axis{Key: key, where: flag + " " + strict.Plain(key+"="+text)}
	values, err := strict.List(a.where, text)
	for _, v := range values {
		a.Values = append(a.Values, v.From(flag+" "+strict.Plain(key+"="+strings.TrimSpace(string(yamlText(v))))))
	}
	return a, err
}

// check finds what is wrong with a sweep itself; whether its keys exist, and
// take the values, shows when configs are made of them.
func (s *Sweep) check() error {
	var errs []error
	bad := func(where, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
	}
	if len(s.Grid)+len(s.Zip)+len(s.Random) == 0 {
		return fmt.Errorf("nothing is swept: give --grid KEY=V1,V2,..., --zip or --random, or a section sweep: in the config")
	}
	key := func(where, key string) {
		switch {
		case key == "":
			bad(where, "the key \"key\" is missing: it names what is swept")
		case len(key) > 4*maxFolderName || strict.Plain(key[:min(len(key), 100)]) != key[:min(len(key), 100)]:
			bad(where, "%s is the key of no setting", strict.Quote(key))
		}
	}
	for _, a := range slices.Concat(s.Grid, s.Zip) {
		key(a.where, a.Key)
		if len(a.Values) == 0 {
			bad(a.where, "there are no values to sweep over")
		}
	}
	for _, a := range s.Zip[min(1, len(s.Zip)):] {
		if first := s.Zip[0]; len(a.Values) != len(first.Values) {
			bad(a.where, "has %d values, but zipped keys take their values together, and %s has %d", len(a.Values), first.Key, len(first.Values))
		}
	}
	for _, d := range s.Random {
		key(d.where, d.Key)
		d.check(func(format string, args ...any) { bad(d.where, format, args...) })
	}
	switch {
	case s.Samples < 0 || s.Samples > maxPoints:
		bad("samples", "must be a number of draws from 1 to %d, got %d", maxPoints, s.Samples)
	case len(s.Random) > 0 && s.Samples == 0:
		bad(s.Random[0].where, "the number of samples is missing: give --samples N, or samples: N in the config's sweep")
	case len(s.Random) == 0 && s.Samples > 0:
		bad("samples", "%d samples, but no key is random; give --random KEY=LO..HI", s.Samples)
	}
	return errors.Join(errs...)
}

// axes returns the axes of a sweep that was checked: the grid's in order, then
// that of the zipped keys, then that of the random ones.
func (s *Sweep) axes() ([]axis, error) {
	var out []axis
	for _, g := range s.Grid {
		a := axis{keys: []sweptKey{{g.Key, g.where}}}
		for _, v := range g.Values {
			a.points = append(a.points, []strict.Value{v})
		}
		out = append(out, a)
	}
	joint := func(keys []sweptKey, values [][]strict.Value) {
		if len(keys) == 0 {
			return
		}
		a := axis{keys: keys}
		for i := range values[0] {
			var p []strict.Value
			for j := range keys {
				p = append(p, values[j][i])
			}
			a.points = append(a.points, p)
		}
		out = append(out, a)
	}
	var keys []sweptKey
	var values [][]strict.Value
	for _, z := range s.Zip {
		keys, values = append(keys, sweptKey{z.Key, z.where}), append(values, z.Values)
	}
	joint(keys, values)
	keys, values = nil, nil
	for _, d := range s.Random {
		v, err := d.draw(s.Seed, s.Samples)
		if err != nil {
			return nil, err
		}
		keys, values = append(keys, sweptKey{d.Key, d.where}), append(values, v)
	}
	joint(keys, values)
	return out, nil
}
