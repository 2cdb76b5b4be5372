package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/stats"
	"github.com/dualgn/dgn/pkg/timing"
	"github.com/dualgn/dgn/pkg/train"
)

// Methods is what `dgn bench CONFIG` reports: what the training steps of methods take, at
// the start of a run. Times are medians of rounds, in each of which all methods are
// measured in turn, and a plain SGD step with them.
type Methods struct {
	Machine   Site     `json:"machine"`
	Precision string   `json:"precision"`
	Seed      uint64   `json:"seed"`
	Rounds    int      `json:"rounds"`
	Plain     []Method `json:"plain_sgd"` // by batch size: what relative costs are over
	Methods   []Method `json:"methods"`
	Failed    []Failed `json:"failed,omitempty"`
}

// A Site says where steps were measured: a machine, the CPUs that threads were bound to,
// and what it was at before.
type Site struct {
	Machine
	runlog.Placement
	Others *float64 `json:"others_busy_cpus,omitempty"` // how many of the CPUs others kept busy; nil: it is not known
}

// A Method is what its steps take.
type Method struct {
	Name         string     `json:"name"`
	BatchSize    int        `json:"batch_size"`
	Threads      int        `json:"threads"`
	Steps        int        `json:"steps_per_round"`
	StepSeconds  float64    `json:"step_seconds"`
	StepRange    [2]float64 `json:"step_seconds_range"` // the least and the largest of the rounds
	RelativeCost float64    `json:"relative_cost"`      // to a plain SGD step of this batch size in the same round
	CostRange    [2]float64 `json:"relative_cost_range"`
	GFLOPS       float64    `json:"gflops"` // of the multiply-adds that are counted: of products alone
	Counters     Counters   `json:"counters"`
	Allocs       float64    `json:"allocs_per_step"`

	// PeakRSS is the most memory that the process had resident while the method was
	// measured, of which the data, and the program, are a part. Of other methods nothing
	// is in it: each has its work space in its own turns alone. It is nil where the
	// system does not tell, see [memory.Peak].
	PeakRSS *int `json:"peak_rss_bytes"`
}

// Counters are means over the measured steps, see [oracles.Counters].
type Counters struct {
	Forwards        float64 `json:"forwards"`
	JVPs            float64 `json:"jvps"`
	VJPs            float64 `json:"vjps"`
	GramProducts    float64 `json:"gram_products"`
	MultiplyAdds    float64 `json:"multiply_adds"`
	InnerIterations float64 `json:"inner_iterations"`
}

// Failed is a method that has no numbers, and why.
type Failed struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// MethodOptions are how methods are measured.
type MethodOptions struct {
	Machine Machine
	Auto    bool // one thread is used where steps are faster so
	Log     *slog.Logger
}

// plainName is what the step that all others are compared with is called.
const plainName = "plain SGD step"

// plainRate is its learning rate, so small that weights stay near the initial ones.
const plainRate = 1e-6

// passSteps is the number of steps after which a method begins again: those of the start
// of a run, whose work does not depend on how fast the machine is.
const passSteps = 100

// roundTime is how long a method is measured in a round.
var roundTime = 60 * time.Millisecond

// lookTime is how long others are watched before the first round.
const lookTime = 100 * time.Millisecond

// OpenMethods returns the problem of each method of a study that is not swept over, with
// the data of the first seed.
func OpenMethods(s *config.Study, from *problem.Cache) (list []*problem.Problem, err error) {
	for _, point := range s.Points {
		p, err := from.Open(point.Config.SplitBy(s.Config.Seeds[0]))
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// MeasureMethods measures problems of one method each. Methods that fail are in
// Methods.Failed, and stop no other; the error is that of a plain SGD step, that threads
// cannot be bound, or ctx's.
func MeasureMethods(ctx context.Context, problems []*problem.Problem, opt MethodOptions) (result *Methods, err error) {
	pin, err := experiment.Pin(opt.Machine.Threads, opt.Log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pin.Release()) }()
	first := problems[0].Config
	r := &Methods{Machine: siteOf(ctx, opt, pin), Precision: first.Precision, Seed: first.Seeds[0], Rounds: rounds, Methods: []Method{}}
	all := subjects(problems, train.Training{Seed: r.Seed, Threads: opt.Machine.Threads, Auto: opt.Auto, CPUs: pin.CPUs})
	for _, s := range all {
		if err := s.begin(ctx); err != nil {
			return nil, err
		}
	}
	left := func(s *subject) bool { return s != s.plain && s.err == nil }
	for round := 0; round < rounds && slices.ContainsFunc(all, left); round++ {
		for _, i := range timing.Order(len(all), round) {
			if err := all[i].round(ctx); err != nil {
				return nil, err
			}
		}
		opt.Log.Info(fmt.Sprintf("measured: round %d of %d", round+1, rounds))
	}
	for _, s := range all {
		switch {
		case s.err != nil:
			r.Failed = append(r.Failed, Failed{s.name(), s.err.Error()})
		case s != s.plain:
			r.Methods = append(r.Methods, s.result())
		case len(s.seconds) == rounds: // and all methods have not failed before
			r.Plain = append(r.Plain, s.result())
		}
	}
	return r, nil
}

// Err returns a [experiment.RunError] for each method that failed.
func (r *Methods) Err() error {
	var errs []error
	for _, f := range r.Failed {
		errs = append(errs, &experiment.RunError{Run: f.Name, Err: errors.New(f.Error)})
	}
	return errors.Join(errs...)
}

// siteOf looks at the machine before it is measured.
func siteOf(ctx context.Context, opt MethodOptions, pin *experiment.Pinning) Site {
	at := Site{Machine: opt.Machine, Placement: *pin.Observe()}
	if busy, ok := placement.Others(ctx, pin.CPUs, lookTime); ok {
		at.Others = &busy
		if busy > timing.MuchOthers {
			opt.Log.Warn(fmt.Sprintf("others keep %.1f of the CPUs %v busy: what is measured now is not this program alone", busy, pin.CPUs))
		}
	}
	return at
}

// A subject is a method that is measured, and what was found.
type subject struct {
	of    train.Training
	plain *subject // that it is compared with; itself, if it is one
	steps int      // of a round
	err   error    // why there are no numbers

	total   turn      // of all rounds
	seconds []float64 // of a step, by round
}

// subjects returns one for each problem, after the plain SGD steps of their batch sizes.
func subjects(problems []*problem.Problem, like train.Training) []*subject {
	plain := map[int]*subject{}
	var plains, methods []*subject
	for _, p := range problems {
		batch := p.Config.Train.BatchSize
		if plain[batch] == nil {
			s := &subject{of: like}
			s.plain, s.of.Problem = s, plainOf(p)
			plain[batch], plains = s, append(plains, s)
		}
		s := &subject{of: like, plain: plain[batch]}
		s.of.Problem = p
		methods = append(methods, s)
	}
	all := append(plains, methods...)
	for _, s := range all {
		s.of.Method = &s.of.Problem.Config.Methods[0]
	}
	return all
}

// plainOf is a problem with the method that others are compared with in place of its own:
// one gradient, and one pass over the weights.
func plainOf(p *problem.Problem) *problem.Problem {
	sgd, err := registry.Choose(&optim.Known, "sgd", func(o *optim.SGD) { o.LearningRate = schedules.Const(plainRate) })
	if err != nil {
		panic("bench: " + err.Error())
	}
	q, c := *p, *p.Config
	q.Config = &c
	c.Methods = []config.Method{{
		Name:       plainName,
		Oracle:     config.Oracle{Choice: oracles.Known.Default("gradient")},
		Optimizer:  config.Optimizer{Choice: sgd},
		LineSearch: config.LineSearch{Choice: optim.LineSearches.Default("none")},
	}}
	return &q
}

func (s *subject) name() string { return s.of.Method.Name }

// begin makes a turn that does not count, and finds how many steps a round has.
func (s *subject) begin(ctx context.Context) error {
	t := s.turn(ctx, func(t *turn) bool { return t.Seconds >= roundTime.Seconds()/4 })
	if t.Steps > 0 {
		s.steps = max(1, int(math.Round(roundTime.Seconds()*float64(t.Steps)/t.Seconds)))
	}
	return s.failure(ctx)
}

// round makes a turn that counts.
func (s *subject) round(ctx context.Context) error {
	if s.err != nil {
		return nil
	}
	t := s.turn(ctx, func(t *turn) bool { return t.Steps >= s.steps })
	s.total.add(t)
	s.seconds = append(s.seconds, t.Seconds/float64(t.Steps))
	return s.failure(ctx)
}

// failure returns what stops everything: an interruption, or that there is nothing to
// compare with.
func (s *subject) failure(ctx context.Context) error {
	if ctx.Err() != nil {
		return interrupt.Cause(ctx)
	}
	if s.err != nil && s == s.plain {
		return &experiment.RunError{Run: s.name(), Err: s.err}
	}
	return nil
}

// A turn is some steps of one method.
type turn struct {
	train.Work
	mallocs uint64
	peak    int  // bytes resident, 0 where it is not known
	blind   bool // the peak is not known
}

func (t *turn) add(o turn) {
	t.Steps += o.Steps
	t.Seconds += o.Seconds
	t.Counters.Add(o.Counters)
	t.InnerIterations += o.InnerIterations
	t.mallocs += o.mallocs
	t.peak, t.blind = max(t.peak, o.peak), t.blind || o.blind
}

// turn makes steps until there are enough of them, or ctx ends, from the initial weights
// and again from there after passSteps, or where a run would end. They are made as a run
// of its own, in memory that is made for it and given back, so that methods are not in the
// way of each other. A failure is noted in s.
func (s *subject) turn(ctx context.Context, enough func(*turn) bool) (t turn) {
	debug.FreeOSMemory() // of the turn before
	leave, err := memory.Process.Enter(ctx, s.of.Problem.Footprint(s.of.Method, s.of.Threads))
	if err != nil {
		s.err = err
		return t
	}
	defer leave()
	reset := memory.ResetPeak()
	steps, err := s.of.Stepper()
	if err != nil {
		s.err = err
		return t
	}
	defer steps.Close()
	s.of.Threads, s.of.Auto = steps.Threads(), false // as chosen in the first turn
	for s.err == nil && ctx.Err() == nil {
		s.err = t.pass(ctx, steps, enough)
		if enough(&t) {
			break
		}
		if s.err == nil {
			s.err = steps.Restart()
		}
	}
	peak, ok := memory.Peak()
	t.peak, t.blind = peak, !reset || !ok
	return t
}

// pass adds steps from the start of a run to the turn.
func (t *turn) pass(ctx context.Context, steps train.Stepper, enough func(*turn) bool) error {
	var before, after runtime.MemStats
	was := *t
	runtime.ReadMemStats(&before)
	for {
		steps.Step()
		if err := steps.Check(); err != nil {
			return err
		}
		made := turn{Work: steps.Work()}
		*t = was
		t.add(made)
		if made.Steps == passSteps || steps.Done() || enough(t) || ctx.Err() != nil {
			break
		}
	}
	runtime.ReadMemStats(&after)
	t.mallocs += after.Mallocs - before.Mallocs
	return steps.CheckEnd()
}

// result sums up the rounds.
func (s *subject) result() Method {
	n := float64(s.total.Steps)
	c := s.total.Counters
	m := Method{
		Name: s.name(), BatchSize: s.of.Problem.Config.Train.BatchSize, Threads: s.of.Threads, Steps: s.steps,
		Counters: Counters{
			Forwards: float64(c.Forwards) / n, JVPs: float64(c.JVPs) / n, VJPs: float64(c.VJPs) / n, GramProducts: float64(c.GramProducts) / n,
			MultiplyAdds: float64(c.MultiplyAdds) / n, InnerIterations: float64(s.total.InnerIterations) / n,
		},
		Allocs: float64(s.total.mallocs) / n,
	}
	var costs []float64
	for i, seconds := range s.seconds {
		costs = append(costs, seconds/s.plain.seconds[i])
	}
	m.StepSeconds, m.StepRange = summed(s.seconds)
	m.RelativeCost, m.CostRange = summed(costs)
	m.GFLOPS = 2 * m.Counters.MultiplyAdds / m.StepSeconds / 1e9
	if !s.total.blind {
		m.PeakRSS = &s.total.peak
	}
	return m
}

// summed returns the median of some numbers, and their range.
func summed(v []float64) (median float64, ends [2]float64) {
	return stats.Median(v), [2]float64{slices.Min(v), slices.Max(v)}
}

// WriteTable writes the measurements for people.
func (r *Methods) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%s, seed %d; medians of %d rounds, methods in turn, lo and hi: the least and the largest\n\n", r.Machine, r.Precision, r.Seed, r.Rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	all := slices.Concat(r.Plain, r.Methods)
	fmt.Fprintln(t, "method\tbatch\tthreads\tms/step\tlo\thi\trelative cost\tlo\thi\tGFLOP/s\tallocations/step\tpeak memory")
	for _, m := range all {
		peak := "unknown"
		if m.PeakRSS != nil {
			peak = size.Bytes(*m.PeakRSS)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.4g\t%.4g\t%.4g\t%.3f\t%.3f\t%.3f\t%.1f\t%.3g\t%s\n", m.Name, m.BatchSize, m.Threads,
			1e3*m.StepSeconds, 1e3*m.StepRange[0], 1e3*m.StepRange[1], m.RelativeCost, m.CostRange[0], m.CostRange[1], m.GFLOPS, m.Allocs, peak)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(t, "\nmean of a step\tforwards\tJVPs\tVJPs\tGram products\tmillion multiply-adds\tinner iterations")
	for _, m := range all {
		c := m.Counters
		fmt.Fprintf(t, "%s\t%.4g\t%.4g\t%.4g\t%.4g\t%.4g\t%.4g\n", m.Name, c.Forwards, c.JVPs, c.VJPs, c.GramProducts, c.MultiplyAdds/1e6, c.InnerIterations)
	}
	return t.Flush()
}

// String is the head of the table.
func (s Site) String() string {
	parts := []string{fmt.Sprintf("%s, %s kernels, %s", s.CPU, s.ISA, plural(s.Threads, "thread"))}
	if s.CPUs != nil {
		parts[0] += " bound to CPUs " + strings.Trim(fmt.Sprint(s.CPUs), "[]")
	} else {
		parts[0] += " not bound: " + cmp.Or(s.Note, "it was not asked for")
	}
	if len(s.TripsNS) > 0 {
		parts = append(parts, fmt.Sprintf("round trip between cores %.0f ns", slices.Max(s.TripsNS)))
	}
	if s.LoadAverage != nil {
		load := fmt.Sprintf("load average %.2f", *s.LoadAverage)
		if s.Others != nil {
			load += fmt.Sprintf(", others keep %.1f of the CPUs busy", *s.Others)
		}
		parts = append(parts, load)
	}
	return strings.Join(parts, "; ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
