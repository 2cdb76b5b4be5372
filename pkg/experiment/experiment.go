// Package experiment makes experiments: it is the front door for programs that do from
// Go what dgn run and dgn sweep do.
//
//	c, err := config.Load("digits.yaml", nil)   // or config.New, without a file
//	result, err := experiment.Run(ctx, c, experiment.Options{})
//	summary, figures, err := result.Publish(experiment.DefaultFigures)
//
// Zero [Options] work. The way of an experiment leads through the packages
//
//	config      a file, and a sweep over it, become points: a method with its settings
//	problem     the data of a point are read, its network is sized
//	plan        points become tasks, a run each, which are plain data
//	folder      what the results folder holds of them: kept, continued, moved aside
//	train       a task becomes a run: batch -> linearization -> oracle -> optimizer -> log
//	checkpoint  where an interrupted run goes on, with the same bits
//	runlog      what a run leaves on disk
//	results     logs are read back, checked, and grouped by method and settings
//	stats       means, medians, intervals and tests of a few seeds
//	report      runs become figures, which are data, and a table that sums them up
//	figure      the model of a figure; render draws it as PNG, SVG or PDF
//	scores      what targets take, differences over seeds, ranks and profiles
//	timing      measured times of runs, and their ratios
//	tune        trials of every method, a chosen config, and its runs
//
// and networks, losses, oracles and optimizers, which run in a task, are in nn, losses,
// oracles, optim and schedules, on matrices of tensor; data sets are in datasets.
//
// An [Executor] makes tasks; [Local] does so in this process.
package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/timing"
)

// Options are what a user may choose besides the experiment itself; none of
// them changes a number of the results.
type Options struct {
	Out     string        // results folder; "" means results/<name>
	Runs    folder.Policy // what becomes of runs that are there
	Threads int           // for all runs together; 0: one
	Jobs    int           // runs made at the same time; 0: one
	Data    datasets.Env
	Build   runlog.Build
	Files   diskfile.Files // nil: diskfile.OS
	Log     *slog.Logger   // nil: nothing is logged
	Monitor Monitor        // nil: none

	// AcrossISA has interrupted runs continue from checkpoints that were made with another
	// instruction set, with other bits than on either machine; manifests say so.
	AcrossISA bool

	FailFast bool       // begin no run after one has failed
	Shard    plan.Shard // make this part of the runs; zero: all
	Methods  []string   // make runs of these alone; nil: of all

	// Problems are read from Data and kept; nil: those of this experiment alone.
	Problems *problem.Cache
	// Executor makes the tasks; nil: Local. Another one finds them in the folder Out.
	Executor Executor
	// AutoThreads has runs of Local measure at their start whether one thread is faster
	// than all.
	AutoThreads bool
	// Repeats is how often the time of each run is measured after the runs, methods taking
	// turns and threads bound to CPUs; 0: not at all. It is for Local.
	Repeats int
}

// Complete fills in what callers may leave out, as [Run] and [Sweep] do. Who makes several
// experiments of the same data completes the options first, and the data are read once.
func (opt *Options) Complete(ctx context.Context, c *config.Config) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Data.Context == nil {
		opt.Data.Context = ctx
	}
	if opt.Problems == nil {
		opt.Problems = &problem.Cache{Env: opt.Data, Log: opt.Log}
	}
	if opt.Files == nil {
		opt.Files = diskfile.OS{}
	}
	if opt.Monitor == nil {
		opt.Monitor = noMonitor{}
	}
	opt.Jobs = max(opt.Jobs, 1)
	if opt.Out == "" {
		opt.Out = filepath.Join("results", config.ResultsFolder(c.Name))
	}
}

// folder is the results folder that the options name.
func (opt *Options) folder() *folder.Folder {
	return &folder.Folder{Dir: opt.Out, Files: opt.Files, Build: opt.Build, Host: ThisMachine(), AcrossISA: opt.AcrossISA, Log: opt.Log}
}

// A Result says what became of an experiment.
type Result struct {
	Dir     string
	Made    int     // runs made now
	Resumed int     // of these, continued from a checkpoint
	Reused  int     // runs found complete, or made by another process meanwhile
	Left    int     // runs not begun, after an interruption or with FailFast
	Failed  []error // a *RunError for each failed run

	// Advanced says that there is more in the folder than before, or nothing is missing: a run was
	// completed, or has a checkpoint of more steps.
	Advanced bool

	Timing *timing.Summary // of Options.Repeats; nil: no times were measured

	Runs []folder.Status // all, in the order of the config

	plan   *plan.Plan
	folder *folder.Folder
	files  diskfile.Files
}

// Of returns the number of runs of the whole plan, whatever is made of it here.
func (r *Result) Of() int { return len(r.plan.All()) }

// A RunError is that of one run, which failed. What it wraps, data that are gone
// for example, stopped no other.
type RunError struct {
	Run string // which
	Err error
}

func (e *RunError) Error() string { return e.Run + ": " + e.Err.Error() }
func (e *RunError) Unwrap() error { return e.Err }

// Run makes every run of the experiment that the results folder lacks. A run
// that fails does not stop the others: it is in Result.Failed. The error tells
// of what stops everything; of an interruption it is ctx's own, context.Canceled
// or context.DeadlineExceeded, with the cause that ctx was given.
func Run(ctx context.Context, c *config.Config, opt Options) (*Result, error) {
	s, err := Plain(c)
	if err != nil {
		return nil, err
	}
	return Sweep(ctx, s, opt)
}

// Plain is the study that [Run] makes of a config, which must have no sweep and no tuning.
func Plain(c *config.Config) (*config.Study, error) {
	if c.Sweep != nil {
		return nil, config.Errorf("the config has a section sweep, which dgn run would ignore; use dgn sweep, or take the section out")
	}
	if c.Tune != nil {
		return nil, config.Errorf("the config has a section tune, which dgn run would ignore; use dgn tune, or take the section out")
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c.Plain(), nil
}

// Sweep is [Run] for every point of a study.
func Sweep(ctx context.Context, s *config.Study, opt Options) (*Result, error) {
	if err := checkRepeats(s, &opt); err != nil {
		return nil, err
	}
	opt.Complete(ctx, s.Config)
	p, err := newPlan(s, opt)
	if err != nil {
		return nil, err
	}
	p = p.Shard(opt.Shard)
	f := opt.folder()
	if err := f.Open(); err != nil {
		return nil, err
	}
	local := &Local{
		Folder: f, Problems: opt.Problems, Threads: max(opt.Threads/opt.Jobs, 1), Jobs: opt.Jobs,
		Monitor: opt.Monitor, Log: opt.Log, FailFast: opt.FailFast, Auto: opt.AutoThreads,
	}
	if opt.Repeats > 0 {
		return timed(ctx, p, local, opt)
	}
	if opt.Executor == nil {
		opt.Executor = local
	}
	return execute(ctx, p, f, opt)
}

// timed makes runs with threads bound to CPUs, and then measures their times.
func timed(ctx context.Context, p *plan.Plan, local *Local, opt Options) (result *Result, err error) {
	if local.Pin, err = Pin(local.Threads, opt.Log); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, local.Pin.Release()) }()
	opt.Executor = local
	if result, err = execute(ctx, p, local.Folder, opt); err != nil {
		return result, err
	}
	defer clock.Process.Use()()
	result.Timing, err = newMeasurer(local, opt.Repeats).measure(ctx, result.Runs, opt.Runs == folder.Fresh)
	return result, err
}

// newPlan lays out the runs of a study, whose data it reads.
func newPlan(s *config.Study, opt Options) (*plan.Plan, error) {
	if opt.Methods != nil {
		var err error
		if s, err = s.Only(opt.Methods); err != nil {
			return nil, err
		}
	}
	p, err := plan.New(s, func(c *config.Config) (plan.Facts, error) {
		of, err := opt.Problems.Open(c)
		if err != nil {
			return plan.Facts{}, err
		}
		return factsOf(of), nil
	})
	if err == nil && p.Repeated > 0 {
		opt.Log.Info(fmt.Sprintf("%d of the sweep's runs repeat the settings of others, and are made once", p.Repeated), "runs", len(p.Tasks))
	}
	return p, err
}

// factsOf are what a problem's files tell of the identity of its runs.
func factsOf(p *problem.Problem) plan.Facts {
	f := plan.Facts{Checksums: p.Checksums, Reading: p.Reading, Predicted: p.Predict(), Steps: p.Config.Train.Total(p.Train.Len() / p.Config.Train.BatchSize)}
	if p.Start != nil {
		f.Start = p.Start.Sum
	}
	return f
}

// execute has those tasks of a plan made that the folder lacks.
func execute(ctx context.Context, p *plan.Plan, f *folder.Folder, opt Options) (*Result, error) {
	runs, err := f.Prepare(ctx, p, opt.Runs)
	if err != nil {
		return nil, err
	}
	defer clock.Process.Use()()
	result := &Result{Dir: f.Dir, Runs: runs, plan: p, folder: f, files: opt.Files}
	var pending []plan.Task
	for _, r := range runs {
		switch r.State {
		case folder.Kept:
			result.Reused++
		case folder.Held:
			r.Logger(opt.Log).Error("cannot be made here", "error", r.Fault)
			result.Failed = append(result.Failed, &RunError{r.String(), r.Fault})
		default:
			pending = append(pending, r.Task)
		}
	}
	slices.SortStableFunc(pending, func(a, b plan.Task) int { return cmp.Compare(a.Group, b.Group) })
	if opt.FailFast && len(result.Failed) > 0 {
		result.Left = len(pending)
		return result, interrupt.Cause(ctx)
	}
	begun := 0
	result.Advanced = len(pending) == 0 && len(result.Failed) == 0
	err = opt.Executor.Execute(ctx, pending, func(t plan.Task, e Ending) {
		begun++
		result.Advanced = result.Advanced || e.Advanced || e.Elsewhere
		switch {
		case e.Elsewhere:
			result.Reused++
		case e.Resumed:
			result.Resumed++
			fallthrough
		default:
			result.Made++
		}
		if e.Err != nil {
			result.Failed = append(result.Failed, &RunError{t.String(), e.Err})
		}
	})
	result.Left = len(pending) - begun
	if err != nil {
		return result, err
	}
	return result, interrupt.Cause(ctx)
}
