package experiment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/train"
)

// Local is the [Executor] of this process: it makes several runs at the same time. Runs
// that other processes are making it leaves to the end, and makes those that are not
// complete when they have left them.
type Local struct {
	Folder   *folder.Folder
	Problems *problem.Cache
	Threads  int      // of each run
	Auto     bool     // runs use one thread where steps are faster so
	Pin      *Pinning // where threads are bound; nil: nowhere
	Jobs     int      // runs made at the same time
	Monitor  Monitor
	Log      *slog.Logger
	FailFast bool // begin no run after one has failed
}

var _ Executor = (*Local)(nil)

// Execute implements [Executor].
func (l *Local) Execute(ctx context.Context, tasks []plan.Task, done func(plan.Task, Ending)) error {
	infos := make([]RunInfo, len(tasks))
	for i, t := range tasks {
		infos[i] = RunInfo{Task: t, Number: i + 1, Of: len(tasks)}
	}
	failed := false
	told := func(t plan.Task, e Ending) {
		failed = failed || e.Err != nil
		done(t, e)
	}
	stop := func() bool { return ctx.Err() != nil || l.FailFast && failed }
	busy := l.pass(ctx, infos, false, stop, told)
	if len(busy) > 0 && !stop() {
		l.Log.Info("waiting for runs that other processes make", "runs", len(busy))
		l.pass(ctx, busy, true, stop, told)
	}
	return nil
}

// pass makes runs until it is to stop. Those that others are at work on it waits for, or
// else returns.
func (l *Local) pass(ctx context.Context, runs []RunInfo, wait bool, stop func() bool, done func(plan.Task, Ending)) (busy []RunInfo) {
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, max(l.Jobs, 1))
	for _, r := range runs {
		slots <- struct{}{}
		mu.Lock()
		enough := stop()
		mu.Unlock()
		if enough {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			end, begun := l.attempt(ctx, r, wait)
			mu.Lock()
			defer mu.Unlock()
			if !begun {
				busy = append(busy, r)
				return
			}
			done(r.Task, end)
		})
	}
	all.Wait()
	return busy
}

// attempt makes a run unless another process is at work on it, or, where it waits for
// that, ctx ends first.
func (l *Local) attempt(ctx context.Context, r RunInfo, wait bool) (end Ending, begun bool) {
	c, err := l.Folder.Claim(ctx, r.Task, wait)
	var locked *diskfile.LockedError
	if errors.As(err, &locked) {
		return Ending{}, false
	}
	if err != nil {
		return Ending{Err: err}, true
	}
	defer func() { end.Err = errors.Join(end.Err, c.Release()) }()
	switch c.State {
	case folder.Kept:
		l.Monitor.Start(r).End(c.Outcome, "made by another process")
		return Ending{Elsewhere: true}, true
	case folder.Held:
		return Ending{Err: c.Fault}, true
	}
	end.Resumed = c.Resumed != nil
	p, err := l.open(r.Task)
	if err != nil {
		r.Logger(l.Log).Error("cannot begin", "error", err)
		end.Err = errors.Join(err, l.record(c, err))
		return end, true
	}
	end.Advanced, end.Err = l.train(ctx, p, c, r)
	return end, true
}

// open returns the problem of a task, whose data must be what they were when the task
// was planned.
func (l *Local) open(t plan.Task) (*problem.Problem, error) {
	p, err := l.Problems.Open(t.Config)
	if err != nil {
		return nil, err
	}
	return p, t.SameData(factsOf(p))
}

// train makes a run, or the rest of one, and records its outcome. It returns whether that is
// more than there was, and the error of a failed run; a panic is one, so that a fault in one method leaves the
// others alone.
func (l *Local) train(ctx context.Context, p *problem.Problem, c *folder.Claim, r RunInfo) (advanced bool, err error) {
	files, log := c.Files(), r.Logger(l.Log)
	m := l.manifest(r.Task)
	m.Checksums, m.Choices, m.Placement = p.Checksums, p.Choices, l.Pin.Observe()
	m.Shared = l.Folder.Shared()
	save := func() error { return m.Write(c.Path, files.Replace) }
	if c.From != nil {
		resume(m, c.Resumed, c.From, l.Folder.Origin(r.Task), l.Auto)
		log.Info("continued from a checkpoint", "step", c.From.Step)
		if m.MixedISA != nil {
			log.Warn(fmt.Sprintf("made with the instruction sets %s, one after another: its bits are those of none of them, which the manifest says", strings.Join(m.MixedISA, ", ")))
		}
	}
	monitor := l.Monitor.Start(r)
	// The manifest of a new run waits for the disk with the first checkpoint.
	keep := &checkpoint.Keeper{Files: files, Dir: c.Path, Origin: l.Folder.Origin(r.Task), Last: c.From, At: time.Now(), Begin: save, Log: log}
	before := 0
	if c.From != nil {
		before = c.From.Step
	}
	defer func() {
		if v := recover(); v != nil {
			log.Error("panic", "value", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v (please report it, with the stack in the log)", v)
		}
		if err != nil {
			m.Outcome, m.Error = runlog.Failed, err.Error()
		}
		said := m.Detail
		if m.Outcome == runlog.Failed {
			said = m.Error
		}
		m.End = time.Now().UTC()
		m.Shared = m.Shared || l.Folder.Shared()
		err = errors.Join(err, save())
		advanced = err == nil && (m.Outcome.Complete() || keep.Last != nil && keep.Last.Step > before)
		if err == nil && m.Outcome.Complete() { // and not before that is on disk
			checkpoint.Remove(c.Path, log)
		}
		monitor.End(m.Outcome, said)
	}()

	if err := os.MkdirAll(c.Path, 0o755); err != nil {
		return false, err
	}
	first := files.Put
	if c.From != nil {
		first, keep.Begin = files.Replace, nil
	}
	if err := m.Write(c.Path, first); err != nil {
		return false, err
	}
	method := &p.Config.Methods[0]
	leave, err := memory.Process.Enter(ctx, p.Footprint(method, l.Threads))
	if err != nil && errors.Is(err, ctx.Err()) { // while others were in the way
		m.Outcome, m.Detail = runlog.Interrupted, interrupt.Reason(ctx)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer leave()
	return false, l.logged(ctx, l.training(p, r.Task, m.ThreadChoice), keep, monitor, m)
}

// training is that of a task, with as many threads as its part before a checkpoint chose.
func (l *Local) training(p *problem.Problem, t plan.Task, chosen *runlog.ThreadChoice) train.Training {
	of := train.Training{Problem: p, Method: &p.Config.Methods[0], Seed: t.Seed, Threads: l.Threads, Auto: l.Auto, CPUs: l.Pin.cpus()}
	if chosen != nil {
		of.Threads, of.Auto = chosen.Threads, false
	}
	return of
}

// logged trains with logs, and notes in the manifest what came of it.
func (l *Local) logged(ctx context.Context, t train.Training, keep *checkpoint.Keeper, monitor RunMonitor, m *runlog.Manifest) error {
	logs, err := openLogs(keep, t.Problem.Config, t.Method)
	if err != nil {
		return err
	}
	chosen := func(c runlog.ThreadChoice) { m.Threads, m.ThreadChoice = c.Threads, &c }
	end, err := t.Run(ctx, train.Output{Log: logs, Checkpoints: keep, Monitor: monitor, Chosen: chosen})
	m.Outcome, m.Detail = end.Outcome, end.Detail
	m.WallSeconds, m.GradientSteps, m.Fallbacks = end.WallSeconds, end.GradientSteps, end.Fallbacks
	m.Suspensions, m.SuspendedSeconds = end.Stops.Number, end.Stops.Time.Seconds()
	err = once(err, logs.Close())
	if m.Outcome.Complete() {
		m.Files = end.Files
		maps.Copy(m.Files, logs.Records())
	}
	return err
}

// openLogs makes the logs of a run, or continues those of its last checkpoint.
func openLogs(keep *checkpoint.Keeper, c *config.Config, m *config.Method) (*runlog.Writer, error) {
	var sizes map[string]int64
	if keep.Last != nil {
		sizes = keep.Last.Logs
	}
	return runlog.NewWriter(keep.Files, keep.Dir, requests(c, m), sizes)
}

// requests are the tables that a method's runs have on request.
func requests(c *config.Config, m *config.Method) runlog.Requests {
	return runlog.Requests{Inner: c.Log.Inner && m.Solves(), Probes: m.Probe != nil}
}

// record notes the error of a run that could not begin, or continue.
func (l *Local) record(c *folder.Claim, failure error) error {
	m := l.manifest(c.Task)
	if c.Resumed != nil {
		old := *c.Resumed
		m = &old
	}
	m.Outcome, m.Error, m.End = runlog.Failed, failure.Error(), time.Now().UTC()
	if err := os.MkdirAll(c.Path, 0o755); err != nil {
		return err
	}
	return m.Write(c.Path, c.Files().Replace)
}

// once joins errors, each of one text only: a log that could not be written says so
// again when it is synced, and when it is closed.
func once(errs ...error) error {
	var all []error
	told := map[string]bool{}
	var add func(errs []error)
	add = func(errs []error) {
		for _, err := range errs {
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				add(joined.Unwrap())
			} else if err != nil && !told[err.Error()] {
				told[err.Error()] = true
				all = append(all, err)
			}
		}
	}
	add(errs)
	return errors.Join(all...)
}
