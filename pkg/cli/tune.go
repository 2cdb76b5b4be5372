package cli

import (
	"errors"
	"fmt"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/tune"
	"github.com/spf13/cobra"
)

func (a *app) tuneCommand() *cobra.Command {
	var flags runFlags
	var dry bool
	c := &cobra.Command{
		Use:   "tune CONFIG",
		Short: "Search the settings of every method with equal effort, then report from new seeds",
		Long: `Search the settings of every method of a config, as its section tune says: the
same number of trials for each, from seeds apart from those of the config, chosen
by a metric that never looks at test data.

  tune:
    metric: valid_loss           # the default; train_loss where optimisation is the question
    at: {cost: 500}              # read there; without, at the end of the runs
    trials: 20                   # of each method
    seeds: [1001, 1002]          # of every trial
    sampler: random              # or halton
    halving: {keep: 0.34, rungs: 3}   # optional: small budgets first
    ranges:
    - {key: methods.*.optimizer.learning_rate, range: 1e-3..1:log}
    - {key: train.batch_size, values: [32, 64, 128]}   # each method has its own

Trials are kept in tune/ of the results folder, with figures of the metric against
each setting. The chosen config, with the protocol as its comment, is tuned.yaml
there, and its runs, from all seeds of the config, follow at once. What is there is
not made again; an interrupted search goes on with the same bits.`,
		Example: `  dgn tune configs/tune/digits.yaml
  dgn tune configs/tune/digits.yaml --set tune.trials=40`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set, err := flags.read(a, c.Flags())
			if err != nil {
				return err
			}
			search, err := config.LoadSearch(args[0], flags.sets)
			if err != nil {
				return err
			}
			return a.tune(c, search, flags.opt, set, dry)
		},
	}
	f := c.Flags()
	flags.add(f)
	f.BoolVar(&dry, "dry-run", false, "list the trials and what the results folder holds of them; run nothing")
	return c
}

// tune makes a search, or lists its trials, and shows the results.
func (a *app) tune(c *cobra.Command, s *config.Search, opt experiment.Options, figures experiment.FigureSet, dry bool) error {
	screen := a.newScreen(c.Context())
	log := a.equip(c, screen, &opt)
	if dry {
		list, err := tune.List(s, opt)
		screen.close()
		if err != nil {
			return err
		}
		return list.WriteTable(a.stdout)
	}
	opt.Monitor = screen.manyMonitor(log)
	out, err := tune.Run(c.Context(), s, opt)
	screen.close()
	if out == nil {
		return err
	}
	err = errors.Join(err, a.showChoices(s, out))
	if out.Final == nil {
		return err
	}
	publishErr := a.publishSweep(out.Final, figures, log)
	return errors.Join(append([]error{err, publishErr}, out.Final.Failed...)...)
}

// showChoices prints what was chosen.
func (a *app) showChoices(s *config.Search, out *tune.Outcome) error {
	for _, ch := range out.Choices {
		if _, err := fmt.Fprintf(a.stdout, "%s: %s (%s %.4g, best of %d trials)\n", ch.Method, ch.Settings, s.Config.Tune.Metric, ch.Value, ch.Trials); err != nil {
			return err
		}
	}
	if len(out.Choices) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, "trials: %s\n\n", out.Dir)
	return err
}
