package cli

import (
	"errors"
	"fmt"

	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	var sets []string
	c := &cobra.Command{
		Use:   "check CONFIG...",
		Short: "Validate a config; print what it resolves to, its layers, and what it will cost",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var errs []error
			for _, path := range args {
				errs = append(errs, a.check(c, path, sets))
			}
			return errors.Join(errs...)
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "set a key of the config to a YAML value: KEY=VALUE (repeatable)")
	return c
}

func (a *app) check(c *cobra.Command, path string, sets []string) error {
	config, err := experiment.Load(path, sets)
	if err != nil {
		return err
	}
	resolved, err := config.YAML()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "# %s, resolved\n%s\n", path, resolved)
	s := a.newScreen(c.Context())
	problem, err := experiment.Open(config, a.dataEnv(c.Context(), s))
	s.close()
	if err != nil {
		return err
	}
	if err := errors.Join(problem.Describe(a.stdout), problem.Fits()); err != nil || config.Sweep == nil {
		return err
	}
	study, err := experiment.LoadSweep(path, sets, experiment.SweepFlags{})
	if err != nil {
		return err
	}
	return study.Describe(a.stdout)
}
