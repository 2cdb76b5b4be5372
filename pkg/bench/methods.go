package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/size"
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
	RelativeAdds float64    `json:"relative_multiply_adds"` // multiply-adds over those of the plain SGD step
	Update       Update     `json:"update"`
	Factored     Matrices   `json:"direction_factorisations"` // systems, factors and preconditioners that the oracle factors or inverts
	Vectors      Passes     `json:"direction_elementwise"`    // passes over vectors and over the numbers of formed systems, of an oracle that tells of them
	GFLOPS       float64    `json:"gflops"`                   // of the multiply-adds that are counted: of products alone
	Counters     Counters   `json:"counters"`
	Allocs       float64    `json:"allocs_per_step"`

	// PeakRSS is the most memory that the process had resident while the method was
	// measured, of which the data, and the program, are a part. Of other methods nothing
	// is in it: each has its work space in its own turns alone. It is nil where the
	// system does not tell, see [memory.Peak].
	PeakRSS *int `json:"peak_rss_bytes"`
}

// An Update is what the optimizer of a method takes of a step, in the mean over the measured ones.
type Update struct {
	Seconds        float64  `json:"seconds"`
	Elementwise    float64  `json:"elementwise_seconds"` // passes over vectors
	Products       Matrices `json:"products"`            // of matrices
	Factorisations Matrices `json:"factorisations"`      // inverse roots and eigenvectors
}

// Matrices is what work with matrices takes, also over all of a plain SGD step.
type Matrices struct {
	Seconds      float64 `json:"seconds"`
	MultiplyAdds float64 `json:"multiply_adds"`
	RelativeCost float64 `json:"relative_cost"`
	RelativeAdds float64 `json:"relative_multiply_adds"`
}

// Passes are what elementwise work takes, also over all of a plain SGD step.
type Passes struct {
	Seconds      float64 `json:"seconds"`
	RelativeCost float64 `json:"relative_cost"`
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

// maxPeriod is the longest period that rounds are whole multiples of: work that is rarer is measured as if it
// were made once in so many steps.
const maxPeriod = 1000

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
	fmt.Fprintln(t, "\nupdate of a step\tms\telementwise ms\tproducts ms\tover SGD's step\tits multiply-adds\tfactorisations ms\tover SGD's step\tits multiply-adds")
	for _, m := range all {
		u := m.Update
		fmt.Fprintf(t, "%s\t%.4g\t%.4g\t%.4g\t%.3f\t%.3f\t%.4g\t%.3f\t%.3f\n", m.Name, 1e3*u.Seconds, 1e3*u.Elementwise,
			1e3*u.Products.Seconds, u.Products.RelativeCost, u.Products.RelativeAdds, 1e3*u.Factorisations.Seconds, u.Factorisations.RelativeCost, u.Factorisations.RelativeAdds)
	}
	if !slices.ContainsFunc(all, func(m Method) bool { return m.Factored.MultiplyAdds > 0 || m.Vectors.Seconds > 0 }) {
		return t.Flush()
	}
	fmt.Fprintln(t, "\ndirection of a step\telementwise ms\tover SGD's step\tfactorisations ms\tover SGD's step\tits multiply-adds\tthe rest of the step over SGD's\tits multiply-adds")
	for _, m := range all {
		f, v := m.Factored, m.Vectors
		fmt.Fprintf(t, "%s\t%.4g\t%.3f\t%.4g\t%.3f\t%.3f\t%.3f\t%.3f\n", m.Name, 1e3*v.Seconds, v.RelativeCost,
			1e3*f.Seconds, f.RelativeCost, f.RelativeAdds, m.RelativeCost-f.RelativeCost-v.RelativeCost, m.RelativeAdds-f.RelativeAdds)
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
