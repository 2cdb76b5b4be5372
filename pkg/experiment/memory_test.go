package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/tensor"
)

func heapInUse() float64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// heldBy returns what a trainer holds after an evaluation and a step.
func heldBy[T tensor.Float](t *testing.T, p *Problem) float64 {
	pool := tensor.NewPool(1)
	defer pool.Close()
	train := func() *trainer[T] {
		tr := newTrainer[T](p.Config, &p.Config.Methods[0], 0, p.Problem, p.Net, pool)
		if _, err := tr.eval.evaluate(context.Background(), tr.w); err != nil {
			t.Fatal(err)
		}
		tr.warmUp() // whose oracle must not stay
		tr.direct()
		tr.oracle.Complete(true)
		tr.update()
		return tr
	}
	train() // work space of products belongs to the pool
	before := heapInUse()
	tr := train()
	after := heapInUse()
	runtime.KeepAlive([]any{tr, p, pool})
	return after - before
}

// TestFootprint compares the estimate of what a run holds with what it does hold, for
// every oracle, optimizer, line search, and model.
func TestFootprint(t *testing.T) {
	var cases []string
	for _, name := range oracles.Known.Names() {
		cases = append(cases, "methods.SGD.oracle={kind: "+name+"}")
	}
	for _, name := range []string{"pcg", "lanczos", "cholesky"} {
		cases = append(cases, "methods.SGD.oracle={kind: gauss_newton, solver: "+name+", inner_iterations: 30}")
	}
	for _, name := range optim.Known.Names() {
		cases = append(cases, "methods.SGD.optimizer={kind: "+name+"}")
	}
	for _, name := range optim.LineSearches.Names() {
		cases = append(cases, "methods.SGD.line_search={kind: "+name+"}")
	}
	for _, name := range nn.Models.Names() {
		if name != "sequential" {
			cases = append(cases, "model={kind: "+name+"}")
		}
	}
	for _, set := range cases {
		for _, precision := range []string{"float32", "float64"} {
			c := parse(t, toy, "methods=[{name: SGD, optimizer: {kind: sgd, momentum: 0.9}}]", "train.batch_size=100", "model.hidden=[300]", set, "precision="+precision)
			p, err := Open(c, options("").Data)
			if err != nil {
				t.Fatal(err)
			}
			counted := 0.0
			for _, part := range p.footprint(&c.Methods[0], 1) {
				if part.name != "drawing and saving weights" && part.name != "products" {
					counted += float64(part.bytes)
				}
			}
			held := heldBy[float32]
			if precision == "float64" {
				held = heldBy[float64]
			}
			if got := held(t, p); counted < 0.8*got || counted > 1.25*got {
				t.Errorf("%s, %s: %.0f bytes are counted, %.0f held: a ratio of %.3f", set, precision, counted, got, counted/got)
			}
		}
	}
}

// limited makes the process believe that so many bytes are left.
func limited(t *testing.T, left *int) {
	before := runGate
	t.Cleanup(func() { runGate = before })
	runGate = &gate{left: func() (memory.Limit, bool) { return memory.Limit{Name: "the test", Left: *left}, true }}
}

// TestTooLarge: a run that does not fit fails by itself, with its sizes, and is tried
// again by the next command.
func TestTooLarge(t *testing.T) {
	left := 500 << 20
	limited(t, &left)
	opt := options(t.TempDir())
	sweep := func() *Result {
		t.Helper()
		s, err := ParseSweep("toy.yaml", []byte(toy), []string{"seeds=[0]", "train={batch_size: 50, steps: 1}"}, SweepFlags{Grid: []string{"model.hidden=[4],[60000],[8]"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Run(context.Background(), opt)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := sweep()
	if r.Made != 6 || len(r.Failed) != 2 {
		t.Fatalf("%d runs, failed: %v", r.Made, r.Failed)
	}
	var fault *MemoryError
	if !errors.As(r.Failed[0], &fault) {
		t.Errorf("failed of %v", r.Failed[0])
	}
	names, err := filepath.Glob(filepath.Join(opt.Out, "runs", "sgd", "*60000*", "0", "manifest.json"))
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

// TestGate: of runs made at the same time, as many are let in as fit together.
func TestGate(t *testing.T) {
	left := 1000 << 20
	limited(t, &left)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	of := func(bytes int) footprint { return footprint{{"numbers", bytes}} }
	first, err := runGate.enter(ctx, of(400<<20))
	if err != nil {
		t.Fatal(err)
	}
	left = 500 << 20 // which the first run has taken
	second, err := runGate.enter(ctx, of(400<<20))
	if err != nil {
		t.Fatal(err)
	}
	if leave, err := runGate.enter(ctx, of(10)); err != nil { // of no weight
		t.Error(err)
	} else {
		leave()
	}
	third := make(chan error)
	go func() {
		leave, err := runGate.enter(ctx, of(400<<20))
		if err == nil {
			leave()
		}
		third <- err
	}()
	select {
	case err := <-third:
		t.Fatalf("a third run is let in: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	first()
	if err := <-third; err != nil {
		t.Error(err)
	}
	go func() {
		_, err := runGate.enter(ctx, of(900<<20))
		third <- err
	}()
	cancel()
	if err := <-third; !errors.Is(err, context.Canceled) {
		t.Errorf("an interruption while waiting: %v", err)
	}
	second()
	var fault *MemoryError
	if _, err := runGate.enter(context.Background(), of(900<<20)); !errors.As(err, &fault) {
		t.Errorf("alone, and too large: %v", err)
	}
	if runGate.running != 0 || runGate.reserved != 0 {
		t.Errorf("%+v", runGate)
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
		config, err := Parse("toy.yaml", []byte(toy), []string{c.set})
		var p *Problem
		if err == nil {
			p, err = Open(config, options("").Data)
		}
		var text strings.Builder
		if err == nil {
			err = errors.Join(p.Describe(&text), p.Fits())
		}
		var fault *ConfigError
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
			if r := run(t, config, opt); len(r.Failed) > 0 {
				t.Errorf("%s: %v", c.set, r.Failed)
			}
		}
	}
	for _, f := range []SweepFlags{
		{Grid: []string{"model.hidden=[4],[" + most + "]"}},
		{Zip: []string{"model.hidden=[4],[" + most + "]"}},
		{Random: []string{"model.hidden=[" + most + "]"}, Samples: 1},
		{Grid: []string{"train.steps=1," + most}},
	} {
		if _, err := ParseSweep("toy.yaml", []byte(toy), nil, f); err == nil || !strings.Contains(err.Error(), "must be at most") {
			t.Errorf("%+v: %v", f, err)
		}
	}
	s, err := ParseSweep("toy.yaml", []byte(toy), nil, SweepFlags{Random: []string{"model.hidden=[4]"}, Samples: 10001})
	if err == nil || !strings.Contains(err.Error(), "samples") {
		t.Errorf("%v, %v", s, err)
	}
}

// TestDeadlineInTheQueue: a run that waits for memory until a deadline passes is
// interrupted, and has not failed.
func TestDeadlineInTheQueue(t *testing.T) {
	left := 900 << 20
	limited(t, &left)
	leave, err := runGate.enter(context.Background(), footprint{{"another run", 700 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	opt := options(t.TempDir())
	if _, err := Run(ctx, parse(t, toy, "seeds=[0]", "model.hidden=[60000]"), opt); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0"))
	if m.Outcome != Interrupted || m.Detail != context.DeadlineExceeded.Error() || m.Error != "" {
		t.Errorf("%s, %q, %q", m.Outcome, m.Detail, m.Error)
	}
}

// TestBatchThatDoesNotFit: a batch too large for memory is not read.
func TestBatchThatDoesNotFit(t *testing.T) {
	before := runGate
	t.Cleanup(func() { runGate = before })
	runGate = &gate{left: func() (memory.Limit, bool) { return memory.Limit{Name: "the test", Left: 1 << 20}, true }}
	file := filepath.Join(t.TempDir(), "b.npz")
	x := make([]float64, 1<<22)
	if err := arrays.WriteFile(file, []arrays.Array{arrays.Float64("x", []int{1 << 20, 4}, x), arrays.Float64("y", []int{1 << 20}, x[:1<<20])}); err != nil {
		t.Fatal(err)
	}
	_, err := readBatch(file)
	var wrong *FileError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "of memory, and the test leaves 1.0 MiB") {
		t.Errorf("says %v", err)
	}
}
