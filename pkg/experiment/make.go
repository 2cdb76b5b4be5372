package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// make makes one run, or the rest of one, and records its outcome. It returns the
// error of a failed run; a panic is one, so that a fault in one method leaves the
// others alone.
func (p *Problem) make(ctx context.Context, f *folder, r planned, opt Options) (err error) {
	method := &r.config.Methods[r.method]
	dir := filepath.Join(f.dir, r.path)
	log := r.log(opt.Log)
	m := r.manifest(opt)
	m.Checksums, m.Choices = p.Checksums, p.Choices
	save := func() error { return m.save(dir, opt.Files) }
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
		said := m.Detail
		if m.Outcome == Failed {
			said = m.Error
		}
		m.End = time.Now().UTC()
		err = errors.Join(err, save())
		if err == nil && m.Outcome.complete() { // and not before that is on disk
			removeCheckpoints(dir, log)
		}
		monitor.End(m.Outcome, said)
	}()

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// The manifest of a new run waits for the disk with the first checkpoint.
	first, begin := opt.Files.Put, save
	if from != nil {
		first, begin = opt.Files.Replace, nil
	}
	if err := m.write(dir, first); err != nil {
		return err
	}
	leave, err := runGate.enter(ctx, p.footprint(method, m.Threads))
	if err != nil && errors.Is(err, ctx.Err()) { // while others were in the way
		m.Outcome, m.Detail = Interrupted, why(ctx)
		return nil
	}
	if err != nil {
		return err
	}
	defer leave()
	pool := tensor.NewPool(m.Threads)
	defer pool.Close()
	logs, err := openLogs(opt.Files, dir, p.Config.Log.Inner && method.solves(), from)
	if err != nil {
		return err
	}
	keep := &checkpointer{files: opt.Files, dir: dir, origin: r.origin(opt), last: from, at: time.Now(), log: log, begin: begin}
	if p.Config.Precision == "float64" {
		err = trainOne[float64](ctx, p, method, r.seed, pool, logs, monitor, keep, m)
	} else {
		err = trainOne[float32](ctx, p, method, r.seed, pool, logs, monitor, keep, m)
	}
	err = once(err, logs.close())
	if m.Outcome.complete() {
		maps.Copy(m.Files, logs.records())
	} else {
		m.Files = nil
	}
	return err
}

// manifest is that of a run that begins.
func (r planned) manifest(opt Options) *Manifest {
	return &Manifest{
		Format: manifestFormat, Name: r.config.Name, Method: r.name(), MethodIndex: r.index, Varied: r.varied, Seed: r.seed,
		Dataset: r.config.Data.Name, Precision: r.config.Precision,
		Outcome: Running, Identity: r.settings.Identity(), Settings: r.settings,
		Build: opt.Build, Machine: ThisMachine(), Threads: max(opt.Threads/opt.Jobs, 1), Jobs: opt.Jobs,
		Start: time.Now().UTC(), Checksums: r.checksums,
	}
}

// failed records the error of a run that could not begin, or continue.
func (f *folder) failed(r planned, err error, opt Options) error {
	m := r.manifest(opt)
	if r.resumed != nil {
		old := *r.resumed
		m = &old
	}
	m.Outcome, m.Error, m.End = Failed, err.Error(), time.Now().UTC()
	dir := filepath.Join(f.dir, r.path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return m.save(dir, opt.Files)
}

// trainOne makes one run in precision T, or the rest of one, records how it
// ended in the manifest, and saves the weights of one that ended where it should.
func trainOne[T tensor.Float](ctx context.Context, p *Problem, m *Method, seed uint64, pool *tensor.Pool, l *logs, mon RunMonitor, keep *checkpointer, to *Manifest) (err error) {
	t := newTrainer[T](p.Config, m, seed, p.Problem, p.Net, pool)
	if p.start != nil {
		tensor.Convert(t.w, p.start.weights)
	}
	t.logs, t.monitor, t.keep, t.clock.stops = l, mon, keep, &processStops
	t.large = p.footprint(m, to.Threads).total() > smallRun
	to.Outcome, to.Detail, err = t.train(ctx)
	err = errors.Join(err, t.saveDuals())
	to.GradientSteps, to.WallSeconds = t.gradientSteps, t.clock.seconds()
	stopped := t.stops()
	to.Suspensions, to.SuspendedSeconds = stopped.Number, stopped.Time.Seconds()
	if now := stopped.Number - t.before.Number; now > 0 {
		keep.log.Warn(fmt.Sprintf("the process was stopped %s while this run was made, for %.1f s that wall_seconds leaves out", times(now), (stopped.Time - t.before.Time).Seconds()))
	}
	to.Files = map[string]FileRecord{}
	if t.inner != nil && t.inner.file.Bytes > 0 {
		to.Files["duals.npz"] = t.inner.file
	}
	if err != nil || to.Outcome != Finished && to.Outcome != Target {
		return err
	}
	var b bytes.Buffer
	if err := arrays.WriteNPZ(&b, nn.Arrays(p.Net, t.w)); err != nil {
		return err
	}
	to.Files["params.npz"] = recordOf(b.Bytes())
	return keep.files.Replace(filepath.Join(keep.dir, "params.npz"), b.Bytes())
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

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
