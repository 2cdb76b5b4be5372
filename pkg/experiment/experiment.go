// Package experiment turns a config into runs: it reads the data, trains every
// method from every seed, logs as it goes, and leaves a folder of results that
// can be told apart from any other.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/datasets"
)

// Options are what a user may choose besides the experiment itself; none of
// them changes a number of the results.
type Options struct {
	Out     string // results folder; "" means results/<name>
	Fresh   bool   // move existing runs aside instead of reusing them
	Threads int    // for all runs together; 0: one
	Jobs    int    // runs made at the same time; 0: one
	Data    datasets.Env
	Build   Build
	Files   Files        // nil: Disk
	Log     *slog.Logger // nil: nothing is logged
	Monitor Monitor      // nil: none

	FailFast bool // begin no run after one has failed
}

// A RunInfo announces a run.
type RunInfo struct {
	Method string
	Varied Varied // swept settings
	Seed   uint64
	Number int     // counts the runs that are made, from 1
	Of     int     // runs to make
	Steps  int     // of the whole run, 0 if unknown
	Limit  float64 // seconds of training, 0 if unlimited
}

// Log returns a logger that names the run.
func (i RunInfo) Log(l *slog.Logger) *slog.Logger {
	l = l.With("method", i.Method)
	if len(i.Varied) > 0 {
		l = l.With("settings", i.Varied.String())
	}
	return l.With("seed", i.Seed)
}

// A Monitor shows people how runs get on. With several jobs its methods are
// called at the same time.
type Monitor interface {
	Start(RunInfo) RunMonitor
}

// A RunMonitor follows one run. Its time is not counted as training.
type RunMonitor interface {
	Step(step int, seconds, batchLoss float64)
	Evaluated(step int, e Evaluation)
	End(outcome Outcome, detail string) // the detail of a failed run is its error
}

type noMonitor struct{}

func (noMonitor) Start(RunInfo) RunMonitor      { return noMonitor{} }
func (noMonitor) Step(int, float64, float64)    {}
func (noMonitor) Evaluated(int, Evaluation)     {}
func (noMonitor) End(outcome Outcome, _ string) {}

// A Result says what became of an experiment.
type Result struct {
	Dir     string
	Made    int     // runs made now
	Resumed int     // of these, continued from a checkpoint
	Reused  int     // runs found complete
	Left    int     // runs not begun, after an interruption or with FailFast
	Failed  []error // a *RunError for each failed run

	runs []planned // all, in the order of the config
}

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
func Run(ctx context.Context, c *Config, opt Options) (*Result, error) {
	if c.Sweep != nil {
		return nil, configErrorf("the config has a section sweep, which dgn run would ignore; use dgn sweep, or take the section out")
	}
	opt.complete(ctx, c)
	p, err := Open(c, opt.Data)
	if err != nil {
		return nil, err
	}
	for _, w := range p.Warnings {
		opt.Log.Warn(w)
	}
	for _, n := range p.Notes {
		opt.Log.Info(n)
	}
	runs, err := p.runs()
	if err != nil {
		return nil, err
	}
	return execute(ctx, c, runs, func(planned) (*Problem, error) { return p, nil }, opt)
}

// complete fills in what callers may leave out.
func (opt *Options) complete(ctx context.Context, c *Config) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Data.Context == nil {
		opt.Data.Context = ctx
	}
	if opt.Files == nil {
		opt.Files = Disk{}
	}
	if opt.Monitor == nil {
		opt.Monitor = noMonitor{}
	}
	opt.Jobs = max(opt.Jobs, 1)
	if opt.Out == "" {
		opt.Out = filepath.Join("results", resultsFolder(c.Name))
	}
}

// execute makes those of the runs that the results folder lacks; open returns
// the problem of each.
func execute(ctx context.Context, c *Config, runs []planned, open func(planned) (*Problem, error), opt Options) (*Result, error) {
	f, err := openFolder(opt.Out, time.Now())
	if err != nil {
		return nil, err
	}
	result, err := f.execute(ctx, c, runs, open, opt)
	return result, errors.Join(err, f.close())
}

// execute is the function of that name, in a locked folder.
func (f *folder) execute(ctx context.Context, c *Config, runs []planned, open func(planned) (*Problem, error), opt Options) (*Result, error) {
	pending, err := f.plan(runs, opt)
	if err != nil {
		return nil, err
	}
	resolved, err := c.YAML()
	if err != nil {
		return nil, err
	}
	if err := opt.Files.Replace(filepath.Join(f.dir, "config.yaml"), resolved); err != nil {
		return nil, fmt.Errorf("cannot write to the results folder: %w", err)
	}
	defer processStops.use()()
	result := &Result{Dir: f.dir, Made: len(pending), runs: runs}
	for _, r := range runs {
		switch r.state {
		case Kept:
			result.Reused++
		case Held:
			r.log(opt.Log).Error("cannot be made here", "error", r.fault)
			result.Failed = append(result.Failed, &RunError{r.String(), r.fault})
		}
	}

	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, opt.Jobs)
	for i, r := range pending {
		slots <- struct{}{}
		mu.Lock()
		stop := ctx.Err() != nil || opt.FailFast && len(result.Failed) > 0
		mu.Unlock()
		if stop {
			<-slots
			result.Left = len(pending) - i
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			p, err := open(r)
			if err == nil {
				err = p.make(ctx, f, r, opt)
			} else {
				r.log(opt.Log).Error("cannot begin", "error", err)
				err = errors.Join(err, f.failed(r, err, opt))
			}
			mu.Lock()
			defer mu.Unlock()
			if r.resumed != nil {
				result.Resumed++
			}
			if err != nil {
				result.Failed = append(result.Failed, &RunError{r.String(), err})
			}
		})
	}
	wg.Wait()
	result.Made -= result.Left
	return result, interruption(ctx)
}
