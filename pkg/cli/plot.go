package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/render"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/scores"
	"github.com/spf13/cobra"
)

func (a *app) plotCommand() *cobra.Command {
	var opt report.FigureOptions
	var score scores.Options
	var out, at string
	var methods, formats, targets []string
	var logX, logY, table bool
	c := &cobra.Command{
		Use:   "plot DIR...",
		Short: "Draw figures, and print scores, from logs",
		Long: `Draw figures from the logs of results folders, and of files that dgn export
wrote. Runs of several are drawn together, if they are of the same data set.

A line is the mean over the seeds of runs that ended well, a band its 95 %
bootstrap interval (the range of less than four seeds); runs that diverged or did
not end are thin lines. A value holds until the next evaluation. Means are of the
values at the same step, at the mean of their times and costs, or, where steps
differ, of the last values. Time and cost are on log axes where some methods take
more than five times as much as others. The same logs give the same bytes.

Figures:
` + kindList() + `

With --table, the scores of docs/scores.md are printed, and written to scores.csv
in the folder of the figures, which are drawn only if --figure asks for some: what
each method spends (--x) to reach each --target, where runs that never do count as
infinite; final and best values (--y); differences over the seeds, with exact tests;
and of several experiments, each of which is a task, ranks and performance profiles.
Divergence is worse than any value. --at cuts all logs at one cost or time, so that
all methods have spent as much.`,
		Example: `  dgn plot results/digits --x wall --y train_loss --format pdf
  dgn plot results/digits results/more --figure target --target test_accuracy=0.95 --out figures
  dgn plot results/sweep --figure sensitivity --swept oracle.inner_iterations --line oracle.formulation
  dgn plot results/digits-tuned --table --target valid_loss=0.1 --at cost=300 --figure profile
  dgn plot results/digits results/quickstart --table --target digits:train_loss=0.05 --target quickstart:train_loss=0.01`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("log-x") {
				opt.LogX = &logX
			}
			if c.Flags().Changed("log-y") {
				opt.LogY = &logY
			}
			var err error
			if score.Goals, err = scores.ParseGoals(targets); err != nil {
				return err
			}
			if at != "" {
				if score.At, err = scores.ParseCut(at); err != nil {
					return err
				}
			}
			if out == "" {
				out = defaultFigures(args[0])
			}
			renderers, err := render.For(formats, render.PrintDPI)
			if err != nil {
				return usageError{err}
			}
			score.Amounts, score.Metrics, score.All = opt.X, opt.Y, opt.All
			p := plot{opt: opt, score: score, out: out, renderers: renderers, table: table, figures: !table || len(opt.Figures) > 0}
			return a.plot(c.Context(), p, args, methods)
		},
	}
	f := c.Flags()
	f.StringVar(&out, "out", "", "folder the figures and scores.csv are written to (default figures/ of the first DIR)")
	f.StringSliceVar(&opt.Figures, "figure", nil, "figures to draw (default all that the logs allow)")
	f.StringSliceVar(&opt.X, "x", nil, "x axes of curves, and what is spent to a target: "+strings.Join(report.Xs(), ", "))
	f.StringSliceVar(&opt.Y, "y", nil, "y axes, and values in the table: "+strings.Join(report.Ys(), ", "))
	f.BoolVar(&logX, "log-x", false, "log x axes (or linear ones, with =false); the default where times or costs differ by more than 5 times")
	f.BoolVar(&logY, "log-y", false, "log y axes (or linear ones, with =false); the default for losses")
	f.StringSliceVar(&formats, "format", nil, "formats: "+strings.Join(render.Formats, ", ")+" (default all)")
	f.IntVar(&opt.Smooth, "smooth", 0, "smooth curves, run by run: running mean over that many evaluations")
	f.StringArrayVar(&methods, "method", nil, "draw this method alone (repeatable)")
	f.BoolVar(&opt.All, "all-settings", false, "draw curves of all settings of a sweep, however many; compare all in the table, not the best of each method")
	f.StringArrayVar(&targets, "target", nil, "METRIC=VALUE, or TASK:METRIC=VALUE for one experiment or data set, of the figures target and profile and the table (repeatable; default of the figure target: the train loss that all methods reach)")
	f.StringVar(&opt.Swept, "swept", "", "sensitivity: the key on the x axis (default: each that has numbers)")
	f.StringVar(&opt.Line, "line", "", "sensitivity: the key that has a line for each value (default: all others)")
	f.BoolVar(&opt.Best, "best", false, "sensitivity: the best value of each run in place of the final one")
	f.BoolVar(&table, "table", false, "print scores, and write scores.csv")
	f.StringVar(&at, "at", "", "table and profile: cut all logs at AMOUNT=VALUE, as cost=500 or wall=2 (default: at their ends)")
	f.StringVar(&score.Baseline, "baseline", "", "table: compare every method with this one alone (default: every two)")
	f.Float64Var(&score.Limit, "tau", scores.DefaultLimit, "table and profile: the factor up to which the score of a profile goes")
	return c
}

// A plot is what dgn plot was asked for.
type plot struct {
	opt            report.FigureOptions
	score          scores.Options
	out            string
	renderers      []figure.Renderer
	table, figures bool
}

// plot makes tables and figures of logs.
func (a *app) plot(ctx context.Context, p plot, paths, methods []string) error {
	logs, err := interrupt.Return(ctx, func() (*results.Logs, error) { return results.Open(paths...) })
	if err != nil {
		return err
	}
	if methods != nil {
		if err := logs.Select(methods); err != nil {
			return err
		}
	}
	var res results.Results // of which the warnings are told
	defer func() { a.warnOf(&res) }()
	if p.table || p.score.Goals != nil || report.Unlike(p.opt.Figures) {
		tasks, err := logs.Tasks()
		if err != nil {
			return err
		}
		if p.opt.Scores, err = scores.Of(tasks, p.score); err != nil {
			return err
		}
		p.opt.Goals = scores.Goals(p.score.Goals, tasks)
		res.Warnings = p.opt.Scores.Warnings
	}
	if p.table {
		if err := a.printScores(ctx, p.opt.Scores, p.out); err != nil {
			return err
		}
	}
	if !p.figures {
		return nil
	}
	drawn := &results.Results{Warnings: res.Warnings}
	if !report.Unlike(p.opt.Figures) {
		if drawn, err = logs.Merge(); err != nil {
			return err
		}
	}
	files, err := interrupt.Return(ctx, func() ([]string, error) { return experiment.Draw(drawn, p.opt, p.out, p.renderers) })
	res.Warnings = drawn.Warnings
	for _, f := range files {
		fmt.Fprintln(a.stdout, f)
	}
	return err
}

// printScores prints the tables of scores, and writes them to a file of a folder.
func (a *app) printScores(ctx context.Context, s *scores.Scores, dir string) error {
	if err := s.WriteTable(a.stdout); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, scores.File)
	if err := writeFile(ctx, path, s.WriteCSV); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout, path)
	return err
}

func kindList() string {
	var b strings.Builder
	for _, k := range report.Kinds {
		fmt.Fprintf(&b, "  %-13s %s\n", k.Name, k.Doc)
	}
	return strings.TrimRight(b.String(), "\n")
}

// defaultFigures is figures/ of a results folder, or beside a file.
func defaultFigures(path string) string {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		path = filepath.Dir(path)
	}
	return filepath.Join(path, "figures")
}

// loadLogs reads the runs of some methods; of all, if none is named.
func (a *app) loadLogs(ctx context.Context, paths, methods []string) (*results.Results, error) {
	res, err := interrupt.Return(ctx, func() (*results.Results, error) { return results.Load(paths...) })
	if err != nil || methods == nil {
		return res, err
	}
	if err := res.Select(methods); err != nil {
		return nil, err
	}
	return res, nil
}

func (a *app) warnOf(res *results.Results) {
	log := a.logger(a.stderr)
	for _, w := range res.Warnings {
		log.Warn(w)
	}
}

// writeFile writes a whole file or, if that fails, none.
func writeFile(ctx context.Context, path string, write func(io.Writer) error) (err error) {
	f, err := diskfile.Create(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Discard()) }()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit()
}
