package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Probe compares oracles along the trajectory of a method. At step 1, and at the last
// step of each interval, every one of them is called on the weights, the mini-batch and the
// gamma of the method's own oracle, which alone steps.
type Probe struct {
	Every   Every          `yaml:"every" doc:"when, beside step 1: epoch, or a number of steps"`
	Calls   int            `yaml:"calls" doc:"calls of each oracle with each budget, of whose times the median is recorded"`
	Oracles []ProbedOracle `yaml:"oracles" doc:"a name and the oracle's options each; those left out are those of the method's oracle"`

	at    strict.Value   // where it was written; zero, if made in Go
	given []strict.Value // the oracles as they were written, until the method's own is known
}

// A ProbedOracle is an oracle that a [Probe] calls.
type ProbedOracle struct {
	Name string
	Oracle
}

// DefaultProbe has the default values.
func DefaultProbe() Probe { return Probe{Calls: 3} }

// MarshalYAML puts the name and the options in one mapping.
func (o ProbedOracle) MarshalYAML() (any, error) {
	m := o.Mapping()
	m.Options = append([]any{named{o.Name}}, m.Options...)
	return m, nil
}

// named is the name of a probed oracle, beside its options.
type named struct {
	Name string `yaml:"name"`
}

// UnmarshalStrict leaves the oracles to [Probe.resolve].
func (p *Probe) UnmarshalStrict(v strict.Value) error {
	given := struct {
		Every   Every          `yaml:"every"`
		Calls   int            `yaml:"calls"`
		Oracles []strict.Value `yaml:"oracles"`
	}{Calls: DefaultProbe().Calls}
	if err := v.Decode(&given); err != nil {
		return err
	}
	*p = Probe{Every: given.Every, Calls: given.Calls, at: v, given: given.Oracles}
	return nil
}

// resolve decodes the oracles beside that of the method, which is also given as it was
// written. Its warm_start is not taken over, see [oracles.Cold], nor its gram: each solver has
// the way to multiply by K that suits it; nor its acceleration, which is no part of directions.
func (p *Probe) resolve(oracle Oracle, method strict.Value) error {
	if err := p.checkMethod(oracle); err != nil {
		return err
	}
	var errs []error
	for _, v := range p.given {
		if !v.IsMapping() {
			errs = append(errs, v.Errorf("expected a mapping with a name and what differs from the method's oracle, as in {name: primal, formulation: primal}"))
			continue
		}
		if _, short := method.Text(); short {
			v = v.With("kind", method)
		}
		for _, key := range method.Keys() {
			if own, _ := method.Lookup(key); !slices.Contains([]string{"warm_start", "gram", "acceleration"}, key) && !unlike(v, method) {
				v = v.With(key, own)
			}
		}
		var name named
		choice, err := oracles.Known.Decode(v, &name)
		errs = append(errs, err)
		p.Oracles = append(p.Oracles, ProbedOracle{name.Name, Oracle{choice}})
	}
	return errors.Join(errs...)
}

// unlike reports whether an oracle is written as one of another kind, which is refused
// and would not know the options.
func unlike(v, method strict.Value) bool {
	a, _ := v.Lookup("kind")
	b, _ := method.Lookup("kind")
	x, given := a.Text()
	y, _ := b.Text()
	return given && x != y
}

// bad returns a complaint about a key of the section.
func (p *Probe) bad(key, format string, args ...any) error {
	switch {
	case p.at.IsZero():
		return strict.Field(join("probe", key), format, args...)
	case key == "":
		return p.at.Errorf(format, args...)
	}
	return p.at.Locate(strict.Field(key, format, args...))
}

// badOracle gives an error about the i-th oracle its place.
func (p *Probe) badOracle(i int, err error) error {
	if err == nil || !p.at.IsZero() {
		return p.Oracles[i].At.Locate(err)
	}
	return fmt.Errorf("probe.oracles[%d]: %w", i, err)
}

const (
	maxCalls     = 100
	maxProbeName = 100 // bytes
)

// checkMethod refuses methods along which there is nothing to compare.
func (p *Probe) checkMethod(method Oracle) error {
	if err := oracles.Comparable(method.Must(), method.Must()); err != nil {
		return p.bad("", "cannot compare solvers along this method: %v", err)
	}
	return nil
}

// check finds what is wrong with the section of a method that has this oracle.
func (p *Probe) check(method Oracle) error {
	var errs []error
	if e := p.Every; e.Cost > 0 || e.Seconds > 0 || e.Geometric > 0 {
		errs = append(errs, p.bad("every", "must be \"epoch\" or a number of steps: whether a step is the last of an interval must be known when it begins"))
	}
	p.Every.check(func(format string, args ...any) { errs = append(errs, p.bad("every", format, args...)) })
	if p.Calls < 1 || p.Calls > maxCalls {
		errs = append(errs, p.bad("calls", "must be a number of calls from 1 to %d, got %d", maxCalls, p.Calls))
	}
	if err := p.checkMethod(method); err != nil {
		return errors.Join(append(errs, err)...)
	}
	if len(p.Oracles) == 0 {
		errs = append(errs, p.bad("oracles", "is missing or empty; list the oracles to compare, as in - {name: exact, solver: cholesky}; {name: NAME} alone is the method's own"))
	}
	seen := map[string]bool{}
	for i, o := range p.Oracles {
		var err error
		switch wrong := printable(o.Name); {
		case o.IsZero():
			err = errors.New("there is no oracle")
		case o.Name == "":
			err = errors.New("the key \"name\" is missing: it labels the oracle's curve")
		case wrong != "":
			err = strict.Field("name", "%s", wrong)
		case len(o.Name) > maxProbeName:
			err = strict.Field("name", "%s takes %d bytes; at most %d fit beside a figure", strict.Quote(o.Name), len(o.Name), maxProbeName)
		case seen[o.Name]:
			err = strict.Field("name", "two oracles are called %s", strict.Quote(o.Name))
		default:
			err = errors.Join(oracles.Cold(o.Must()), oracles.Comparable(method.Must(), o.Must()))
			if oracles.Accelerates(o.Must()) {
				err = errors.Join(err, strict.Field("acceleration", "must be none: directions are compared, and it would take time that is not theirs; leave the key out"))
			}
		}
		seen[o.Name] = true
		errs = append(errs, p.badOracle(i, err))
	}
	return errors.Join(errs...)
}

// checkLoss refuses oracles that do not serve a loss.
func (p *Probe) checkLoss(l losses.Loss) (errs []error) {
	for i, o := range p.Oracles {
		if !o.IsZero() {
			errs = append(errs, p.badOracle(i, o.Must().Check(l)))
		}
	}
	return errs
}

// Fits refuses oracles, and a reference, that are too large for mini-batches of
// dimensions d.
func (p *Probe) Fits(method Oracle, l losses.Loss, d oracles.Dims) error {
	for i, o := range p.Oracles {
		if err := p.badOracle(i, o.Must().Fits(l, d)); err != nil {
			return err
		}
	}
	if err := oracles.Exact(method.Must(), l, d).Fits(l, d); err != nil {
		return p.bad("", "the exact direction, which the oracles are compared with, is out of reach: %v", err)
	}
	return nil
}
