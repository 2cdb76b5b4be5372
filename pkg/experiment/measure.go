package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/timing"
	"github.com/dualgn/dgn/pkg/train"
)

// A measurer repeats runs whose results are complete, for their times: it makes them as
// Local does, but leaves nothing of them beside a row of the table of times.
type measurer struct {
	local   *Local
	repeats int
	table   *timing.Table
	warned  bool // of others that keep the machine busy

	executable string // beginning of its SHA-256, "" if version and commit tell what it does

	// again makes a run once more, and returns its row but for the place in a block.
	again func(context.Context, plan.Task) (*timing.Row, error)
}

func newMeasurer(l *Local, repeats int) *measurer {
	m := &measurer{local: l, repeats: repeats}
	m.again = m.repeat
	m.executable = fmt.Sprintf("%.12s", checkpoint.NewOrigin("", l.Folder.Build, l.Folder.Host).Executable)
	return m
}

// wasStopped is why a row is void, and its repeat made again.
const wasStopped = "the process was stopped"

// Bounds of a measurement.
const (
	MaxRepeats = 999
	lookTime   = 100 * time.Millisecond // at what others do, before each block
	mostStops  = 5                      // times that one repeat may be stopped
)

// checkRepeats refuses, before anything is done, what cannot be measured.
func checkRepeats(c *config.Study, opt *Options) error {
	switch n := opt.Repeats; {
	case n == 0:
		return nil
	case n < 3 || n > MaxRepeats || n%2 == 0:
		return config.Errorf("--timing: the number of repeats must be odd, so that the median of a run is one of its times, and from 3 to %d; got %d", MaxRepeats, n)
	case opt.Executor != nil:
		return config.Errorf("times are measured by the executor of this process alone; leave out one of Options.Executor and Options.Repeats")
	case opt.Jobs > 1:
		return config.Errorf("--timing measures one run at a time, and %d at the same time (--jobs) do not compare; leave out one of the two", opt.Jobs)
	}
	for _, p := range c.Points {
		if keys := clocked(p.Config); keys != nil {
			return config.Errorf("--timing repeats runs and checks that their bits are the same, but those of %s follow the clock (%s); limit and evaluate them by epochs, steps or cost", p.Config.Methods[0].Name, strings.Join(keys, ", "))
		}
	}
	return nil
}

// measure repeats the runs of an experiment that are complete, and sums up their times,
// with those that were measured before. Whenever it ends, the same call goes on from
// there. afresh moves earlier times aside.
func (m *measurer) measure(ctx context.Context, runs []folder.Status, afresh bool) (sum *timing.Summary, err error) {
	lock, err := diskfile.TryLock(m.path() + ".lock")
	var held *diskfile.LockedError
	if errors.As(err, &held) {
		return nil, &folder.LockedError{Dir: m.path(), Holder: held.Holder}
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if err := m.open(afresh); err != nil {
		return nil, err
	}
	var bySeed [][]plan.Task // in the order of methods
	var keys []timing.Key
	for _, r := range runs {
		if why := m.unfit(r.Task); why != "" {
			r.Logger(m.local.Log).Warn("its time is not measured: " + why)
			continue
		}
		i := slices.IndexFunc(bySeed, func(b []plan.Task) bool { return b[0].Seed == r.Seed })
		if i < 0 {
			i, bySeed = len(bySeed), append(bySeed, nil)
		}
		bySeed[i], keys = append(bySeed[i], r.Task), append(keys, keyOf(r.Task))
	}
	for repeat := 1; repeat <= m.repeats; repeat++ {
		made := false
		for i, block := range bySeed {
			did, err := m.block(ctx, block, repeat, repeat-1+i)
			if err != nil {
				return timing.Summarize(m.table, keys), err
			}
			made = made || did
		}
		if made {
			m.local.Log.Info(fmt.Sprintf("measured: repeat %d of %d", repeat, m.repeats))
		}
	}
	return timing.Summarize(m.table, keys), nil
}

func (m *measurer) path() string { return filepath.Join(m.local.Folder.Dir, timing.File) }

func keyOf(t plan.Task) timing.Key {
	return timing.Key{Method: t.Method(), Settings: t.Varied.String(), Seed: t.Seed, Identity: t.Identity}
}

// conditions are those under which times are measured now.
func (m *measurer) conditions() timing.Conditions {
	l := m.local
	c := timing.Conditions{Asked: fmt.Sprint(l.Threads), CPU: l.Folder.Host.CPU, ISA: l.Folder.Host.ISA, Version: l.Folder.Build.Version}
	if l.Auto {
		c.Asked = fmt.Sprintf("1 or %d, as steps are faster", l.Threads)
	}
	if cpus := l.Pin.cpus(); cpus != nil {
		c.CPUs = strings.Trim(fmt.Sprint(cpus), "[]")
	}
	for _, part := range []string{l.Folder.Build.Commit, m.executable} {
		if part != "" {
			c.Version += " " + part
		}
	}
	return c
}

// open reads the times that were measured before. Those that do not compare with what is
// to be measured now are moved aside.
func (m *measurer) open(afresh bool) error {
	m.table = &timing.Table{}
	text, err := os.ReadFile(m.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	table, err := timing.Parse(m.path(), text)
	why := "they are to be measured afresh"
	switch {
	case err != nil:
		why = "they are damaged: " + err.Error()
	case !afresh:
		if why = table.Difference(m.conditions()); why == "" {
			m.table = table
			return nil
		}
	}
	to, err := m.local.Folder.MoveAside(timing.File)
	if err == nil {
		m.local.Log.Warn("moved earlier times aside: "+why, "to", to)
	}
	return err
}

// unfit says why a run cannot be repeated, "" if it can.
func (m *measurer) unfit(t plan.Task) string {
	old, err := m.manifest(t)
	if err != nil {
		return err.Error()
	}
	if !old.Outcome.Complete() {
		return fmt.Sprintf("its results are not complete (%s)", old.Outcome)
	}
	return ""
}

func (m *measurer) manifest(t plan.Task) (*runlog.Manifest, error) {
	return runlog.ReadManifest(filepath.Join(m.local.Folder.Dir, t.Dir))
}

// block measures one repeat of runs from one seed, unless that was done. A block that was
// interrupted is measured as a whole, as its runs are to stand side by side.
func (m *measurer) block(ctx context.Context, tasks []plan.Task, repeat, number int) (did bool, err error) {
	var keys []timing.Key
	for _, t := range tasks {
		keys = append(keys, keyOf(t))
	}
	if m.table.Measured(repeat, keys) {
		return false, nil
	}
	m.table.Discard(repeat, keys, "the block was interrupted, or had other methods")
	others := m.others(ctx)
	for place, i := range timing.Order(len(tasks), number) {
		for stops := 1; ; stops++ {
			row, err := m.again(ctx, tasks[i])
			if err != nil {
				return true, err
			}
			row.Repeat, row.Place, row.Others = repeat, place+1, others
			m.table.Rows = append(m.table.Rows, *row)
			if err := m.local.Folder.Files.Replace(m.path(), m.table.Bytes()); err != nil {
				return true, err
			}
			if row.Void == "" {
				break
			}
			log := tasks[i].Logger(m.local.Log)
			if stops == mostStops {
				return true, fmt.Errorf("%s: the process was stopped in each of %d measurements; let it run, and the same command goes on from here", tasks[i], mostStops)
			}
			log.Warn("the process was stopped during a measurement, which is void and made again", "repeat", repeat)
		}
	}
	return true, nil
}

// others looks at what others do on the CPUs, and warns of much. It is NaN where that is
// not known.
func (m *measurer) others(ctx context.Context) float64 {
	busy, ok := placement.Others(ctx, m.local.Pin.cpus(), lookTime)
	if !ok {
		return math.NaN()
	}
	if busy > timing.MuchOthers && !m.warned {
		m.warned = true
		m.local.Log.Warn(fmt.Sprintf("others keep %.1f of the CPUs %v busy: what is measured now is not this program alone; the column others of %s tells for each measurement", busy, m.local.Pin.CPUs, timing.File))
	}
	return busy
}

// repeat makes a run once more, compares its bits with those of the results, and returns
// what is known of its time.
func (m *measurer) repeat(ctx context.Context, t plan.Task) (*timing.Row, error) {
	p, err := m.local.open(t)
	if err != nil {
		return nil, err
	}
	row := &timing.Row{Key: keyOf(t), Conditions: m.conditions(), LoadBefore: math.NaN(), LoadAfter: math.NaN(), TripNS: math.NaN()}
	of := m.local.training(p, t, nil)
	if of.Method.Probe != nil { // what it compares changes neither bits nor times of the run
		method := *of.Method
		method.Probe, of.Method = nil, &method
	}
	leave, err := memory.Process.Enter(ctx, p.Footprint(of.Method, of.Threads))
	if err != nil {
		return nil, err
	}
	defer leave()
	files := &scratch{}
	logs, err := runlog.NewWriter(files, "", requests(p.Config, of.Method), nil)
	if err != nil {
		return nil, err
	}
	counter := &stepCounter{}
	out := train.Output{
		Log: logs, Monitor: counter,
		// A checkpoint that is due by the time since the last is never due.
		Checkpoints: &checkpoint.Keeper{Files: files, At: time.Now().AddDate(100, 0, 0), Log: slog.New(slog.DiscardHandler)},
		Chosen:      func(c runlog.ThreadChoice) { row.Threads = c.Threads },
	}
	runtime.GC() // what the last run left is no burden of this one
	row.Threads = of.Threads
	if at := m.local.Pin.Observe(); at != nil {
		if at.LoadAverage != nil {
			row.LoadBefore = *at.LoadAverage
		}
		if at.TripsNS != nil {
			row.TripNS = slices.Max(at.TripsNS)
		}
	}
	row.Start = time.Now()
	end, err := of.Run(ctx, out)
	if load, ok := placement.LoadAverage(); ok {
		row.LoadAfter = load
	}
	if err = errors.Join(err, logs.Close()); err != nil {
		return nil, &RunError{t.String(), err}
	}
	if end.Outcome == runlog.Interrupted {
		return nil, interrupt.Cause(ctx)
	}
	row.WallSeconds, row.Steps, row.SuspendedSeconds = end.WallSeconds, counter.steps, end.Stops.Time.Seconds()
	if end.Stops.Number > 0 {
		row.Void = wasStopped
	}
	if err := m.same(t, end, files.metrics.Bytes()); err != nil {
		return nil, &RunError{t.String(), err}
	}
	return row, nil
}

// same returns an error if a repeat has other bits than the results.
func (m *measurer) same(t plan.Task, end train.End, metrics []byte) error {
	old, err := m.manifest(t)
	if err != nil {
		return err
	}
	dir := filepath.Join(m.local.Folder.Dir, t.Dir)
	path := filepath.Join(dir, runlog.Metrics.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var what []string
	if end.Outcome != old.Outcome {
		what = append(what, fmt.Sprintf("outcome %s, not %s", end.Outcome, old.Outcome))
	}
	if d, err := differentMetrics(path, text, metrics); err != nil {
		return err
	} else if d != "" {
		what = append(what, d)
	}
	if record, ok := end.Files[runlog.ParamsFile]; ok {
		d, err := record.Compare(filepath.Join(dir, runlog.ParamsFile), nil, math.MaxInt64)
		if err != nil {
			return err
		}
		if d != "" {
			what = append(what, "other final weights")
		}
	}
	if what == nil {
		return nil
	}
	now := m.conditions()
	by := fmt.Sprintf("the results were made by version %s on %s, this is %s on %s", strings.TrimSpace(old.Version+" "+old.Commit), old.ISA, now.Version, now.ISA)
	return fmt.Errorf("a repeat has other numbers than the results, so that times of the two are not of the same work: %s (%s); make the results again with --fresh, and if it comes again, report it", strings.Join(what, "; "), by)
}

// differentMetrics says in what two tables differ, but for times and the name of the
// method, which may have changed since; "" if in nothing.
func differentMetrics(path string, was, is []byte) (string, error) {
	a, _, err := runlog.ReadCSV(path, was, runlog.Metrics.Needed(runlog.Metrics.Header()))
	if err != nil {
		return "", err
	}
	b, _, err := runlog.ReadCSV("(repeat)", is, runlog.Metrics.Header())
	if err != nil {
		return "", err
	}
	if a.Len() != b.Len() {
		return fmt.Sprintf("%s has %d rows, and the repeat %d", path, a.Len(), b.Len()), nil
	}
	for i := range a.Len() {
		for _, c := range runlog.Metrics.Header() {
			if x, y := a.Cell(i, c), b.Cell(i, c); x != y && c != runlog.Columns.WallSeconds && c != runlog.Columns.Method {
				return fmt.Sprintf("%s of step %s is %s in %s, and %s in the repeat", c, a.Cell(i, runlog.Columns.Step), x, path, y), nil
			}
		}
	}
	return "", nil
}

// A stepCounter is the monitor of a repeat.
type stepCounter struct{ steps int }

func (s *stepCounter) Step(p train.Progress)        { s.steps = p.Step }
func (s *stepCounter) Evaluated(*runlog.Evaluation) {}
