// Package plan lays out the runs of an experiment before anything on disk is touched:
// a [Plan] is a list of [Task]s, which are plain data. A task says what is to be made,
// under which identity and where, so that any process that has the data can make it.
package plan

import (
	"errors"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Plan is the runs of an experiment, in the order of its config: by method, settings
// and seed.
type Plan struct {
	Config   *config.Config // of the experiment, without the swept settings in place
	Tasks    []Task
	Repeated int // runs that were left out, as they are the same as others of their method

	all []Task // of which Tasks are some; nil: they are all
}

// All are the tasks of the whole plan, of which a [Shard] has some.
func (p *Plan) All() []Task {
	if p.all != nil {
		return p.all
	}
	return p.Tasks
}

// Facts are what only data and files tell of the identity of a config's runs.
type Facts struct {
	Checksums map[string]string // SHA-256 of the data, by file
	Reading   map[string]string // how the data were read, where that is not plain
	Start     string            // SHA-256 of the weights to start from, "" if these are drawn

	// Predicted is about how long a run takes, and part of no identity, see
	// [problem.Problem.Predict].
	Predicted float64

	Steps int // the most that a run has; 0: cost or seconds bound it alone
}

// New lays out every point of a study from every seed. It asks for the facts of each
// point, those with the same data one after the other. Of facts that are a
// *[config.Error] all are told, in one of that kind; any other error ends the planning.
func New(s *config.Study, facts func(*config.Config) (Facts, error)) (*Plan, error) {
	var all strict.Complaints
	parts := partsOf(s)
	made := make([][]Task, len(parts))
	for group, list := range byData(parts) {
		for _, i := range list {
			f, err := facts(parts[i].Config)
			if err != nil {
				var wrong *config.Error
				if !errors.As(err, &wrong) {
					return nil, err // data that are missing or damaged
				}
				all.Add(err)
				continue
			}
			if made[i], err = parts[i].tasks(f, group); err != nil {
				return nil, err
			}
		}
	}
	if err := all.Err(); err != nil {
		return nil, config.Wrap(err)
	}
	p := &Plan{Config: s.Config}
	p.add(slices.Concat(made...))
	return p, nil
}

// A part is a point with some seeds, whose runs have the same data.
type part struct {
	config.Point
	seeds []uint64
}

// partsOf are the points, each with all seeds or, where splits follow the seeds of runs,
// once with each.
func partsOf(s *config.Study) (out []part) {
	for _, p := range s.Points {
		if !p.Config.Data.Common.SplitSeed.OfRun {
			out = append(out, part{p, s.Config.Seeds})
			continue
		}
		for _, seed := range s.Config.Seeds {
			one := p
			one.Config = p.Config.SplitBy(seed)
			out = append(out, part{one, []uint64{seed}})
		}
	}
	return out
}

// tasks are the runs of a part.
func (p part) tasks(f Facts, group int) (out []Task, err error) {
	for _, seed := range p.seeds {
		t := Task{Config: p.Config, MethodIndex: p.Method, Varied: p.Varied, Seed: seed, Checksums: f.Checksums, Group: group, Predicted: f.Predicted, Steps: f.Steps}
		if t.Settings, err = settings(p.Config, seed, f); err != nil {
			return nil, err
		}
		t.Identity = t.Settings.Identity()
		t.Dir = Dir(t.Method(), p.Varied, seed)
		out = append(out, t)
	}
	return out, nil
}

// add adds tasks that are not the same as an earlier one of their method.
func (p *Plan) add(list []Task) {
	type run struct {
		method   int
		identity string
	}
	seen := map[run]bool{}
	for _, t := range list {
		r := run{t.MethodIndex, t.Identity}
		if seen[r] {
			p.Repeated++
			continue
		}
		seen[r] = true
		p.Tasks = append(p.Tasks, t)
	}
}

// byData groups the parts by the data that they need, so that each set is read
// once and is not kept longer than it is needed.
func byData(parts []part) [][]int {
	var groups [][]int
	at := map[string]int{}
	for i, p := range parts {
		key := p.Config.DataKey()
		g, ok := at[key]
		if !ok {
			g = len(groups)
			at[key], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// settings are those of one run of a config of one method.
func settings(c *config.Config, seed uint64, f Facts) (runlog.Settings, error) {
	method := c.Methods[0]
	s := runlog.Settings{}
	for _, part := range []struct {
		key   string
		value any
	}{
		{"precision", c.Precision}, {"data", c.Data}, {"model", c.Model}, {"loss", c.Loss},
		{"train", c.Train}, {"evaluate", c.Evaluate}, {"log", c.Log},
		{"oracle", method.Oracle}, {"optimizer", method.Optimizer}, {"line_search", method.LineSearch},
		{"seed", seed}, {"checksums", f.Checksums},
	} {
		if err := config.Flatten(s, part.key, part.value); err != nil {
			return nil, err
		}
	}
	if method.Probe != nil { // without it identities are those of versions that had none
		if err := config.Flatten(s, "probe", method.Probe); err != nil {
			return nil, err
		}
	}
	delete(s, "data.dir") // where data lie does not matter
	for k, v := range f.Reading {
		s["data.reading."+k] = v
	}
	// A schedule that follows the length of the run says when it has its final value,
	// which tells it from that of early versions, whose last step had it.
	for part, options := range map[string]any{"oracle": method.Oracle.Options, "optimizer": method.Optimizer.Options, "line_search": method.LineSearch.Options} {
		for key, o := range config.EachOption[interface{ FollowsEnd() bool }](options) {
			if o.FollowsEnd() {
				s[part+"."+key+".final_value"] = "after the last step"
			}
		}
	}
	if f.Start != "" { // what the weights are, and not where they lie
		delete(s, "model.init.file")
		s[keyStart] = f.Start
	}
	return s, nil
}

// keyStart is the setting that takes the place of the name of a file of weights.
const keyStart = "model.init.sha256"
