package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/spf13/cobra"
)

func (a *app) sweepCommand() *cobra.Command {
	var flags runFlags
	var executor executorFlags
	var axes config.SweepFlags
	var seed uint64
	var dry bool
	c := &cobra.Command{
		Use:   "sweep CONFIG",
		Short: "Train every method over every combination of some settings, from every seed",
		Long: `Train every method of a config over settings: all combinations of the values of
each --grid key, of the --zip keys, which go through their values together, and
of --samples draws of the --random keys. The section sweep: of the config says
the same; flags add to it.

A key of a method is methods.NAME.KEY, of all methods methods.*.KEY. What
concerns one method only does not multiply the runs of others. Values are YAML;
commas inside brackets do not split. A range LO..HI is drawn from uniformly,
LO..HI:log uniformly in the logarithm, LO..HI:int and LO..HI:log:int in whole
numbers. More samples keep the earlier ones.

Runs that the results folder already holds, made with the same settings, are
kept; those that were stopped or killed continue from their checkpoints, and
those that failed are made again.

` + slurmHelp(),
		Example: `  dgn sweep configs/digits.yaml --grid 'methods.*.optimizer.learning_rate=0.01,0.03,0.1' --dry-run
  dgn sweep configs/digits.yaml --grid train.batch_size=32,64 --random methods.SGD.optimizer.learning_rate=1e-3..1:log --samples 8
  dgn sweep configs/sweeps/inner_budget.yaml --fail-fast
  dgn sweep configs/sweeps/inner_budget.yaml --executor slurm --slurm partition=main --slurm time=1:00:00 --slurm cap=20`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set, err := flags.read(a, c.Flags())
			if err != nil {
				return err
			}
			if c.Flags().Changed("samples") && axes.Samples < 1 {
				return usageError{fmt.Errorf("--samples: must be a positive number, got %d", axes.Samples)}
			}
			if c.Flags().Changed("sample-seed") {
				axes.Seed = &seed
			}
			job, err := executor.read(a, c, &flags)
			if err != nil {
				return err
			}
			study, err := config.LoadSweep(args[0], flags.sets, axes)
			if err != nil {
				return err
			}
			if job != nil && !dry {
				return a.submit(c, study, flags.opt, *job, &executor)
			}
			return a.sweep(c, study, flags.opt, set, dry)
		},
	}
	f := c.Flags()
	flags.add(f)
	flags.addShard(f)
	executor.add(f)
	f.StringArrayVar(&axes.Grid, "grid", nil, "sweep over a key: KEY=V1,V2,... (repeatable: all combinations)")
	f.StringArrayVar(&axes.Zip, "zip", nil, "sweep over keys together: KEY=V1,V2,... (repeatable, equally many values)")
	f.StringArrayVar(&axes.Random, "random", nil, "draw a key: KEY=LO..HI[:log][:int], or KEY=V1,V2,... (repeatable: drawn together)")
	f.IntVar(&axes.Samples, "samples", 0, "draws of the random keys")
	f.Uint64Var(&seed, "sample-seed", 0, "chance of the draws")
	f.StringArrayVar(&flags.opt.Methods, "method", nil, methodUsage)
	f.BoolVar(&flags.opt.FailFast, "fail-fast", false, "begin no run after one has failed")
	f.BoolVar(&dry, "dry-run", false, "list the runs and what the results folder holds of them; run nothing")
	return c
}

// sweep makes the runs of a study, or lists them, and shows the results.
func (a *app) sweep(c *cobra.Command, study *config.Study, opt experiment.Options, figures experiment.FigureSet, dry bool) error {
	screen := a.newScreen(c.Context())
	log := a.equip(c, screen, &opt)
	if dry {
		list, err := experiment.List(study, opt)
		screen.close()
		if err != nil {
			return err
		}
		return list.WriteTable(a.stdout)
	}
	if opt.Jobs > 1 {
		log.Warn(fmt.Sprintf("%d runs at the same time share the processor: their times do not compare", opt.Jobs))
	}
	opt.Monitor = screen.manyMonitor(log)
	result, err := experiment.Sweep(c.Context(), study, opt)
	screen.close()
	if err = onward(c, result, err); result == nil {
		return err
	}
	publishErr := a.publishSweep(result, figures, log)
	return errors.Join(append([]error{err, publishErr}, result.Failed...)...)
}

// publishSweep shows the results, and what became of the runs.
func (a *app) publishSweep(result *experiment.Result, figures experiment.FigureSet, log *slog.Logger) error {
	summary, err := a.publish(result, figures, log)
	if len(result.Runs) < result.Of() {
		summary = nil // of all shards
	}
	made := fmt.Sprintf("%d made", result.Made)
	if result.Resumed > 0 {
		made += fmt.Sprintf(" (%d continued)", result.Resumed)
	}
	parts := []string{made, fmt.Sprintf("%d reused", result.Reused), fmt.Sprintf("%d failed", len(result.Failed))}
	if summary != nil {
		n := map[string]int{}
		for _, l := range summary.Lines {
			for o, k := range l.Outcomes {
				n[o] += k
			}
		}
		parts = append(parts, fmt.Sprintf("%d diverged", n[string(runlog.Diverged)]))
		if k := n[string(runlog.Interrupted)]; k > 0 {
			parts = append(parts, fmt.Sprintf("%d interrupted", k))
		}
	}
	if result.Left > 0 {
		parts = append(parts, fmt.Sprintf("%d not begun", result.Left))
	}
	fmt.Fprintf(a.stdout, "runs: %s\n", strings.Join(parts, ", "))
	return err
}
