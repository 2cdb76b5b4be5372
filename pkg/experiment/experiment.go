// Package experiment turns a config into runs: it reads the data, trains every
// method from every seed, logs as it goes, and leaves a folder of results that
// can be told apart from any other.
package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
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
}

// A RunInfo announces a run.
type RunInfo struct {
	Method string
	Seed   uint64
	Steps  int     // of the whole run, 0 if unknown
	Limit  float64 // seconds of training, 0 if unlimited
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
	Dir     string
	Methods []string // of the config, in order
	Made    int      // runs made now
	Resumed int      // of these, continued from a checkpoint
	Reused  int      // runs found complete
	Failed  []error  // one for each failed run
}

// A planned run is one method from one seed, and where it goes.
type planned struct {
	method   int
	seed     uint64
	path     string // relative to the results folder
	settings Settings
	resumed  *Manifest // of the interrupted run that is to be continued, nil: there is none
}

// Run makes every run of the experiment that the results folder lacks. A run
// that fails does not stop the others: it is in Result.Failed. The error tells
// of what stops everything, ctx's own error of an interruption.
func Run(ctx context.Context, c *Config, opt Options) (*Result, error) {
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
	p, err := Open(c, opt.Data)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Notes {
		opt.Log.Info(n)
	}
	f, err := openFolder(opt.Out, time.Now())
	if err != nil {
		return nil, err
	}
	result, err := p.runAll(ctx, f, opt)
	return result, errors.Join(err, f.close())
}

// runAll is Run with the data read and the folder locked.
func (p *Problem) runAll(ctx context.Context, f *folder, opt Options) (*Result, error) {
	todo, reused, err := p.plan(f, opt)
	if err != nil {
		return nil, err
	}
	resolved, err := p.Config.YAML()
	if err != nil {
		return nil, err
	}
	if err := opt.Files.Replace(filepath.Join(f.dir, "config.yaml"), resolved); err != nil {
		return nil, fmt.Errorf("cannot write to the results folder: %w", err)
	}
	result := &Result{Dir: f.dir, Made: len(todo), Reused: reused}
	for _, r := range todo {
		if r.resumed != nil {
			result.Resumed++
		}
	}
	for _, m := range p.Config.Methods {
		result.Methods = append(result.Methods, m.Name)
	}

	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, opt.Jobs)
	for _, r := range todo {
		slots <- struct{}{}
		if ctx.Err() != nil {
			<-slots
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := p.make(ctx, f, r, opt); err != nil {
				mu.Lock()
				defer mu.Unlock()
				m := p.Config.Methods[r.method].Name
				result.Failed = append(result.Failed, fmt.Errorf("%s, seed %d: %w", m, r.seed, err))
			}
		})
	}
	wg.Wait()
	return result, ctx.Err()
}

// plan compares the config with what the folder holds: complete runs of the
// same settings are reused, incomplete ones continued from their checkpoints, or
// made again if they have none, and those of other settings are an error, all
// before anything is moved.
func (p *Problem) plan(f *folder, opt Options) (todo []planned, reused int, err error) {
	var conflicts []string
	var aside []string
	for i := range p.Config.Methods {
		m := &p.Config.Methods[i]
		for _, seed := range p.Config.Seeds {
			r := planned{method: i, seed: seed, path: runPath(m.Name, seed)}
			if r.settings, err = p.Config.settings(m, seed, p.Checksums); err != nil {
				return nil, 0, err
			}
			old, err := f.manifest(r.path)
			switch {
			case err != nil && !opt.Fresh:
				return nil, 0, configErrorf("%w; dgn run --fresh moves it aside", err)
			case err == nil && old == nil && !f.exists(r.path):
				todo = append(todo, r)
			case opt.Fresh || old == nil:
				todo, aside = append(todo, r), append(aside, r.path)
			case old.Identity == r.settings.Identity() && !old.Outcome.complete():
				found, warning, err := f.lastCheckpoint(r.path, r.origin(opt))
				switch {
				case err != nil:
					conflicts = append(conflicts, err.Error())
				case found == nil:
					todo, aside = append(todo, r), append(aside, r.path)
				default:
					r.resumed = old
					todo = append(todo, r)
				}
				if warning != "" {
					opt.Log.Warn(warning, "method", m.Name, "seed", seed)
				}
			case old.Identity == r.settings.Identity():
				reused++
				removeCheckpoints(filepath.Join(f.dir, r.path), opt.Log) // of a run killed at its very end
				opt.Log.Info("kept: complete with these settings", "method", m.Name, "seed", seed, "outcome", old.Outcome)
			default:
				conflicts = append(conflicts, fmt.Sprintf("%s was made with other settings:\n    %s",
					filepath.Join(f.dir, r.path), strings.Join(diff(old.Settings, r.settings), "\n    ")))
			}
		}
	}
	if len(conflicts) > 0 {
		return nil, 0, configErrorf("%s\nRun with --fresh to move these runs aside and make them again, or choose another folder with --out or name.",
			strings.Join(conflicts, "\n"))
	}
	for _, path := range aside {
		to, err := f.moveAside(path)
		if err != nil {
			return nil, 0, fmt.Errorf("cannot move an earlier run aside: %w", err)
		}
		opt.Log.Info("moved an earlier run aside", "run", filepath.Join(f.dir, path), "to", to)
	}
	return todo, reused, nil
}

// origin is what the run's bits follow from if it is made now.
func (r planned) origin(opt Options) origin {
	return newOrigin(r.settings, opt.Build, ThisMachine())
}

// make makes one run, or the rest of one, and records its outcome. It returns the
// error of a failed run; a panic is one, so that a fault in one method leaves the
// others alone.
func (p *Problem) make(ctx context.Context, f *folder, r planned, opt Options) (err error) {
	method := &p.Config.Methods[r.method]
	dir := filepath.Join(f.dir, r.path)
	log := opt.Log.With("method", method.Name, "seed", r.seed)
	threads := max(opt.Threads/opt.Jobs, 1)
	m := &Manifest{
		Format: manifestFormat, Name: p.Config.Name, Method: method.Name, MethodIndex: r.method, Seed: r.seed,
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
	var from *checkpoint
	if r.resumed != nil {
		if from, _, err = f.lastCheckpoint(r.path, r.origin(opt)); err == nil && from == nil {
			err = errors.New("its checkpoint has gone since the program started")
		}
		if err != nil {
			return err
		}
		m.resume(r.resumed, from)
		log.Info("continued from a checkpoint", "step", from.Step)
	}
	monitor := opt.Monitor.Start(RunInfo{Method: method.Name, Seed: r.seed,
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
		if err == nil && m.Outcome.complete() { // and not before that is on disk
			removeCheckpoints(dir, log)
		}
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
	logs, err := openLogs(opt.Files, dir, from)
	if err != nil {
		return err
	}
	keep := &checkpointer{files: opt.Files, dir: dir, origin: r.origin(opt), last: from, at: time.Now(), log: log}
	if p.Config.Precision == "float64" {
		err = trainOne[float64](ctx, p, method, r.seed, pool, logs, monitor, keep, m)
	} else {
		err = trainOne[float32](ctx, p, method, r.seed, pool, logs, monitor, keep, m)
	}
	return errors.Join(err, logs.close())
}

// trainOne makes one run in precision T, or the rest of one, records how it
// ended in the manifest, and saves the weights of one that ended where it should.
func trainOne[T tensor.Float](ctx context.Context, p *Problem, m *Method, seed uint64, pool *tensor.Pool, l *logs, mon RunMonitor, keep *checkpointer, to *Manifest) (err error) {
	t := newTrainer[T](p.Config, m, seed, p.Problem, p.Net, pool)
	t.logs, t.monitor, t.keep = l, mon, keep
	to.Outcome, to.Detail, err = t.train(ctx)
	to.GradientSteps, to.WallSeconds = t.gradientSteps, t.clock.seconds()
	if err != nil || to.Outcome != Finished && to.Outcome != Target {
		return err
	}
	var b bytes.Buffer
	if err := arrays.WriteNPZ(&b, nn.Arrays(p.Net, t.w)); err != nil {
		return err
	}
	return keep.files.Replace(filepath.Join(keep.dir, "params.npz"), b.Bytes())
}
