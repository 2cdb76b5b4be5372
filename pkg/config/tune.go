package config

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// Tune says how the settings of methods are searched: every method has the same number
// of trials, each from the same seeds, which are none of those that results are
// reported of.
type Tune struct {
	Metric  string   `yaml:"metric"`                 // by which a trial is chosen; never one of test data
	At      *Amount  `yaml:"at,omitempty,flow"`      // where it is read; nil: at the end of the run
	Trials  int      `yaml:"trials"`                 // of each method
	Seeds   []uint64 `yaml:"seeds,flow"`             // of every trial
	Sampler string   `yaml:"sampler"`                // random, or halton
	Seed    uint64   `yaml:"seed"`                   // chance of the search
	Halving *Halving `yaml:"halving,omitempty,flow"` // nil: every trial has the whole budget
	Ranges  []Draw   `yaml:"ranges"`
}

// An Amount is a cost or a time at which results are compared.
type Amount struct {
	Cost    float64 `yaml:"cost,omitempty"`
	Seconds float64 `yaml:"seconds,omitempty"`
}

// Halving is successive halving (Jamieson and Talwalkar 2016): all trials begin with a
// small budget, and after each rung the best of them go on to one that is 1/keep times
// as large, the last of which is the whole.
type Halving struct {
	Keep  float64 `yaml:"keep"`  // share of the trials that go on
	Rungs int     `yaml:"rungs"` // budgets, the whole one included
}

// Samplers are the ways to search.
var Samplers = []string{"random", "halton"}

// UnmarshalStrict fills in what may be left out.
func (t *Tune) UnmarshalStrict(v strict.Value) error {
	type plain Tune
	p := plain{Metric: "valid_loss", Seeds: []uint64{1001, 1002}, Sampler: Samplers[0]}
	err := v.Decode(&p)
	*t = Tune(p)
	return err
}

// UnmarshalStrict fills in what may be left out.
func (h *Halving) UnmarshalStrict(v strict.Value) error {
	type plain Halving
	p := plain{Keep: 1. / 3, Rungs: 3}
	err := v.Decode(&p)
	*h = Halving(p)
	return err
}

// check finds what is wrong with a search of a config.
func (t *Tune) check(c *Config, bad func(key, format string, args ...any)) {
	switch {
	case !slices.Contains(goalMetrics, t.Metric):
		bad("tune.metric", "%q is not a metric to choose by (known: %s)", t.Metric, strings.Join(goalMetrics, ", "))
	case strings.HasPrefix(t.Metric, "valid_") && c.Data.Common.Validation == 0:
		bad("tune.metric", "%s needs a validation set, and to choose by test data would be to train on them; set data.validation to the fraction to hold out, or metric: train_loss where the question is optimisation", t.Metric)
	}
	if t.Trials < 1 || t.Trials > maxPoints {
		bad("tune.trials", "must be a number of trials of each method, from 1 to %d, got %d", maxPoints, t.Trials)
	}
	if len(t.Seeds) == 0 {
		bad("tune.seeds", "the list is empty; give the seeds of every trial, as in seeds: [1001, 1002]")
	}
	for i, s := range t.Seeds {
		if slices.Contains(c.Seeds, s) {
			bad("tune.seeds", "seed %d is one of those that results are reported of; a setting chosen for a seed has an advantage there", s)
		}
		if slices.Contains(t.Seeds[:i], s) {
			bad("tune.seeds", "duplicate seed %d", s)
		}
	}
	if !slices.Contains(Samplers, t.Sampler) {
		bad("tune.sampler", "must be %s, got %q", strings.Join(Samplers, " or "), t.Sampler)
	}
	if a := t.At; a != nil && ((a.Cost > 0) == (a.Seconds > 0) || a.Cost < 0 || a.Seconds < 0) {
		bad("tune.at", "must be {cost: C} or {seconds: S}, one positive amount")
	}
	for i := range c.Methods {
		name, train := c.Methods[i].Name, c.Of(i).Train
		if a := t.At; a != nil && (train.Cost > 0 && a.Cost > train.Cost || train.Seconds > 0 && a.Seconds > train.Seconds) {
			bad("tune.at", "is beyond the budget of %s, whose runs end before; leave it out to compare at their ends", name)
		}
		if train.Target != nil {
			bad("tune", "runs of %s end at a target, and trials that reach it would be compared at different places; take train.target out (dgn plot --table --target tells what the chosen settings take to it)", name)
		}
	}
	if h := t.Halving; h != nil {
		if !(h.Keep > 0 && h.Keep < 1) {
			bad("tune.halving.keep", "must be a share of the trials, above 0 and below 1, got %g", h.Keep)
		}
		if h.Rungs < 2 || h.Rungs > 10 {
			bad("tune.halving.rungs", "must be a number of budgets from 2 to 10, got %d", h.Rungs)
		}
		for i := range c.Methods {
			h.checkBudget(c.Methods[i].Name, c.Of(i).Train, bad)
		}
		if t.At != nil {
			bad("tune.halving", "its rungs have budgets of their own; leave out tune.at")
		}
	}
	if len(t.Ranges) == 0 {
		bad("tune.ranges", "the list is empty; give what is searched, as in - {key: methods.*.optimizer.learning_rate, range: 1e-3..1:log}")
	}
	for i, d := range t.Ranges {
		key := fmt.Sprintf("tune.ranges[%d]", i)
		if d.Key == "" {
			bad(key, "the key \"key\" is missing: it names what is searched")
		}
		d.check(func(format string, args ...any) { bad(key, format, args...) })
		if iv, err := parseInterval(d.Range); err == nil && iv.lo == iv.hi {
			bad(key, "the range %s is a single value: set it, and leave it out here", d.Range)
		}
	}
}

// leastRung is the least that the first rung of successive halving has of each limit: with
// less, methods whose steps cost as much as ten gradients would make none or one.
var leastRung = Train{Epochs: 1, Steps: 10, Cost: 10, Seconds: 0.01}

// checkBudget refuses rungs that are too short to tell trials apart.
func (h *Halving) checkBudget(method string, t Train, bad func(key, format string, args ...any)) {
	share := math.Pow(h.Keep, float64(h.Rungs-1))
	for _, l := range []struct {
		limit        string
		whole, least float64
	}{
		{"epochs", float64(t.Epochs), float64(leastRung.Epochs)}, {"steps", float64(t.Steps), float64(leastRung.Steps)},
		{"cost", t.Cost, leastRung.Cost}, {"seconds", t.Seconds, leastRung.Seconds},
	} {
		if first := share * l.whole; l.whole > 0 && !(first >= l.least) {
			bad("tune.halving", "leaves the trials of %s a first budget of %s %.3g, which tells nothing of them; keep more, have fewer rungs, or a larger budget (the first should be %g at least)", method, l.limit, first, l.least)
		}
	}
}

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
	relative   string    // the key in the method
	of         Draw      // what it was drawn from
	tried      []float64 // all numbers that the method's trials have here; nil: it is no number
}

// LoadSearch reads a config with a section tune, as [Load] does.
func LoadSearch(path string, sets []string) (*Search, error) {
	data, err := readConfig(path)
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
		if a.relative == "train.batch_size" && s.Config.Train.Cost == 0 && s.Config.Train.Seconds == 0 {
			s.Notes = append(s.Notes, "trials with other batch sizes have as many epochs or steps, but not the same cost; set train.cost to compare at equal cost")
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

// places returns where in the unit cube the trials of a method lie, an axis for each of
// its keys. No choice is made twice.
func (s *Search) places(draws []Draw, method string) ([][]float64, error) {
	t := s.Config.Tune
	settings, lists := 1, true
	for _, d := range draws {
		settings = min(settings*d.size(), maxPoints+1)
		lists = lists && len(d.Values) > 0
		if settings == 0 {
			break // more than can be counted
		}
	}
	if settings > 0 && settings < t.Trials {
		return nil, fmt.Errorf("tune.trials: %d trials, but the values of %s make only %d settings; give ranges, more values, or fewer trials", t.Trials, method, settings)
	}
	if lists && settings <= maxPoints {
		out := make([][]float64, 0, t.Trials)
		for _, n := range draws[0].stream(t.Seed).Perm(settings)[:t.Trials] {
			place := make([]float64, len(draws))
			for j, d := range draws {
				place[j] = (float64(n%len(d.Values)) + 0.5) / float64(len(d.Values))
				n /= len(d.Values)
			}
			out = append(out, place)
		}
		return out, nil
	}
	return s.drawn(draws, method)
}

// drawn returns places that are drawn one after the other. Whole numbers, and numbers cut
// to four digits, that were all drawn before are drawn again.
func (s *Search) drawn(draws []Draw, method string) (out [][]float64, err error) {
	t := s.Config.Tune
	streams, shifts := make([]*rand.Rand, len(draws)), make([]float64, len(draws))
	for j, d := range draws {
		streams[j] = d.stream(t.Seed)
		shifts[j] = streams[j].Float64()
	}
	seen := map[string]bool{}
	for i := 0; len(out) < t.Trials; i++ {
		if i == 1000*t.Trials {
			return nil, fmt.Errorf("tune.trials: %d trials, but only %d settings of %s were found in %d draws; give wider ranges, more values, or fewer trials", t.Trials, len(out), method, i)
		}
		place, text := make([]float64, len(draws)), ""
		for j, d := range draws {
			switch {
			case t.Sampler == "halton":
				place[j] = math.Mod(radicalInverse(i+1, prime(j))+shifts[j], 1)
			case i == 0:
				place[j] = shifts[j] // the first draw
			default:
				place[j] = streams[j].Float64()
			}
			v, err := d.at(place[j])
			if err != nil {
				return nil, err
			}
			text += string(yamlText(v)) + "\n"
		}
		if !seen[text] {
			seen[text] = true
			out = append(out, place)
		}
	}
	return out, nil
}

// radicalInverse is the point i of the van der Corput sequence in a base. Its points in
// several bases that are primes are Halton's sequence (1960), here shifted at random
// (Cranley and Patterson 1976).
func radicalInverse(i, base int) float64 {
	x, digit := 0.0, 1.0
	for ; i > 0; i /= base {
		digit /= float64(base)
		x += digit * float64(i%base)
	}
	return x
}

// prime is the prime number of place i, from 0.
func prime(i int) int {
	for n := 2; ; n++ {
		isPrime := true
		for d := 2; d*d <= n; d++ {
			isPrime = isPrime && n%d != 0
		}
		if isPrime {
			if i--; i < 0 {
				return n
			}
		}
	}
}

// trial adds the trial of a method at a place.
func (s *Search) trial(method int, draws []Draw, place []float64) error {
	var choices []choice
	for j, d := range draws {
		v, err := d.at(place[j])
		if err != nil {
			return err
		}
		choices = append(choices, choice{assignment{fmt.Sprintf("methods.%d.%s", method, d.Key), v}, d.Key, d, nil})
	}
	doc := s.doc.Clone()
	p := Point{Method: method}
	for _, c := range choices {
		if err := doc.Assign(c.key, c.value); err != nil {
			return err
		}
		v, err := runlog.NewSetting(c.relative, c.value)
		if err != nil {
			return err
		}
		p.Varied = append(p.Varied, v)
	}
	doc.Only("methods", method)
	c, err := decodeDoc(doc, wholeExperiment)
	if err != nil {
		return err
	}
	p.Config = c.Of(0)
	p.Config.Seeds = s.Config.Tune.Seeds
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
			if x, err := strconv.ParseFloat(strings.TrimSpace(string(yamlText(t[j].value))), 64); err == nil {
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
		x, err := strconv.ParseFloat(strings.TrimSpace(string(yamlText(c.value))), 64)
		if err != nil {
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
		out = append(out, fmt.Sprintf("%s=%g is the %s that was tried of %s: %s", c.relative, x, which, searched, advice))
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

// Scaled returns the training with its budget multiplied by a share.
func (t Train) Scaled(share float64) Train {
	scale := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, int(math.Round(share*float64(n))))
	}
	t.Epochs, t.Steps = scale(t.Epochs), scale(t.Steps)
	t.Cost, t.Seconds = share*t.Cost, share*t.Seconds
	return t
}
