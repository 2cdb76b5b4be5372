package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/page"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/scores"
	"github.com/spf13/cobra"
)

// tableFormats are what dgn report --table writes.
var tableFormats = []string{"tex", "md", "csv"}

// A reporting is what dgn report was asked for.
type reporting struct {
	opt              page.Options
	methods, targets []string
	at, table, out   string
}

// define adds the flags that say what a page shows.
func (r *reporting) define(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.opt.Title, "title", "", "title of the page (default the names of the experiments)")
	f.StringArrayVar(&r.methods, "method", nil, "show this method alone (repeatable)")
	f.StringArrayVar(&r.targets, "target", nil, "METRIC=VALUE, or TASK:METRIC=VALUE for one experiment or data set (repeatable; default the train loss that all methods reach)")
	f.StringVar(&r.opt.Compare, "compare", "", "A,B: differences of two methods, or of two settings by their labels, seed by seed, with an interval and a test")
	f.StringVar(&r.at, "at", "", "scores: cut all logs at AMOUNT=VALUE, as cost=500 or wall=2 (default: at their ends)")
	f.StringSliceVar(&r.opt.Scores.Amounts, "x", nil, "scores: what is spent to a target: "+strings.Join(report.Xs(), ", "))
	f.StringSliceVar(&r.opt.Scores.Metrics, "y", nil, "scores: values: "+strings.Join(report.Ys(), ", "))
	f.BoolVar(&r.opt.Scores.All, "all-settings", false, "scores: compare all settings of a sweep, not the best of each method")
	f.Float64Var(&r.opt.Scores.Limit, "tau", scores.DefaultLimit, "scores: the factor up to which the score of a profile goes")
}

// check reads the flags that are texts.
func (r *reporting) check() (err error) {
	if r.opt.Scores.Goals, err = scores.ParseGoals(r.targets); err != nil {
		return err
	}
	if r.at != "" {
		if r.opt.Scores.At, err = scores.ParseCut(r.at); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) reportCommand() *cobra.Command {
	var r reporting
	c := &cobra.Command{
		Use:   "report DIR... [--out FILE.html]",
		Short: "Make one page of results that works offline, or tables for a paper",
		Long: `Make one HTML file of results folders, and of files that dgn export wrote: it
needs nothing besides itself, and no network, and can be mailed. It has curves to zoom
into (any quantity against any other, means with bands or every seed, a slider for each
swept setting), a summary to sort and to filter, panels of what was logged of each step,
inner solves and dual weights where they were logged, scores with exact tests and
performance profiles over the seeds of all tasks, the settings that differ, and the
manifest of every run. Every figure can be saved as SVG and PNG. Each data set has a
section. A folder without runs of its own stands for the results folders in it.

With --table, the tables alone are printed, or written to --out: as LaTeX (booktabs),
Markdown, or CSV in the long form of docs/scores.md.`,
		Example: `  dgn report results/digits
  dgn report results/digits results/quickstart --out both.html
  dgn report results/digits --compare 'dual GN,Adam' --target test_accuracy=0.95
  dgn report results/digits --table tex --out table.tex`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("table") && !slices.Contains(tableFormats, r.table) {
				return results.OptionErrorf("table: must be %s, got %q", strings.Join(tableFormats, ", "), r.table)
			}
			if err := r.check(); err != nil {
				return err
			}
			return a.report(c.Context(), &r, args)
		},
	}
	r.define(c)
	f := c.Flags()
	f.StringVar(&r.out, "out", "", "file to write (default report.html in the first DIR; of tables the standard output)")
	f.StringVar(&r.table, "table", "", "print tables in place of a page: "+strings.Join(tableFormats, ", "))
	return c
}

// report makes a page, or tables.
func (a *app) report(ctx context.Context, r *reporting, args []string) error {
	paths, empty := results.Folders(args)
	logs, err := interrupt.Return(ctx, func() (*results.Logs, error) { return results.Open(paths...) })
	if err != nil {
		return err
	}
	if r.methods != nil {
		if err := logs.Select(r.methods); err != nil {
			return err
		}
	}
	r.opt.Alerts = empty
	log := a.logger(a.stderr)
	for _, w := range empty {
		log.Warn(w)
	}
	if r.table != "" {
		return a.reportTables(ctx, r, logs)
	}
	r.opt.Version = experiment.ThisBuild(a.version).Version
	p, err := interrupt.Return(ctx, func() (*page.Page, error) { return page.Make(logs, r.opt) })
	if err != nil {
		return err
	}
	for _, w := range p.Warnings {
		log.Warn(w)
	}
	out := r.out
	if out == "" {
		out = filepath.Join(filepath.Dir(defaultFigures(args[0])), "report.html")
	}
	if err := writeFile(ctx, out, p.Write); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, out)
	return err
}

// reportTables writes the tables of scores.
func (a *app) reportTables(ctx context.Context, r *reporting, logs *results.Logs) error {
	s, _, err := page.Scores(logs, &r.opt)
	if err != nil {
		return err
	}
	a.warnOf(&results.Results{Warnings: s.Warnings})
	write := func(w io.Writer) error {
		switch r.table {
		case "csv":
			return s.WriteCSV(w)
		case "md":
			return scores.WriteMarkdown(w, s.Report())
		}
		return scores.WriteTeX(w, s.Report())
	}
	if r.out == "" {
		return write(a.stdout)
	}
	if err := writeFile(ctx, r.out, write); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, r.out)
	return err
}
