package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/train"
	"github.com/lmittmann/tint"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// A screen is where progress and logs go: bars with log lines above them on a
// terminal, plain lines elsewhere. It is an io.Writer for log lines.
type screen struct {
	out  io.Writer
	bars *mpb.Progress // nil: no bars
	draw chan any      // asks for the bars to be drawn
	gone chan any      // closed when they cannot be drawn any more
	end  chan struct{} // closed to stop that
	done chan struct{} // closed when it has stopped
}

// refresh is how often bars are drawn.
const refresh = 150 * time.Millisecond

func (a *app) newScreen(ctx context.Context) *screen {
	s := &screen{out: a.stderr}
	if isTerminal(a.stderr) && a.settings.LogFormat == "text" && !a.settings.Quiet {
		// Bars outlive an interrupt, which their runs have yet to show. They are
		// drawn on request, since shutting them down drops what has happened since
		// they were last drawn, log lines among it.
		s.draw, s.gone, s.end, s.done = make(chan any), make(chan any), make(chan struct{}), make(chan struct{})
		s.bars = mpb.NewWithContext(context.WithoutCancel(ctx), mpb.WithOutput(a.stderr), mpb.WithManualRefresh(s.draw), mpb.WithShutdownNotifier(s.gone))
		go s.redraw()
	}
	return s
}

// redraw has the bars drawn until the screen is closed.
func (s *screen) redraw() {
	defer close(s.done)
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.request()
		case <-s.end:
			return
		}
	}
}

// request has the bars drawn once. A terminal that is closed ends that.
func (s *screen) request() {
	select {
	case s.draw <- time.Now():
	case <-s.gone:
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (s *screen) Write(b []byte) (int, error) {
	if s.bars != nil {
		if n, err := s.bars.Write(b); err == nil {
			return n, nil
		}
	}
	return s.out.Write(b)
}

// close draws the bars for the last time. A request is taken when the one before
// it is being served, so that after two of them what happened before is drawn.
func (s *screen) close() {
	if s.bars != nil {
		close(s.end)
		<-s.done
		s.request()
		s.request()
		s.bars.Shutdown()
	}
}

// monitor shows runs as bars or as log lines.
func (s *screen) monitor(log *slog.Logger) experiment.Monitor {
	if s.bars != nil {
		return barMonitor{s.bars}
	}
	return logMonitor{log, true}
}

// manyMonitor shows the many runs of a sweep: on a terminal, one bar for all and
// one for each that is being made; elsewhere, a line for each that has ended.
func (s *screen) manyMonitor(log *slog.Logger) experiment.Monitor {
	if s.bars != nil {
		return &sweepBars{bars: s.bars, log: log}
	}
	return logMonitor{log, false}
}

// download shows the download of a file of a size in bytes; it is told of the
// bytes that arrive, and called with nil at the end.
func (s *screen) download(name string, size int64) io.WriteCloser {
	if s.bars == nil {
		return nopWriteCloser{}
	}
	bar := s.bars.AddBar(size,
		mpb.PrependDecorators(decor.Name(name+" ")),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f "), decor.AverageETA(decor.ET_STYLE_GO)))
	return &barWriter{bar}
}

type nopWriteCloser struct{}

func (nopWriteCloser) Write(b []byte) (int, error) { return len(b), nil }
func (nopWriteCloser) Close() error                { return nil }

type barWriter struct{ bar *mpb.Bar }

func (w *barWriter) Write(b []byte) (int, error) {
	w.bar.IncrBy(len(b))
	return len(b), nil
}

func (w *barWriter) Close() error {
	w.bar.Abort(false) // has no effect on a complete bar
	return nil
}

// sweepBars has a bar that counts runs, below those of the runs being made.
type sweepBars struct {
	bars *mpb.Progress
	log  *slog.Logger
	once sync.Once
	all  *mpb.Bar
}

func (m *sweepBars) Start(info experiment.RunInfo) experiment.RunMonitor {
	m.once.Do(func() {
		m.all = m.bars.AddBar(int64(info.Of), mpb.BarPriority(info.Of+1),
			mpb.PrependDecorators(decor.Name("all runs ", decor.WCSyncSpaceR), decor.CountersNoUnit("%d / %d", decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.OnAbort(decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done"), "stopped")))
	})
	return &sweepRun{barMonitor{m.bars}.start(info, mpb.BarRemoveOnComplete()), m.all, &logRun{log: info.Logger(m.log)}}
}

// A sweepRun is the bar of a run, which goes when the run ends. A line stays of
// one that did not end where it should.
type sweepRun struct {
	*barRun
	all  *mpb.Bar
	line *logRun
}

func (r *sweepRun) End(o runlog.Outcome, detail string) {
	r.all.Increment()
	if o == runlog.Finished || o == runlog.AtGoal {
		r.barRun.End(o, detail)
		return
	}
	r.bar.Abort(true)
	r.line.End(o, detail)
}

type barMonitor struct{ bars *mpb.Progress }

// A barRun is the bar of one run. Bars are drawn by another goroutine, which
// reads the text by an atomic pointer.
type barRun struct {
	info experiment.RunInfo
	bar  *mpb.Bar
	loss atomic.Uint64 // bits of the latest batch loss
	test atomic.Pointer[string]
}

func (m barMonitor) Start(info experiment.RunInfo) experiment.RunMonitor { return m.start(info) }

func (m barMonitor) start(info experiment.RunInfo, options ...mpb.BarOption) *barRun {
	r := &barRun{info: info}
	empty := ""
	r.test.Store(&empty)
	// A bar made with its total ends when it gets there, before the evaluation
	// that follows the last step.
	name := info.Method()
	if len(info.Varied) > 0 {
		name += ", " + info.Varied.String()
	}
	r.bar = m.bars.AddBar(0, append(options,
		mpb.PrependDecorators(decor.Name(fmt.Sprintf("%s, seed %d ", name, info.Seed), decor.WCSyncSpaceR), decor.Percentage(decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			return fmt.Sprintf("batch loss %-9.4g%s ", math.Float64frombits(r.loss.Load()), *r.test.Load())
		}), decor.OnAbort(decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), "done"), "stopped")))...)
	r.bar.SetTotal(wholeRun, false)
	return r
}

// wholeRun is the length of the bar of a run.
const wholeRun = 10_000

func (r *barRun) Step(p train.Progress) {
	r.loss.Store(math.Float64bits(p.BatchLoss))
	r.bar.SetCurrent(int64(min(p.Used, 1) * wholeRun))
}

func (r *barRun) Evaluated(e *runlog.Evaluation) {
	text := ""
	switch {
	case !math.IsNaN(e.TestAccuracy):
		text = fmt.Sprintf(" test accuracy %.2f%%", 100*e.TestAccuracy)
	case !math.IsNaN(e.TestRMSE):
		text = fmt.Sprintf(" test RMSE %.4g", e.TestRMSE)
	case !math.IsNaN(e.TestL2):
		text = fmt.Sprintf(" test L2 %.3g", e.TestL2)
	}
	r.test.Store(&text)
}

func (r *barRun) End(o runlog.Outcome, _ string) {
	if o == runlog.Finished || o == runlog.AtGoal {
		r.bar.SetTotal(-1, true)
	} else {
		r.bar.Abort(false)
	}
}

// A logMonitor writes a line for each evaluation, if asked for, and each end.
type logMonitor struct {
	log         *slog.Logger
	evaluations bool
}

type logRun struct {
	log         *slog.Logger
	evaluations bool
	last        []any // of the last evaluation, that the end shows if it was not shown
}

func (m logMonitor) Start(info experiment.RunInfo) experiment.RunMonitor {
	log := info.Logger(m.log)
	if !m.evaluations {
		log = log.With("run", fmt.Sprintf("%d/%d", info.Number, info.Of))
	}
	return &logRun{log: log, evaluations: m.evaluations}
}

func (r *logRun) Step(train.Progress) {}

func (r *logRun) Evaluated(e *runlog.Evaluation) {
	attrs := []any{"step", e.Step}
	for _, s := range []struct {
		name  string
		value float64
	}{
		{"train_loss", e.TrainLoss}, {"train_accuracy", e.TrainAccuracy}, {"valid_loss", e.ValidLoss}, {"valid_accuracy", e.ValidAccuracy},
		{"test_loss", e.TestLoss}, {"test_accuracy", e.TestAccuracy}, {"test_rmse", e.TestRMSE},
		{"valid_l2", e.ValidL2}, {"test_l2", e.TestL2}, {"test_relative_l2", e.TestRelativeL2},
	} {
		if !math.IsNaN(s.value) {
			attrs = append(attrs, s.name, rounded(s.value))
		}
	}
	if !r.evaluations {
		r.last = attrs
		return
	}
	r.log.Info("evaluated", attrs...)
}

// rounded keeps four digits, which is enough for a log line; metrics.csv holds
// them all.
func rounded(x float64) float64 {
	if y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 3, 64), 64); err == nil {
		return y
	}
	return x // rounded up beyond what there is
}

func (r *logRun) End(o runlog.Outcome, detail string) {
	attrs := []any{"outcome", string(o)}
	if detail != "" {
		attrs = append(attrs, "detail", detail)
	}
	r.log.Info("ended", append(attrs, r.last...)...)
}

// textHandler writes log lines for people.
func textHandler(w io.Writer, level slog.Level) slog.Handler {
	color := false
	if s, ok := w.(*screen); ok {
		color = isTerminal(s.out) && os.Getenv("NO_COLOR") == ""
	}
	return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !color})
}
