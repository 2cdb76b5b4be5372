package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/spf13/cobra"
)

// dataEnv is where and how data are found.
func (a *app) dataEnv(ctx context.Context, s *screen) datasets.Env {
	return datasets.Env{Context: ctx, Dir: a.settings.DataDir, Offline: a.settings.Offline, Client: http.DefaultClient, Progress: s.download}
}

func (a *app) dataCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "List, download and verify data sets",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	name := func(_ *cobra.Command, args []string) error {
		if datasets.Known.Entry(args[0]) == nil {
			return usageError{fmt.Errorf("unknown data set %q%s", args[0], strict.Suggest(args[0], datasets.Known.Names()))}
		}
		return nil
	}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "List the data sets, what they hold, and whether they are here", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.listData(c.Context(), a.stdout) },
	}, &cobra.Command{
		Use: "get NAME", Short: "Download a data set, and verify it", Args: cobra.MatchAll(cobra.ExactArgs(1), name),
		ValidArgs: datasets.Known.Names(),
		RunE:      func(c *cobra.Command, args []string) error { return a.getData(c.Context(), args[0]) },
	}, &cobra.Command{
		Use: "verify NAME", Short: "Compare the files of a data set with the originals", Args: cobra.MatchAll(cobra.ExactArgs(1), name),
		ValidArgs: datasets.Known.Names(),
		RunE:      func(c *cobra.Command, args []string) error { return a.verifyData(c.Context(), args[0]) },
	})
	return c
}

func (a *app) listData(ctx context.Context, w io.Writer) error {
	dir := datasets.ResolveDir("", a.settings.DataDir)
	fmt.Fprintf(w, "data folder: %s\n\n", dir)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "name\there\tlicence\twhat")
	for _, n := range datasets.Known.Names() {
		e := datasets.Known.Entry(n)
		source, err := e.Trials[0]()
		if err != nil {
			return err
		}
		d := source.Describe()
		here := "your file"
		switch {
		case d.Embedded:
			here = "embedded"
		case len(d.Files) > 0:
			checks, err := verify(ctx, dir, n)
			if err != nil {
				return err
			}
			ok := 0
			for _, c := range checks {
				if c.Status == "ok" {
					ok++
				}
			}
			here = fmt.Sprintf("%d of %d files", ok, len(checks))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", n, here, d.Licence, e.Doc)
	}
	return t.Flush()
}

// verify looks at the files of a data set, which takes seconds, until ctx ends.
func verify(ctx context.Context, dir, name string) ([]datasets.Check, error) {
	return interrupt.Return(ctx, func() ([]datasets.Check, error) { return datasets.Verify(datasets.Env{Dir: dir}, name) })
}

func (a *app) getData(ctx context.Context, name string) error {
	s := a.newScreen(ctx)
	env := a.dataEnv(ctx, s)
	env.Dir = datasets.ResolveDir("", env.Dir)
	if env.Offline {
		return usageError{errors.New("data get downloads, and --offline (or DGN_OFFLINE) forbids it")}
	}
	err := datasets.Get(env, name)
	s.close()
	if err != nil {
		return err
	}
	return a.verifyData(ctx, name)
}

func (a *app) verifyData(ctx context.Context, name string) error {
	dir := datasets.ResolveDir("", a.settings.DataDir)
	checks, err := verify(ctx, dir, name)
	if err != nil {
		return err
	}
	if len(checks) == 0 {
		_, err := fmt.Fprintf(a.stdout, "%s has no files to download\n", name)
		return err
	}
	missing := &datasets.MissingError{Set: name, Dir: dir}
	var damaged error
	for _, c := range checks {
		fmt.Fprintf(a.stdout, "%-8s %s (%s)\n", c.Status, c.File, c.Detail)
		switch c.Status {
		case "missing":
			missing.Files = append(missing.Files, c.File)
		case "damaged":
			damaged = errors.Join(damaged, &datasets.DamagedError{File: c.File, Msg: "is damaged: " + c.Detail + "; `dgn data get " + name + "` replaces it"})
		}
	}
	if len(missing.Files) > 0 {
		return errors.Join(missing, damaged)
	}
	return damaged
}
