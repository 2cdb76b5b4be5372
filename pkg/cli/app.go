package cli

import (
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// An app is one invocation of the program.
type app struct {
	version        string // as the main package has it
	stdout, stderr io.Writer
	settings       settings
	started        bool // the command line and the settings are valid
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "dgn",
		Short: "Train networks with dual Gauss-Newton directions, and measure what they cost",
		Long: `dgn trains a network by several methods from several seeds, and logs loss against
wall-clock time and oracle cost. An experiment is a YAML file:

  dgn run configs/digits.yaml      trains, logs, draws figures, prints a table
  dgn sweep CONFIG --grid KEY=...  the same over settings
  dgn tune CONFIG                  searches the settings of every method with equal effort
  dgn plot results/digits          draws figures from the logs
  dgn report results/digits        makes one HTML page of them, that can be mailed
  dgn watch results                serves that page, and follows runs at work
  dgn status results/digits        tells which runs are complete, running, queued, failed
  dgn check configs/digits.yaml    validates, prints what would be done
  dgn list                         every name a config can use

Settings of the machine come from flags, from DGN_DATA_DIR, DGN_OUT, DGN_THREADS,
DGN_OFFLINE and DGN_LOG_FORMAT, and from a settings file, in that order.

Exit codes: 0 done, 1 a run failed, 2 bad command line or config, 3 missing or
damaged data, 75 told by SIGUSR1 to go on later, 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	load := a.settings.define(root.PersistentFlags())
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if err := errors.Join(load(), c.ValidateRequiredFlags()); err != nil {
			return err
		}
		a.started = true
		return nil
	}
	root.AddCommand(a.runCommand(), a.sweepCommand(), a.tuneCommand(), a.plotCommand(), a.reportCommand(), a.watchCommand(), a.statusCommand(), a.exportCommand(), a.checkCommand(), a.listCommand(), a.dataCommand(), a.directionCommand(), a.benchCommand(), a.versionCommand())
	return root
}

// logger logs to w in the format the user chose.
func (a *app) logger(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if a.settings.Quiet {
		level = slog.LevelWarn
	}
	if a.settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(textHandler(w, level))
}
