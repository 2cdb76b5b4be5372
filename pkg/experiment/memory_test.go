package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
)

// limited makes the process believe that so many bytes are left.
func limited(t *testing.T, left *int) {
	before := memory.Process
	t.Cleanup(func() { memory.Process = before })
	memory.Process = memory.NewGate(func() (memory.Limit, bool) { return memory.Limit{Name: "the test", Left: *left}, true })
}

// TestTooLarge: a run that does not fit fails by itself, with its sizes, and is tried
// again by the next command.
func TestTooLarge(t *testing.T) {
	left := 500 << 20
	limited(t, &left)
	opt := options(t.TempDir())
	sweep := func() *Result {
		t.Helper()
		s, err := config.ParseSweep("toy.yaml", []byte(toy), []string{"seeds=[0]", "train={batch_size: 50, steps: 1}"}, config.SweepFlags{Grid: []string{"model.hidden=[4],[120000],[8]"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Sweep(context.Background(), s, opt)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := sweep()
	if r.Made != 6 || len(r.Failed) != 2 {
		t.Fatalf("%d runs, failed: %v", r.Made, r.Failed)
	}
	var fault *memory.Error
	if !errors.As(r.Failed[0], &fault) {
		t.Errorf("failed of %v", r.Failed[0])
	}
	names, err := filepath.Glob(filepath.Join(opt.Out, "runs", "sgd", "*120000*", "0", "manifest.json"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	m, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"failed"`, "the run takes about ", "and the test leaves 500.0 MiB; use a smaller model"} {
		if !strings.Contains(string(m), want) {
			t.Errorf("the manifest lacks %s:\n%s", want, m)
		}
	}
	if r = sweep(); r.Made != 2 || len(r.Failed) != 2 {
		t.Errorf("again, %d runs, failed: %v", r.Made, r.Failed)
	}
	left = 5 << 30
	if r = sweep(); r.Made != 2 || len(r.Failed) != 0 {
		t.Errorf("with more memory, %d runs, failed: %v", r.Made, r.Failed)
	}
}

// TestHugeCounts: sizes, steps and epochs that overflow are refused with their key,
// wherever they are given.
func TestHugeCounts(t *testing.T) {
	const most = "9223372036854775807"
	for _, c := range []struct{ set, want string }{
		{"train.steps=" + most, "train.steps: must be at most 9007199254740992, got " + most},
		{"train.epochs=" + most, "train.epochs: must be at most 9007199254740992, got " + most},
		{"train.epochs=9000000000000000", "train.epochs: 9000000000000000 epochs of 6 steps are more than"},
		{"train.batch_size=" + most, "train.batch_size: " + most + " is larger than the 300 training examples"},
		{"data.train_limit=" + most, "data.train_limit: is " + most},
		{"model.hidden=[" + most + "]", "model.hidden: must be at most"},
		{"model.hidden=[1000000, 1000000]", "a run of SGD takes about 25.5 TiB ("},
		{"train.steps=9223372036854775808", "train.steps: expected a whole number"},
		{"methods.SGD.oracle={kind: gauss_newton, inner_iterations: " + most + "}", ""},
		{"methods.SGD.optimizer.learning_rate={schedule: step, initial: 0.1, unit: epoch, every: " + most + "}", ""},
		{"log.every=" + most, ""},
		{"evaluate.every=" + most, ""},
		{"checkpoint.every=" + most, ""},
		{"seeds=[18446744073709551615]", ""},
		{"train.seconds=1e300", ""},
		{"evaluate.train_examples=" + most, ""},
	} {
		conf, err := config.Parse("toy.yaml", []byte(toy), []string{c.set})
		var p *problem.Problem
		if err == nil {
			p, err = problem.Open(conf, options("").Data)
		}
		var text strings.Builder
		if err == nil {
			err = errors.Join(p.Describe(&text), p.Fits())
		}
		var fault *config.Error
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &fault) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\n  says %v\n  want %s", c.set, err, c.want)
		}
		for _, sign := range []string{" -", "x 0 seconds", "NaN"} {
			if strings.Contains(strings.ReplaceAll(text.String(), "e-", "e"), sign) {
				t.Errorf("%s:\n%s", c.set, &text)
			}
		}
		if err == nil && !strings.Contains(c.set, "train_examples") && !strings.Contains(c.set, "seconds") {
			opt := options(t.TempDir())
			if r := run(t, conf, opt); len(r.Failed) > 0 {
				t.Errorf("%s: %v", c.set, r.Failed)
			}
		}
	}
	for _, f := range []config.SweepFlags{
		{Grid: []string{"model.hidden=[4],[" + most + "]"}},
		{Zip: []string{"model.hidden=[4],[" + most + "]"}},
		{Random: []string{"model.hidden=[" + most + "]"}, Samples: 1},
		{Grid: []string{"train.steps=1," + most}},
	} {
		if _, err := config.ParseSweep("toy.yaml", []byte(toy), nil, f); err == nil || !strings.Contains(err.Error(), "must be at most") {
			t.Errorf("%+v: %v", f, err)
		}
	}
	s, err := config.ParseSweep("toy.yaml", []byte(toy), nil, config.SweepFlags{Random: []string{"model.hidden=[4]"}, Samples: 10001})
	if err == nil || !strings.Contains(err.Error(), "samples") {
		t.Errorf("%v, %v", s, err)
	}
}

// TestDeadlineInTheQueue: a run that waits for memory until a deadline passes is
// interrupted, and has not failed.
func TestDeadlineInTheQueue(t *testing.T) {
	left := 900 << 20
	limited(t, &left)
	leave, err := memory.Process.Enter(context.Background(), memory.Footprint{{Name: "another run", Bytes: 700 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	opt := options(t.TempDir())
	if _, err := Run(ctx, parse(t, toy, "seeds=[0]", "model.hidden=[120000]"), opt); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0"))
	if m.Outcome != runlog.Interrupted || m.Detail != context.DeadlineExceeded.Error() || m.Error != "" {
		t.Errorf("%s, %q, %q", m.Outcome, m.Detail, m.Error)
	}
}
