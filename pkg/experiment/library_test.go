package experiment

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
)

// TestZeroOptions: a program that imports the package need set nothing but where
// the results go.
func TestZeroOptions(t *testing.T) {
	dir := t.TempDir()
	c := parse(t, toy, "seeds=[0]")
	r, err := Run(context.Background(), c, Options{Out: dir})
	if err != nil || len(r.Failed) > 0 || r.Made != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if m := manifestAt(t, filepath.Join(dir, "runs/sgd/0")); m.Outcome != runlog.Finished || m.Threads != 1 || m.Jobs != 1 {
		t.Errorf("%+v", m)
	}
	s, err := config.ParseSweep("toy.yaml", []byte(toy+"sweep: {grid: [{key: methods.SGD.optimizer.learning_rate, values: [0.1, 0.2]}]}\n"), nil, config.SweepFlags{})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := List(s, Options{Out: dir}); err != nil || len(l.Runs) != 6 {
		t.Errorf("%+v, %v", l, err)
	}
	if r, err := Sweep(context.Background(), s, Options{Out: dir}); err != nil || len(r.Failed) > 0 || r.Made != 4 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestZeroEnvDownloads: data are fetched without a client or a context of the
// caller's; that fails here for want of a server, and not by a panic.
func TestZeroEnvDownloads(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	c := parse(t, toy, "data={name: mnist, dir: "+t.TempDir()+"}", "seeds=[0]")
	r, err := Run(context.Background(), c, Options{Out: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestContextErrors: every way in which a context ends is an interruption: what
// was not evaluated leaves no row, the run continues later, and the error tells
// the cause.
func TestContextErrors(t *testing.T) {
	reason := errors.New("the batch system wants its node back")
	for _, c := range []struct {
		name   string
		end    func() (context.Context, func())
		is     []error
		detail string
	}{
		{"cancelled", func() (context.Context, func()) {
			ctx, cancel := context.WithCancel(context.Background())
			return ctx, cancel
		}, []error{context.Canceled}, ""},
		{"with a cause", func() (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(context.Background())
			return ctx, func() { cancel(reason) }
		}, []error{context.Canceled, reason}, reason.Error()},
		{"deadline", func() (context.Context, func()) {
			ctx := &lateContext{Context: context.Background(), done: make(chan struct{})}
			return ctx, func() { close(ctx.done) }
		}, []error{context.DeadlineExceeded}, context.DeadlineExceeded.Error()},
		{"timeout", func() (context.Context, func()) {
			ctx, cancel := context.WithTimeoutCause(context.Background(), time.Hour, reason)
			cancel()
			return ctx, func() {}
		}, []error{context.Canceled}, ""},
	} {
		// Step 6 is the last of an epoch: the first look at ctx after it is that
		// of the evaluation. At step 4 it is that between steps.
		for _, at := range []int{6, 4} {
			config := parse(t, toy, "seeds=[0]")
			config.Methods = config.Methods[:1]
			opt := options(t.TempDir())
			ctx, end := c.end()
			opt.Monitor = watcher{step: func(_ string, _ uint64, step int) {
				if step == at {
					end()
				}
			}}
			_, err := Run(ctx, config, opt)
			for _, want := range c.is {
				if !errors.Is(err, want) {
					t.Errorf("%s: %v is not %v", c.name, err, want)
				}
			}
			dir := filepath.Join(opt.Out, "runs/sgd/0")
			if _, err := os.Stat(dir); err != nil { // ended before it began
				continue
			}
			if m := manifestAt(t, dir); m.Outcome != runlog.Interrupted || m.Detail != c.detail {
				t.Errorf("%s at step %d: %s, detail %q, want %q", c.name, at, m.Outcome, m.Detail, c.detail)
			}
			opt.Monitor = nil
			if r := run(t, config, opt); r.Resumed != 1 {
				t.Errorf("%s at step %d: continued %d", c.name, at, r.Resumed)
			}
			metrics, n := rows(t, filepath.Join(dir, "metrics.csv"))
			for i := range n {
				if !(number(t, metrics["train_loss"][i]) > 0) {
					t.Errorf("%s at step %d: row %d of metrics.csv has the loss %s", c.name, at, i, metrics["train_loss"][i])
				}
			}
			if n != 3 {
				t.Errorf("%s at step %d: %d rows", c.name, at, n)
			}
		}
	}
}

// A lateContext passes its deadline when it is told to.
type lateContext struct {
	context.Context
	done chan struct{}
}

func (c *lateContext) Done() <-chan struct{} { return c.done }
func (c *lateContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestScheduleIdentity: results of early versions, whose last step had the final
// value of a schedule over the whole run, are of other settings; those of
// schedules that the length of the run does not change are the same.
func TestScheduleIdentity(t *testing.T) {
	const key = ".final_value"
	for _, c := range []struct{ set, key string }{
		{"methods.SGD.optimizer.learning_rate={schedule: cosine, initial: 0.1}", "optimizer.learning_rate" + key},
		{"methods.SGD.optimizer.learning_rate={schedule: linear, initial: 0.1, warmup_steps: 3}", "optimizer.learning_rate" + key},
		{"methods.SGD.oracle={kind: gradient, gamma: {schedule: cosine, initial: 0.1}}", "oracle.gamma" + key},
		{"methods.SGD.oracle={kind: gauss_newton, gamma: {schedule: cosine, initial: 0.1}}", "oracle.gamma" + key},
		{"methods.SGD.oracle={kind: prox_linear, gamma: {schedule: linear, initial: 0.1}}", "oracle.gamma" + key},
		{"methods.SGD.optimizer.learning_rate={schedule: cosine, initial: 0.1, steps: 12}", ""},
		{"methods.SGD.optimizer.learning_rate={schedule: step}", ""},
		{"methods.SGD.optimizer.learning_rate=0.1", ""},
	} {
		runs, err := plan.New(parse(t, toy, c.set).Plain(), func(*config.Config) (plan.Facts, error) { return plan.Facts{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for k := range runs.Tasks[0].Settings {
			if strings.HasSuffix(k, key) {
				found += k
			}
		}
		if found != c.key {
			t.Errorf("%s: the settings hold %q, want %q", c.set, found, c.key)
		}
	}
}

// TestLastStepMoves: the last step of a run with a decay to 0 changes the weights.
func TestLastStepMoves(t *testing.T) {
	opt := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]", "evaluate.every=1", "methods.SGD.optimizer.learning_rate={schedule: cosine, initial: 0.1}",
		"methods.Adam!.oracle={kind: gauss_newton, gamma: {schedule: linear}}", "methods.Adam!.optimizer={kind: sgd, learning_rate: 1}"), opt)
	for _, path := range []string{"runs/sgd/0", "runs/adam/0"} {
		metrics, n := rows(t, filepath.Join(opt.Out, path, "metrics.csv"))
		if a, b := number(t, metrics["train_loss"][n-2]), number(t, metrics["train_loss"][n-1]); a == b || math.IsNaN(b) {
			t.Errorf("%s: the loss is %g before and after the last step", path, a)
		}
	}
}

// TestUncheckedConfig: a config that a program made without config.New is refused with all
// that it lacks, and does not panic.
func TestUncheckedConfig(t *testing.T) {
	var wrong *config.Error
	if _, err := Run(context.Background(), &config.Config{Name: "x"}, Options{Out: t.TempDir()}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "loss: is missing") {
		t.Errorf("says %v", err)
	}
	c := parse(t, toy, "seeds=[0]", "train.epochs=1")
	c.Methods = []config.Method{{Name: "SGD", Optimizer: c.Methods[0].Optimizer}}
	if _, err := Run(context.Background(), c, Options{Out: t.TempDir()}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "config.New fills them in") {
		t.Errorf("says %v", err)
	}
}
