package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/spf13/cobra"
)

// A section is one table of names for `dgn list`.
type section struct {
	name  string
	print func(w io.Writer)
}

func sectionOf[T any](name string, t *registry.Table[T]) section {
	return section{name, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n", strings.ToUpper(name))
		for _, n := range t.Names() {
			e := t.Entry(n)
			fmt.Fprintf(w, "  %-16s %s\n", n, e.Doc)
			if e.Reference != "" {
				fmt.Fprintf(w, "  %-16s [%s]\n", "", e.Reference)
			}
			for _, o := range registry.Options(e.Defaults) {
				fmt.Fprintf(w, "  %-16s   %s\n", "", strings.TrimSpace(fmt.Sprintf("%-28s %s", o.Key+": "+o.Default, o.Doc)))
			}
		}
	}}
}

func sections() []section {
	return []section{
		sectionOf("oracles", &oracles.Known),
		sectionOf("solvers", &oracles.Solvers),
		sectionOf("optimizers", &optim.Known),
		sectionOf("line_searches", &optim.StepRules),
		sectionOf("schedules", &schedules.Known),
		sectionOf("losses", &losses.Known),
		sectionOf("models", &nn.Models),
		sectionOf("layers", &nn.Layers),
		sectionOf("initializers", &nn.Initializers),
		sectionOf("datasets", &datasets.Known),
	}
}

func (a *app) listCommand() *cobra.Command {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return &cobra.Command{
		Use:       "list [" + strings.Join(names, "|") + "]",
		Short:     "List every name usable in a config, with options, defaults and references",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && !slices.Contains(names, args[0]) {
				return usageError{fmt.Errorf("nothing is listed under %q%s", args[0], strict.Suggest(args[0], names))}
			}
			first := true
			for _, s := range sections() {
				if len(args) == 1 && s.name != args[0] {
					continue
				}
				if !first {
					fmt.Fprintln(a.stdout)
				}
				first = false
				s.print(a.stdout)
			}
			return nil
		},
	}
}
