package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/bench"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// benchFlags are what a user may say of a measurement.
type benchFlags struct {
	kernels, gram, json  bool
	parts, methods, sets []string
}

func (a *app) benchCommand() *cobra.Command {
	var flags benchFlags
	c := &cobra.Command{
		Use:   "bench CONFIG | bench --kernels | bench --gram",
		Short: "Measure the training steps of methods, or the arithmetic of this machine",
		Long: `Measure, of each method of a config, what a training step takes: its time, that
over the time of a plain SGD step, the rate of its arithmetic, counters,
allocations and memory. Nothing is written.

A plain SGD step is one gradient and one constant learning rate, on the same model
and batch size, in the same precision. It and all methods take turns in 9 rounds of
about 60 ms each; numbers are medians of the rounds, relative costs those of ratios
within rounds. Threads are bound to CPUs, as by dgn run --timing.

Steps are those of training, on the config's data and its first seed: batch, oracle,
optimizer, line search. Every method begins each round with one step that warms it
up and is thrown away, then from the initial weights, and goes back to these
after 100 steps, or where a run would end: the work of a step is that at the start of
a run. Evaluation and logs are left out, and so are the sections probe.

Multiply-adds, and GFLOP/s (2 for each), count matrix products and the like alone.
Peak memory is the most that the process had resident in the turns of a method, the
data included; work space of other methods is not there. It is null where the system
does not tell.

A method whose loss is not finite, or whose inner solve does not use its budget
though its tolerance is 0, fails: it has an error in place of numbers, and the exit
code is 1.

With --kernels, and no CONFIG, measure in one run of about a minute the peak rate of
multiply-adds, matrix products in all forms, convolutions with their gradients, and
passes over memory beside a plain copy.

With --gram measure, in some minutes, the ways to multiply by K = J Jᵀ in the dual, on 240
cells of model, outputs, batch size and budget: an MLP, a wide one and a network of
convolutions on images of MNIST's size, and the small MLP of configs/digits.yaml. Set-up, products and
the last product are measured apart, in turn, 5 times; a cell is made of their medians.
The last columns have what gram: auto takes, and its time over that of the best.`,
		Example: `  dgn bench configs/digits.yaml
  dgn bench configs/mnist.yaml --method SGD --method "GN dual, Adam" --set train.batch_size=256 --json
  dgn bench --kernels
  dgn bench --gram`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.check(c.Flags(), args); err != nil {
				return usageError{err}
			}
			switch {
			case flags.kernels:
				return a.benchKernels(c, &flags)
			case flags.gram:
				return a.benchGram(c, &flags)
			}
			return a.benchMethods(c, args[0], &flags)
		},
	}
	c.Flags().BoolVar(&flags.kernels, "kernels", false, "measure matrix products, convolutions and vector passes")
	c.Flags().BoolVar(&flags.gram, "gram", false, "measure the ways to multiply by K in the dual, and what gram: auto makes of them")
	c.Flags().StringSliceVar(&flags.parts, "parts", bench.Parts, "with --kernels: what to measure of them")
	c.Flags().StringArrayVar(&flags.methods, "method", nil, "measure this method of CONFIG alone, beside a plain SGD step (repeatable)")
	c.Flags().StringArrayVar(&flags.sets, "set", nil, "set a key of CONFIG to a YAML value: KEY=VALUE (repeatable)")
	c.Flags().BoolVar(&flags.json, "json", false, "print JSON")
	return c
}

// check finds what is measured twice, not at all, or given for another measurement.
func (b *benchFlags) check(given *pflag.FlagSet, args []string) error {
	switch {
	case b.kernels && b.gram:
		return errors.New("--kernels and --gram are two measurements; give one of them")
	case (b.kernels || b.gram) && len(args) > 0:
		return fmt.Errorf("CONFIG and %s are two measurements; give one of them", b.what())
	case !b.kernels && !b.gram && len(args) == 0:
		return errors.New("say what to measure: CONFIG, the training steps of its methods, --kernels or --gram")
	}
	for _, name := range []string{"method", "set"} {
		if (b.kernels || b.gram) && given.Changed(name) {
			return fmt.Errorf("--%s is for CONFIG, and not for %s", name, b.what())
		}
	}
	if !b.kernels && given.Changed("parts") {
		return fmt.Errorf("--parts is for --kernels, and not for %s", b.what())
	}
	for _, part := range b.parts {
		if !slices.Contains(bench.Parts, part) {
			return fmt.Errorf("--parts: unknown part %q; use some of %s", part, strings.Join(bench.Parts, ", "))
		}
	}
	return nil
}

// what names the measurement.
func (b *benchFlags) what() string {
	switch {
	case b.kernels:
		return "--kernels"
	case b.gram:
		return "--gram"
	}
	return "CONFIG"
}

func (a *app) benchGram(c *cobra.Command, flags *benchFlags) error {
	s := a.newScreen(c.Context())
	defer s.close()
	log := a.logger(s)
	result, err := bench.MeasureGram(c.Context(), a.benchMachine(), func(what string) { log.Info(what) })
	if err != nil {
		return err
	}
	if flags.json {
		return a.writeJSON(result)
	}
	return result.WriteTable(a.stdout)
}

func (a *app) benchKernels(c *cobra.Command, flags *benchFlags) error {
	result, err := bench.MeasureKernels(c.Context(), a.benchMachine(), flags.parts)
	if err != nil {
		return err
	}
	if flags.json {
		return a.writeJSON(result)
	}
	return result.WriteTable(a.stdout)
}

func (a *app) benchMethods(c *cobra.Command, path string, flags *benchFlags) error {
	conf, err := config.Load(path, flags.sets)
	if err != nil {
		return err
	}
	study := conf.Plain()
	if flags.methods != nil {
		if study, err = study.Only(flags.methods); err != nil {
			return fmt.Errorf("--method: %w", err)
		}
	}
	s := a.newScreen(c.Context())
	log := a.logger(s)
	problems, err := bench.OpenMethods(study, &problem.Cache{Env: a.dataEnv(c.Context(), s), Log: log})
	s.close() // bars would be drawn, and allocate, while steps are measured
	if err != nil {
		return err
	}
	for _, section := range []struct {
		name  string
		given bool
	}{{"sweep", conf.Sweep != nil}, {"tune", conf.Tune != nil}} {
		if section.given {
			log.Warn("the section " + section.name + " is left out: methods are measured with the settings that they have without it")
		}
	}
	result, err := bench.MeasureMethods(c.Context(), problems, bench.MethodOptions{Machine: a.benchMachine(), Auto: a.settings.Auto, Log: log})
	if err != nil {
		return err
	}
	if flags.json {
		err = a.writeJSON(result)
	} else {
		err = result.WriteTable(a.stdout)
	}
	return errors.Join(result.Err(), err)
}

// benchMachine is what is measured.
func (a *app) benchMachine() bench.Machine {
	return bench.Machine{CPU: experiment.ThisMachine().CPU, ISA: kernel.Active().String(), Threads: a.settings.Threads}
}

// writeJSON prints a measurement.
func (a *app) writeJSON(result any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(result)
}
