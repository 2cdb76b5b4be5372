package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	var sets, methods []string
	var out string
	var fresh bool
	var jobs, repeats int
	figures := string(experiment.DefaultFigures)
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
			if !c.Flags().Changed("out") {
				out = a.settings.Out
			}
			if out != "" && len(args) > 1 {
				return usageError{fmt.Errorf("--out (or DGN_OUT) names the results folder of one config, but %d were given", len(args))}
			}
			if err := checkJobs(jobs); err != nil {
				return err
			}
			set, err := figureSet(figures)
			if err != nil {
				return err
			}
			var configs []*config.Config
			var errs []error
			for _, path := range args {
				conf, err := config.Load(path, sets)
				configs, errs = append(configs, conf), append(errs, err)
			}
			if err := errors.Join(errs...); err != nil {
				return err
			}
			for _, conf := range configs {
				opt := experiment.Options{Out: out, Runs: policy(fresh), Jobs: jobs, Methods: methods, Repeats: repeats}
				if err := a.runOne(c, conf, opt, set); err != nil {
					if errors.Is(err, c.Context().Err()) {
						return err
					}
					errs = append(errs, err)
				}
			}
			return errors.Join(errs...)
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "set a key of the config to a YAML value: KEY=VALUE (repeatable)")
	c.Flags().StringArrayVar(&methods, "method", nil, methodUsage)
	c.Flags().StringVar(&out, "out", "", "results folder (default results/NAME)")
	c.Flags().BoolVar(&fresh, "fresh", false, "make every run again; earlier ones are moved to old/, never deleted")
	c.Flags().IntVar(&jobs, "jobs", 1, "runs made at the same time, sharing the threads; their times do not compare")
	c.Flags().StringVar(&figures, "figures", figures, figuresUsage)
	timingFlag(c.Flags(), &repeats)
	return c
}

const methodUsage = "make the runs of this method alone (repeatable)"

const figuresUsage = "figures to draw: none, default (overview and time to target, as PNG), or all (as dgn plot does)"

// policy reads the flag --fresh.
func policy(fresh bool) folder.Policy {
	if fresh {
		return folder.Fresh
	}
	return folder.Reuse
}

// figureSet reads the flag --figures.
func figureSet(text string) (experiment.FigureSet, error) {
	if set := experiment.FigureSet(text); slices.Contains(experiment.FigureSets, set) {
		return set, nil
	}
	return "", usageError{fmt.Errorf("--figures: must be none, default or all, got %.40q; dgn plot --figure draws single figures", text)}
}

// runOne makes the runs of one config and shows their results.
func (a *app) runOne(c *cobra.Command, conf *config.Config, opt experiment.Options, figures experiment.FigureSet) error {
	screen := a.newScreen(c.Context())
	log := a.logger(screen)
	opt.Threads, opt.AutoThreads = a.settings.Threads, a.settings.Auto
	opt.Data, opt.Build = a.dataEnv(c.Context(), screen), experiment.ThisBuild(a.version)
	opt.Log, opt.Monitor = log, screen.monitor(log)
	result, err := experiment.Run(c.Context(), conf, opt)
	screen.close()
	if result == nil {
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
