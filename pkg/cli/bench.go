package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/bench"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	var kernels, asJSON bool
	var parts []string
	c := &cobra.Command{
		Use:   "bench --kernels",
		Short: "Measure the arithmetic of this machine",
		Long: `Measure, in one run of about a minute, the peak rate of multiply-adds, matrix
products in all forms, convolutions with their gradients, and passes over memory
beside a plain copy.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !kernels {
				return usageError{errors.New("say what to measure: --kernels")}
			}
			for _, part := range parts {
				if !slices.Contains(bench.Parts, part) {
					return usageError{fmt.Errorf("--parts: unknown part %q; use some of %s", part, strings.Join(bench.Parts, ", "))}
				}
			}
			m := bench.Machine{CPU: experiment.ThisMachine().CPU, ISA: kernel.Active().String(), Threads: a.settings.Threads}
			result, err := bench.MeasureKernels(c.Context(), m, parts)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(a.stdout)
				e.SetIndent("", "  ")
				return e.Encode(result)
			}
			return result.WriteTable(a.stdout)
		},
	}
	c.Flags().BoolVar(&kernels, "kernels", false, "measure matrix products, convolutions and vector passes")
	c.Flags().StringSliceVar(&parts, "parts", bench.Parts, "with --kernels: what to measure of them")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
