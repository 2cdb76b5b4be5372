package cli

import (
	"errors"
	"fmt"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/problem"
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
	text, err := config.Read(path)
	if err != nil {
		return err
	}
	conf, err := config.Parse(path, text, sets)
	if err != nil {
		return err
	}
	resolved, err := conf.YAML()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "# %s, resolved\n%s\n", path, resolved)
	s := a.newScreen(c.Context())
	p, err := problem.Open(conf, a.dataEnv(c.Context(), s))
	s.close()
	if err != nil {
		return err
	}
	if err := errors.Join(p.Describe(a.stdout), p.Fits()); err != nil {
		return err
	}
	if conf.Tune != nil {
		search, err := config.ParseSearch(path, text, sets)
		if err != nil {
			return err
		}
		for _, n := range search.Notes {
			fmt.Fprintf(a.stdout, "note: %s\n", n)
		}
		_, err = fmt.Fprintf(a.stdout, "tune: %d trials of each method that has something to tune, x %d seeds, then the runs above (dgn tune --dry-run lists the trials)\n", conf.Tune.Trials, len(conf.Tune.Seeds))
		return err
	}
	if conf.Sweep == nil {
		return nil
	}
	study, err := config.ParseSweep(path, text, sets, config.SweepFlags{})
	if err != nil {
		return err
	}
	return study.Describe(a.stdout)
}
