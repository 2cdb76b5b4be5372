package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/slurm"
	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	var flags runFlags
	var executor executorFlags
	c := &cobra.Command{
		Use:   "run CONFIG...",
		Short: "Train every method from every seed, log, draw figures, print a table",
		Long: `Train every method of a config from every seed.

Results go to results/NAME: logs and weights of each run, figures, summary.csv.
Two figures are drawn, the overview and the time to a target; dgn plot draws all.
Runs that the folder already holds, made with the same settings, are kept, and
interrupted or killed ones continue from their last checkpoint.

With --timing each run is then repeated for its time, methods taking turns, with
each thread bound to a CPU of its own, and medians, spreads and ratios are printed.
The same command goes on with a measurement that was interrupted.`,
		Example: `  dgn run configs/digits.yaml
  dgn run configs/mnist.yaml --set train.epochs=2 --set 'methods.*.optimizer.learning_rate=0.05' --out /tmp/mnist
  dgn run configs/digits.yaml --timing=9 --threads 1`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set, err := flags.read(a, c.Flags())
			if err != nil {
				return err
			}
			if flags.opt.Out != "" && len(args) > 1 {
				return usageError{fmt.Errorf("--out (or DGN_OUT) names the results folder of one config, but %d were given", len(args))}
			}
			job, err := executor.read(a, c, &flags)
			if err != nil {
				return err
			}
			var configs []*config.Config
			var errs []error
			for _, path := range args {
				conf, err := config.Load(path, flags.sets)
				configs, errs = append(configs, conf), append(errs, err)
			}
			if err := errors.Join(errs...); err != nil {
				return err
			}
			for _, conf := range configs {
				if err := a.runOrSubmit(c, conf, flags.opt, set, job, &executor); err != nil {
					if errors.Is(err, c.Context().Err()) {
						return err
					}
					errs = append(errs, err)
				}
			}
			return errors.Join(errs...)
		},
	}
	flags.add(c.Flags())
	flags.addShard(c.Flags())
	executor.add(c.Flags())
	c.Flags().StringArrayVar(&flags.opt.Methods, "method", nil, methodUsage)
	timingFlag(c.Flags(), &flags.opt.Repeats)
	return c
}

// runOrSubmit makes the runs of one config, or has Slurm make them.
func (a *app) runOrSubmit(c *cobra.Command, conf *config.Config, opt experiment.Options, figures experiment.FigureSet, job *slurm.Job, e *executorFlags) error {
	if job == nil {
		return a.runOne(c, conf, opt, figures)
	}
	study, err := experiment.Plain(conf)
	if err != nil {
		return err
	}
	return a.submit(c, study, opt, *job, e)
}

// runOne makes the runs of one config and shows their results.
func (a *app) runOne(c *cobra.Command, conf *config.Config, opt experiment.Options, figures experiment.FigureSet) error {
	screen := a.newScreen(c.Context())
	log := a.equip(c, screen, &opt)
	opt.Monitor = screen.monitor(log)
	result, err := experiment.Run(c.Context(), conf, opt)
	screen.close()
	if err = onward(c, result, err); result == nil {
		return err
	}
	_, publishErr := a.publish(result, figures, log)
	if result.Timing != nil {
		publishErr = errors.Join(publishErr, result.Timing.WriteTable(a.stdout))
	}
	return errors.Join(append([]error{err, publishErr}, result.Failed...)...)
}

// publish writes the summary and the figures of a result, and shows them.
func (a *app) publish(result *experiment.Result, set experiment.FigureSet, log *slog.Logger) (*report.Summary, error) {
	if len(result.Runs) < result.Of() {
		fmt.Fprintf(a.stdout, "shard: %d of the %d runs of the plan; what follows is of all that are complete\n\n", len(result.Runs), result.Of())
	}
	if result.Made+result.Reused == 0 {
		return nil, nil
	}
	summary, figures, err := result.Publish(set)
	errs := []error{err}
	if summary != nil {
		errs = append(errs, summary.WriteTable(a.stdout))
		for _, w := range summary.Warnings {
			log.Warn(w)
		}
	}
	fmt.Fprintf(a.stdout, "\nresults: %s\n", result.Dir)
	if len(figures) > 0 {
		fmt.Fprintf(a.stdout, "figures: %s\n", filepath.Join(result.Dir, "figures"))
	}
	return summary, errors.Join(errs...)
}
