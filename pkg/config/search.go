package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Search is a config whose trials are laid out.
type Search struct {
	Config *Config // with the seeds that results are reported of
	Trials *Study  // every method's, from the seeds of the search

	Notes []string // what users should know of it

	doc     *strict.Doc
	choices [][]choice // by trial: what it is set to
}

// A choice is a setting of a trial.
type choice struct {
	assignment           // to the method that it is of
	of         Draw      // what it was drawn from; its key is that in the method
	tried      []float64 // all numbers that the method's trials have here; nil: it is no number
}

// LoadSearch reads a config with a section tune, as [Load] does.
func LoadSearch(path string, sets []string) (*Search, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return ParseSearch(path, data, sets)
}

// ParseSearch is [LoadSearch] for a file already read.
func ParseSearch(path string, data []byte, sets []string) (*Search, error) {
	doc, err := parseDoc(path, data, sets)
	if err != nil {
		return nil, err
	}
	c, err := decodeDoc(doc, wholeExperiment)
	switch {
	case err != nil:
		return nil, err
	case c.Tune == nil:
		return nil, Errorf("%s: the section tune is missing: it says which settings are searched, as in tune: {trials: 20, ranges: [{key: methods.*.optimizer.learning_rate, range: 1e-3..1:log}]}", strict.Plain(path))
	case c.Sweep != nil:
		return nil, Errorf("%s: the config has a section sweep, which dgn tune would ignore; take it out", strict.Plain(path))
	}
	doc.Drop("tune")
	s := &Search{Config: c, doc: doc}
	if err := s.layOut(); err != nil {
		return nil, &Error{err}
	}
	return s, nil
}

// layOut makes the trials of every method.
func (s *Search) layOut() error {
	trials := *s.Config
	trials.Seeds, trials.Tune = s.Config.Tune.Seeds, nil
	s.Trials = &Study{Config: &trials}
	draws, err := s.draws()
	if err != nil {
		return err
	}
	if note := s.unequal(); note != "" {
		s.Notes = append(s.Notes, note)
	}
	var all strict.Complaints
	for i, m := range s.Config.Methods {
		if len(draws[i]) == 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("%s has nothing to tune, and is run as it stands", m.Name))
			continue
		}
		places, err := s.places(draws[i], m.Name)
		if err != nil {
			all.Add(err)
			continue
		}
		first := len(s.choices)
		for _, place := range places {
			all.Add(s.trial(i, draws[i], place))
		}
		s.tried(s.choices[first:])
	}
	return all.Err()
}

// unequal says that trials are compared at other costs and times, "" if they are not. Steps
// of methods, and of batch sizes, cost unlike amounts.
func (s *Search) unequal() string {
	if s.Config.Tune.At != nil {
		return ""
	}
	costs, seconds, budgets := map[float64]bool{}, map[float64]bool{}, []string(nil)
	for i, m := range s.Config.Methods {
		t := s.Config.Of(i).Train
		costs[t.Cost*float64(t.Unit())] = true
		if seconds[t.Seconds] = true; t.Cost > 0 || !t.Budget(1) {
			seconds[0] = true // does not say how long the run is
		}
		budgets = append(budgets, m.Name+" has "+t.Limits())
	}
	if len(costs) == 1 && !costs[0] || len(seconds) == 1 && !seconds[0] {
		return ""
	}
	return "trials are compared at the ends of their runs, which are not at the same cost: " + strings.Join(budgets, ", ") + "; set train.cost, or tune.at, to compare at the same"
}

// draws are the ranges of each method, with keys of the method.
func (s *Search) draws() ([][]Draw, error) {
	var errs []error
	out := make([][]Draw, len(s.Config.Methods))
	for _, d := range s.Config.Tune.Ranges {
		if rest, ok := strings.CutPrefix(d.Key, "train."); ok { // each method has its own
			d.Key = "methods.*.train." + rest
		}
		a, err := addressOf(d.Key, s.doc)
		if err == nil && a.methods == nil {
			err = fmt.Errorf("%s is the same for all methods, and part of what they are compared on; sweep over it, or search keys of methods and of train", d.Key)
		}
		if err == nil && strings.HasPrefix(a.relative, "train.") && a.relative != "train.batch_size" {
			err = fmt.Errorf("%s is how long methods are trained, and part of what they are compared on; of train, batch_size alone is searched", d.Key)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.where, err))
			continue
		}
		for _, m := range a.methods {
			one := d
			one.Key = a.relative
			if slices.ContainsFunc(out[m], func(o Draw) bool { return o.Key == one.Key }) {
				errs = append(errs, fmt.Errorf("%s: %s is searched twice for the method %s", d.where, d.Key, s.Config.Methods[m].Name))
			}
			out[m] = append(out[m], one)
		}
	}
	return out, errors.Join(errs...)
}

// trial adds the trial of a method at a place.
func (s *Search) trial(method int, draws []Draw, place []float64) error {
	var choices []choice
	var settings []assignment
	prefix := fmt.Sprintf("methods.%d.", method)
	for j, d := range draws {
		v, err := d.at(place[j])
		if err != nil {
			return err
		}
		settings = append(settings, assignment{prefix + d.Key, v})
		choices = append(choices, choice{settings[j], d, nil})
	}
	p, err := pointOf(s.doc, method, settings, func(key string) string { return strings.TrimPrefix(key, prefix) })
	if err != nil {
		return err
	}
	p.Config.Seeds, p.Config.Train = s.Config.Tune.Seeds, s.Config.Tune.limits(p.Config.Train)
	s.Trials.Points = append(s.Trials.Points, p)
	s.choices = append(s.choices, choices)
	return nil
}

// tried notes with the trials of a method which numbers each key was tried with.
func (s *Search) tried(trials [][]choice) {
	if len(trials) == 0 {
		return
	}
	for j := range trials[0] {
		var numbers []float64
		for _, t := range trials {
			if x, ok := numberOf(t[j].value); ok {
				numbers = append(numbers, x)
			}
		}
		if len(numbers) < len(trials) {
			continue
		}
		slices.Sort(numbers)
		for _, t := range trials {
			t[j].tried = numbers
		}
	}
}

// Settings are what a trial is set to.
func (s *Search) Settings(trial int) runlog.Varied { return s.Trials.Points[trial].Varied }

// Edges says of which settings of a trial the best value may lie beyond what was
// tried: it is the least or the largest of these.
func (s *Search) Edges(trial int) (out []string) {
	for _, c := range s.choices[trial] {
		if len(c.tried) == 0 || c.tried[0] == c.tried[len(c.tried)-1] {
			continue
		}
		x, ok := numberOf(c.value)
		if !ok {
			continue
		}
		which := ""
		switch x {
		case c.tried[0]:
			which = "least"
		case c.tried[len(c.tried)-1]:
			which = "largest"
		default:
			continue
		}
		searched, advice := c.of.Range, "widen it"
		if searched == "" {
			searched = "its list"
		}
		if c.of.size() > 0 && !c.of.ends(x) {
			advice = "more trials would try what lies beyond"
		}
		out = append(out, fmt.Sprintf("%s=%g is the %s that was tried of %s: %s", c.of.Key, x, which, searched, advice))
	}
	return out
}

// Chosen returns the config with the settings of some trials, one of each method, in
// place, and without the section tune.
func (s *Search) Chosen(trials []int) (*Config, error) {
	doc := s.doc.Clone()
	for _, t := range trials {
		for _, c := range s.choices[t] {
			if err := doc.Assign(c.key, c.value); err != nil {
				return nil, &Error{err}
			}
		}
	}
	return decodeDoc(doc, wholeExperiment)
}
