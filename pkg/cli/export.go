package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/export"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/spf13/cobra"
)

// An exporting is what dgn export was asked for.
type exporting struct {
	methods                   []string
	out                       string
	csv, parquet, tensorboard bool
}

func (a *app) exportCommand() *cobra.Command {
	var e exporting
	c := &cobra.Command{
		Use:   "export --csv|--parquet|--tensorboard DIR...",
		Short: "Write all evaluations of all runs as one table, or for TensorBoard",
		Long: `Write one table of all runs of results folders: a row for each evaluation, with
the experiment, data set, method, seed, outcome, machine, and every setting in
which runs differ as columns. It is ready for pandas and R, and of --csv dgn plot and
dgn report read it too. --parquet writes the same table with types: what does not apply
is null, and settings that are numbers in all runs are numbers.

--tensorboard writes a folder for tensorboard --logdir instead: an event file for each run,
with what is in metrics.csv, and in steps.csv as steps/NAME. Its times are those of training.`,
		Example: `  dgn export --csv results/digits --out digits.csv
  dgn export --parquet results/digits results/more --out digits.parquet
  dgn export --tensorboard results/digits --out /tmp/digits && tensorboard --logdir /tmp/digits`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n := 0
			for _, asked := range []bool{e.csv, e.parquet, e.tensorboard} {
				if asked {
					n++
				}
			}
			if n != 1 {
				return usageError{errors.New("one of --csv, --parquet and --tensorboard must be given")}
			}
			res, err := a.loadLogs(c.Context(), args, e.methods)
			if err != nil {
				return err
			}
			defer func() { a.warnOf(res) }()
			return a.export(c.Context(), &e, res, args)
		},
	}
	f := c.Flags()
	f.BoolVar(&e.csv, "csv", false, "write comma-separated values")
	f.BoolVar(&e.parquet, "parquet", false, "write Apache Parquet")
	f.BoolVar(&e.tensorboard, "tensorboard", false, "write event files of TensorBoard")
	f.StringVar(&e.out, "out", "", "file to write (default standard output); of --tensorboard a folder (default tensorboard/ of the first DIR)")
	f.StringArrayVar(&e.methods, "method", nil, "write this method alone (repeatable)")
	return c
}

// export writes the runs in the form that was asked for.
func (a *app) export(ctx context.Context, e *exporting, res *results.Results, args []string) error {
	if e.tensorboard {
		dir := e.out
		if dir == "" {
			dir = filepath.Join(filepath.Dir(defaultFigures(args[0])), "tensorboard")
		}
		files, err := export.TensorBoard(ctx, dir, res, func(ctx context.Context, path string, to func(io.Writer) error) error {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			return writeFile(ctx, path, to)
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s (%d runs)\n", dir, len(files))
		return err
	}
	write := results.Export
	if e.parquet {
		write = export.Parquet
	}
	if e.out == "" {
		return write(a.stdout, res)
	}
	if err := writeFile(ctx, e.out, func(w io.Writer) error { return write(w, res) }); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout, e.out)
	return err
}
