package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// runFlags are what the commands that make runs, run, sweep and tune, have in common.
type runFlags struct {
	sets    []string
	opt     experiment.Options
	fresh   bool
	shard   string
	figures string
}

const (
	methodUsage  = "make the runs of this method alone (repeatable)"
	figuresUsage = "figures to draw: none (what a shard draws, unless told), default (overview and time to target, as PNG), or all (as dgn plot does)"
)

// add defines the flags.
func (r *runFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&r.sets, "set", nil, "set a key of the config to a YAML value: KEY=VALUE (repeatable)")
	f.StringVar(&r.opt.Out, "out", "", "results folder (default results/NAME)")
	f.BoolVar(&r.fresh, "fresh", false, "make every run again; earlier ones are moved to old/, never deleted")
	f.BoolVar(&r.opt.AcrossISA, "resume-across-isa", false, "continue runs whose checkpoints were made with another instruction set, as AVX-512 and AVX2: their bits are those of neither, which results say")
	f.IntVar(&r.opt.Jobs, "jobs", 1, "runs made at the same time, sharing the threads; their times do not compare")
	f.StringVar(&r.figures, "figures", string(experiment.DefaultFigures), figuresUsage)
}

// addShard defines the flag of commands whose plan is known before it begins.
func (r *runFlags) addShard(f *pflag.FlagSet) {
	f.StringVar(&r.shard, "shard", "", "make part I of N of the runs, I/N from 0/N on: the same parts on every machine, balanced by predicted cost")
}

// read completes the options by the flags that were given and the settings of the machine,
// and returns which figures to draw.
func (r *runFlags) read(a *app, f *pflag.FlagSet) (experiment.FigureSet, error) {
	if !f.Changed("out") {
		r.opt.Out = a.settings.Out
	}
	if r.fresh {
		r.opt.Runs = folder.Fresh
	}
	if err := checkJobs(r.opt.Jobs); err != nil {
		return "", err
	}
	if f.Changed("shard") {
		shard, err := plan.ParseShard(r.shard)
		if err != nil {
			return "", usageError{fmt.Errorf("--shard: %w", err)}
		}
		if r.opt.Repeats > 0 {
			return "", usageError{errors.New("--shard: is not for --timing, which compares the runs of one machine with each other; leave one of them out")}
		}
		r.opt.Shard = shard
	}
	set := experiment.FigureSet(r.figures)
	if !r.opt.Shard.Whole() && !f.Changed("figures") {
		set = experiment.NoFigures // which are of all
	}
	if !slices.Contains(experiment.FigureSets, set) {
		return "", usageError{fmt.Errorf("--figures: must be none, default or all, got %.40q; dgn plot --figure draws single figures", r.figures)}
	}
	return set, nil
}

// equip gives the options what runs need of this process, and returns their log.
func (a *app) equip(c *cobra.Command, s *screen, opt *experiment.Options) *slog.Logger {
	opt.Threads, opt.AutoThreads = a.settings.Threads, a.settings.Auto
	opt.Data, opt.Build, opt.Log = a.dataEnv(c.Context(), s), experiment.ThisBuild(a.version), a.logger(s)
	return opt.Log
}
