// Package experiment turns a config into runs: it reads the data, trains every
// method from every seed, logs as it goes, and leaves a folder of results that
// can be told apart from any other.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Options are what a user may choose besides the experiment itself; none of
// them changes a number of the results.
type Options struct {
	Out     string // results folder; "" means results/<name>
	Fresh   bool   // move existing runs aside instead of reusing them
	Threads int    // for all runs together
	Jobs    int    // runs made at the same time
	Data    datasets.Env
	Build   Build
	Files   Files // nil: Disk
	Log     *slog.Logger
	Monitor Monitor // nil: none

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
	End(outcome Outcome, detail string)
}

type noMonitor struct{}

func (noMonitor) Start(RunInfo) RunMonitor      { return noMonitor{} }
func (noMonitor) Step(int, float64, float64)    {}
func (noMonitor) Evaluated(int, Evaluation)     {}
func (noMonitor) End(outcome Outcome, _ string) {}

// A Result says what became of an experiment.
type Result struct {
	Dir    string
	Made   int     // runs made now
	Reused int     // runs found complete
	Left   int     // runs not begun, after an interruption or with FailFast
	Failed []error // one for each failed run

	runs []planned // all, in the order of the config
}

// A planned run is one method from one seed, and where it goes.
type planned struct {
	config   *Config
	method   int // of the config
	index    int // of the method among all that are compared
	varied   Varied
	seed     uint64
	path     string // relative to the results folder
	settings Settings

	checksums map[string]string // of the data that the settings were made with
	group     int               // runs of a group need the same data, and are made one after the other

	state   State
	outcome Outcome // of the complete run that is reused
	number  int     // among those to make
	of      int
}

// Run makes every run of the experiment that the results folder lacks. A run
// that fails does not stop the others: it is in Result.Failed. The error tells
// of what stops everything, ctx's own error of an interruption.
func Run(ctx context.Context, c *Config, opt Options) (*Result, error) {
	if c.Sweep != nil {
		return nil, configErrorf("the config has a section sweep, which dgn run would ignore; use dgn sweep, or take the section out")
	}
	opt.complete(c)
	p, err := Open(c, opt.Data)
	if err != nil {
		return nil, err
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
func (opt *Options) complete(c *Config) {
	if opt.Files == nil {
		opt.Files = Disk{}
	}
	if opt.Monitor == nil {
		opt.Monitor = noMonitor{}
	}
	opt.Jobs = max(opt.Jobs, 1)
	if opt.Out == "" {
		opt.Out = filepath.Join("results", c.Name)
	}
}

// runs lists the runs of the config: every method from every seed.
func (p *Problem) runs() (runs []planned, err error) {
	for i := range p.Config.Methods {
		for _, seed := range p.Config.Seeds {
			r := planned{config: p.Config, method: i, index: i, seed: seed, path: runPath(p.Config.Methods[i].Name, nil, seed), checksums: p.Checksums}
			if r.settings, err = p.Config.settings(&p.Config.Methods[i], seed, p.Checksums); err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
	}
	return runs, nil
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
	todo, err := f.plan(runs, opt)
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
	result := &Result{Dir: f.dir, Made: len(todo), Reused: len(runs) - len(todo), runs: runs}

	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, opt.Jobs)
	for i, r := range todo {
		slots <- struct{}{}
		mu.Lock()
		stop := ctx.Err() != nil || opt.FailFast && len(result.Failed) > 0
		mu.Unlock()
		if stop {
			<-slots
			result.Left = len(todo) - i
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			p, err := open(r)
			if err == nil {
				err = p.make(ctx, f, r, opt)
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				result.Failed = append(result.Failed, fmt.Errorf("%s: %w", r, err))
			}
		})
	}
	wg.Wait()
	result.Made -= result.Left
	return result, ctx.Err()
}

// String names a run in messages.
func (r planned) String() string {
	if len(r.varied) > 0 {
		return fmt.Sprintf("%s, %s, seed %d", r.name(), r.varied, r.seed)
	}
	return fmt.Sprintf("%s, seed %d", r.name(), r.seed)
}

// log returns a logger that names the run.
func (r planned) log(l *slog.Logger) *slog.Logger {
	return RunInfo{Method: r.name(), Varied: r.varied, Seed: r.seed}.Log(l)
}

// name is the method's.
func (r planned) name() string { return r.config.Methods[r.method].Name }

// A State says what a results folder holds of a run that is wanted.
type State string

const (
	New        State = "new"
	Kept       State = "complete"
	Unfinished State = "to be resumed" // interrupted, or killed
	Broken     State = "failed before"
	Again      State = "to be made again" // complete, but asked for afresh
)

// survey compares the runs with what the folder holds, and notes their states:
// complete runs of the same settings are reused, incomplete ones made again, and
// complete ones of other settings are an error. It changes nothing on disk.
func (f *folder) survey(runs []planned, opt Options) error {
	var conflicts []string
	known := map[string]map[string]string{}
	for i := range runs {
		r := &runs[i]
		identity := r.settings.Identity()
		if known[r.name()] == nil {
			var err error
			if known[r.name()], err = f.identities(r.name()); err != nil {
				return err
			}
		}
		if at, ok := known[r.name()][identity]; ok {
			r.path = at
		}
		old, err := f.manifest(r.path)
		switch {
		case err != nil && !opt.Fresh:
			return configErrorf("%w; --fresh moves it aside", err)
		case err == nil && old == nil && !f.exists(r.path):
			r.state = New
		case opt.Fresh:
			r.state = Again
		case old == nil || old.Identity == identity && !old.Outcome.complete():
			r.state = Unfinished
			if old != nil && old.Outcome == Failed {
				r.state = Broken
			}
		case old.Identity == identity:
			r.state, r.outcome = Kept, old.Outcome
		default:
			conflicts = append(conflicts, fmt.Sprintf("%s was made with other settings:\n    %s",
				filepath.Join(f.dir, r.path), strings.Join(diff(old.Settings, r.settings), "\n    ")))
		}
	}
	if len(conflicts) > 0 {
		return configErrorf("%s\nRun with --fresh to move these runs aside and make them again, or choose another folder with --out or name.",
			strings.Join(conflicts, "\n"))
	}
	return nil
}

// plan surveys the folder, makes room for the runs that are to be made, and
// returns them.
func (f *folder) plan(runs []planned, opt Options) (todo []planned, err error) {
	if err := f.survey(runs, opt); err != nil {
		return nil, err
	}
	kept := 0
	for _, r := range runs {
		switch r.state {
		case Kept:
			if kept++; kept <= maxKeptLines {
				r.log(opt.Log).Info("kept: complete with these settings", "outcome", r.outcome)
			}
			if err := f.relabel(r, opt.Files); err != nil {
				return nil, fmt.Errorf("cannot take over an earlier run: %w", err)
			}
			continue
		case New:
		default:
			to, err := f.moveAside(r.path)
			if err != nil {
				return nil, fmt.Errorf("cannot move an earlier run aside: %w", err)
			}
			opt.Log.Info("moved an earlier run aside", "run", filepath.Join(f.dir, r.path), "to", to)
		}
		todo = append(todo, r)
	}
	if kept > maxKeptLines {
		opt.Log.Info("kept in the same way", "runs", kept-maxKeptLines)
	}
	slices.SortStableFunc(todo, func(a, b planned) int { return a.group - b.group })
	for i := range todo {
		todo[i].number, todo[i].of = i+1, len(todo)
	}
	return todo, nil
}

// maxKeptLines bounds what is said of runs that are reused.
const maxKeptLines = 10

// make makes one run and records its outcome. It returns the error of a failed
// run; a panic is one, so that a fault in one method leaves the others alone.
func (p *Problem) make(ctx context.Context, f *folder, r planned, opt Options) (err error) {
	method := &r.config.Methods[r.method]
	dir := filepath.Join(f.dir, r.path)
	log := r.log(opt.Log)
	threads := max(opt.Threads/opt.Jobs, 1)
	m := &Manifest{
		Format: manifestFormat, Name: p.Config.Name, Method: method.Name, MethodIndex: r.index, Varied: r.varied, Seed: r.seed,
		Dataset: p.Config.Data.Name, Precision: p.Config.Precision,
		Outcome: Running, Identity: r.settings.Identity(), Settings: r.settings,
		Build: opt.Build, Machine: ThisMachine(), Threads: threads, Jobs: opt.Jobs,
		Start: time.Now().UTC(), Checksums: p.Checksums, Choices: p.Choices,
	}
	save := func() error {
		b, err := m.encode()
		if err == nil {
			err = opt.Files.Replace(filepath.Join(dir, "manifest.json"), b)
		}
		return err
	}
	monitor := opt.Monitor.Start(RunInfo{Method: method.Name, Varied: r.varied, Seed: r.seed, Number: r.number, Of: r.of,
		Steps: p.Config.Train.total(p.Train.Len() / p.Config.Train.BatchSize), Limit: p.Config.Train.Seconds})
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic", "value", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v (please report it, with the stack in the log)", v)
		}
		if err != nil {
			m.Outcome, m.Error = Failed, err.Error()
		}
		m.End = time.Now().UTC()
		err = errors.Join(err, save())
		monitor.End(m.Outcome, m.Detail)
	}()

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	pool := tensor.NewPool(threads)
	defer pool.Close()
	logs, err := newLogs(opt.Files, dir)
	if err != nil {
		return err
	}
	weights := filepath.Join(dir, "params.npz")
	if p.Config.Precision == "float64" {
		err = trainOne[float64](ctx, p, method, r.seed, pool, logs, monitor, weights, m)
	} else {
		err = trainOne[float32](ctx, p, method, r.seed, pool, logs, monitor, weights, m)
	}
	return errors.Join(err, logs.close())
}

// trainOne makes one run in precision T, records how it ended in the manifest,
// and saves the weights of one that ended where it should.
func trainOne[T tensor.Float](ctx context.Context, p *Problem, m *Method, seed uint64, pool *tensor.Pool, l *logs, mon RunMonitor, weights string, to *Manifest) (err error) {
	t := newTrainer[T](p.Config, m, seed, p.Problem, p.Net, pool)
	t.logs, t.monitor = l, mon
	to.Outcome, to.Detail, err = t.train(ctx)
	to.GradientSteps = t.gradientSteps
	if err == nil && (to.Outcome == Finished || to.Outcome == Target) {
		err = nn.Save(weights, p.Net, t.w)
	}
	return err
}
