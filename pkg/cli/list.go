package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/config"
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

// sectionOf lists a table. The function about, if there is one, has more to say
// of an implementation.
func sectionOf[T any](name string, t *registry.Table[T], about func(build func() (T, error)) []string) section {
	return section{name, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n", strings.ToUpper(name))
		width := 16
		for _, n := range t.Names() {
			width = max(width, len(n))
		}
		for _, n := range t.Names() {
			e := t.Entry(n)
			fmt.Fprintf(w, "  %-*s %s\n", width, n, e.Doc)
			if about != nil {
				for _, line := range about(e.Trials[0]) {
					fmt.Fprintf(w, "  %-*s %s\n", width, "", line)
				}
			}
			if e.Reference != "" {
				fmt.Fprintf(w, "  %-*s [%s]\n", width, "", e.Reference)
			}
			listOptions(w, width, e.Defaults)
		}
	}}
}

// listOptions lists the settings of an options struct, beside a column for names.
func listOptions(w io.Writer, width int, defaults any) {
	options, column := registry.Options(defaults), 28
	for _, o := range options {
		column = max(column, min(len(o.Key)+2+len(o.Default), 40))
	}
	for _, o := range options {
		fmt.Fprintf(w, "  %-*s   %s\n", width, "", strings.TrimSpace(fmt.Sprintf("%-*s %s", column, o.Key+": "+o.Default, o.Doc)))
	}
}

// probeSection lists what the section probe of a method holds.
func probeSection(w io.Writer) {
	fmt.Fprintln(w, "PROBE")
	for _, line := range []string{
		"a section of a method: oracles to compare along its way, on the subproblems of its own",
		"of oracle " + strings.Join(oracles.Compared(), " or ") + "; all have its gamma and weight_decay, and no warm_start",
	} {
		fmt.Fprintf(w, "  %-16s %s\n", "", line)
	}
	listOptions(w, 16, config.DefaultProbe())
}

// datasetSection lists the data sets, and the settings that all of them have.
func datasetSection(w io.Writer) {
	sectionOf("datasets", &datasets.Known, nil).print(w)
	fmt.Fprintf(w, "  %-16s %s\n", "(all sets)", "settings of every data set, beside its own")
	listOptions(w, 16, datasets.Defaults())
}

// serves says which oracles and losses a solver is for.
func serves(build func() (oracles.Solver, error)) (lines []string) {
	s, err := build()
	if err != nil {
		return nil
	}
	for _, what := range oracles.Serves(s) {
		lines = append(lines, "serves "+what)
	}
	return lines
}

func sections() []section {
	return []section{
		sectionOf("oracles", &oracles.Known, nil),
		sectionOf("solvers", &oracles.Solvers, serves),
		{"probe", probeSection},
		sectionOf("optimizers", &optim.Known, nil),
		sectionOf("line_searches", &optim.LineSearches, nil),
		sectionOf("schedules", &schedules.Known, nil),
		sectionOf("losses", &losses.Known, nil),
		sectionOf("models", &nn.Models, nil),
		sectionOf("layers", &nn.Layers, nil),
		sectionOf("initializers", &nn.Initializers, nil),
		{"datasets", datasetSection},
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
