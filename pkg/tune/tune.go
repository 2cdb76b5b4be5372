// Package tune searches the settings of methods, and reports of them from other seeds: a
// [config.Search] lays out the same number of trials for every method; [Run] makes them,
// chooses by a metric that never looks at test data, and makes the final runs.
//
// Everything is runs in results folders, so that an interrupted search goes on where it
// was, with the same bits: trials in tune/, those of smaller budgets in tune/rung-1 and so
// on, final runs beside them, and the chosen config in tuned.yaml.
package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Choice is the trial that a method has its settings from.
type Choice struct {
	Method   string
	Settings runlog.Varied
	Value    float64 // of the metric, the mean over the seeds of the search
	Trials   int
	Failed   int      // trials that diverged from some seed, and so come last
	Edges    []string // what may be better beyond what was searched
}

// An Outcome is what became of a search.
type Outcome struct {
	Dir     string   // of the trials
	Choices []Choice // by method; those without anything to tune have none
	Config  *config.Config
	Figures []string           // final value against each setting, of trials with the whole budget
	Final   *experiment.Result // nil: it did not come to that
}

// enough is the number of seeds that the reported results should have at least.
const enough = 5

// trialsDir is where the trials are in the results folder.
const trialsDir = "tune"

// List finds out which trials [Run] would make of those with the whole budget, and writes
// nothing.
func List(s *config.Search, opt experiment.Options) (*experiment.Listing, error) {
	opt.Complete(context.Background(), s.Config)
	opt.Out = filepath.Join(opt.Out, trialsDir)
	return experiment.List(s.Trials, opt)
}

// Run makes what the results folder lacks of a search, and the final runs. Where runs of
// trials failed, nothing is chosen, and the error tells them; the next call tries them
// again. Of an interruption the error is ctx's own, as that of [experiment.Run].
func Run(ctx context.Context, s *config.Search, opt experiment.Options) (*Outcome, error) {
	opt.Complete(ctx, s.Config)
	for _, n := range s.Notes {
		opt.Log.Warn(n)
	}
	if n := len(s.Config.Seeds); n < enough {
		opt.Log.Warn(fmt.Sprintf("results will be of %d seeds; give at least %d, as in seeds: [0, 1, 2, 3, 4]", n, enough))
	}
	if err := check(s, opt); err != nil {
		return nil, err
	}
	out := &Outcome{Dir: filepath.Join(opt.Out, trialsDir)}
	chosen, err := search(ctx, s, out, opt)
	if err != nil {
		return out, err
	}
	for _, c := range out.Choices {
		log := opt.Log.With("method", c.Method)
		log.Info("chosen", "settings", c.Settings.String(), s.Config.Tune.Metric, c.Value, "trials", c.Trials)
		for _, e := range c.Edges {
			log.Warn("at the edge of the search: " + e)
		}
	}
	if out.Config, err = s.Chosen(chosen); err != nil {
		return out, err
	}
	text, err := written(s, out)
	if err != nil {
		return out, err
	}
	if err := opt.Files.Replace(filepath.Join(opt.Out, "tuned.yaml"), text); err != nil {
		return out, err
	}
	// Runs of an earlier choice make room for those of this one.
	if opt.Runs == folder.Reuse {
		opt.Runs = folder.Replace
	}
	out.Final, err = experiment.Run(ctx, out.Config, opt)
	return out, err
}

// check refuses, before anything is made, what would be chosen by nothing.
func check(s *config.Search, opt experiment.Options) error {
	t := s.Config.Tune
	if m := clocked(s.Config); m != "" && opt.Jobs > 1 {
		return config.Errorf("trials of %s are compared after a time, and %d runs at the same time (--jobs) take time from each other; leave out --jobs, or compare by cost", m, opt.Jobs)
	}
	if !runlog.HigherIsBetter(t.Metric) {
		return nil
	}
	p, err := opt.Problems.Open(s.Config)
	if err == nil && p.Set.Classes == 0 {
		err = config.Errorf("tune.metric: %s does not apply to regression; choose by valid_loss or train_loss", t.Metric)
	}
	return err
}

// clocked is a method whose trials are compared after a time, "" if there is none.
func clocked(c *config.Config) string {
	for i, m := range c.Methods {
		limits := c.Of(i).Train
		if at := c.Tune.At; at != nil && at.Seconds > 0 || limits.Cost == 0 && limits.Budget(1) {
			return m.Name
		}
	}
	return ""
}

// search makes the trials, rung by rung, and returns the best of each method.
func search(ctx context.Context, s *config.Search, out *Outcome, opt experiment.Options) (chosen []int, err error) {
	alive := map[int][]int{} // trials by method
	for i, p := range s.Trials.Points {
		alive[p.Method] = append(alive[p.Method], i)
	}
	rungs, keep := 1, 1.0
	if h := s.Config.Tune.Halving; h != nil {
		rungs, keep = h.Rungs, h.Keep
	}
	var last *trials
	for r := 1; r <= rungs; r++ {
		share := math.Pow(keep, float64(rungs-r))
		dir := out.Dir
		if r < rungs {
			dir = filepath.Join(out.Dir, fmt.Sprintf("rung-%d", r))
		}
		if last, err = rung(ctx, s, alive, share, dir, opt); err != nil {
			return nil, err
		}
		if out.Figures, err = last.publish(dir, opt); err != nil {
			return nil, err
		}
		for m, list := range alive {
			last.sort(list)
			if r < rungs {
				alive[m] = list[:max(1, int(math.Ceil(keep*float64(len(list)))))]
			}
		}
	}
	if last.least < 0.95 {
		opt.Log.Warn(fmt.Sprintf("trials are compared at the last evaluation before tune.at, the earliest at %.0f %% of it; evaluate more often to compare them at the same", 100*last.least))
	}
	var errs []error
	for m, method := range s.Config.Methods {
		list := alive[m]
		if len(list) == 0 {
			continue
		}
		best := list[0]
		if math.IsInf(last.score[best], 0) {
			errs = append(errs, config.Errorf("%s: every trial diverged; search smaller steps", method.Name))
			continue
		}
		c := Choice{Method: method.Name, Settings: s.Settings(best), Value: last.score[best], Trials: s.Config.Tune.Trials, Edges: s.Edges(best)}
		for _, t := range list {
			if math.IsInf(last.score[t], 0) {
				c.Failed++
			}
		}
		if runlog.HigherIsBetter(s.Config.Tune.Metric) {
			c.Value = -c.Value
		}
		chosen, out.Choices = append(chosen, best), append(out.Choices, c)
	}
	return chosen, errors.Join(errs...)
}

// rung makes the trials that are left with a share of the budget.
func rung(ctx context.Context, s *config.Search, alive map[int][]int, share float64, dir string, opt experiment.Options) (*trials, error) {
	study := &config.Study{Config: s.Trials.Config}
	var which []int
	for i, p := range s.Trials.Points {
		if !slices.Contains(alive[p.Method], i) {
			continue
		}
		if share < 1 {
			part := *p.Config
			part.Train = part.Train.Scaled(share)
			p.Config = &part
		}
		study.Points, which = append(study.Points, p), append(which, i)
	}
	opt.Out = dir
	if opt.Runs == folder.Reuse {
		opt.Runs = folder.Replace // of a search with other budgets
	}
	made, err := experiment.Sweep(ctx, study, opt)
	if err != nil {
		return nil, err
	}
	if len(made.Failed) > 0 {
		return nil, errors.Join(append([]error{errors.New("nothing is chosen, since trials failed; the same command tries them again")}, made.Failed...)...)
	}
	return read(s, made, which)
}
