package cli

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/direction"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/spf13/cobra"
)

func (a *app) directionCommand() *cobra.Command {
	var sets []string
	var method, params, batch, out string
	c := &cobra.Command{
		Use:   "direction CONFIG --method NAME --params P.npz --batch B.npz --out D.npz",
		Short: "Call the oracle of a method once, on given weights and a given mini-batch",
		Long: `Call the oracle of a method once, on weights and a mini-batch from files, and
write what it answers.

The config needs a model, a loss and methods; data and train may be absent. The
weights are named as in the state_dict of a torch.nn.Sequential. The batch holds
x (m x features or m x C x H x W) and y (integer labels, or targets m x k).

Written, as float64: direction, gradient, outputs, alpha, acceleration, and the numbers loss,
model_change, primal, dual, gap, slope, inner_iterations, as far as they apply.
Files end in .npz or .safetensors.`,
		Example: `  dgn direction configs/mnist.yaml --method "GN dual" --params params.npz --batch batch.npz --out direction.npz`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := arrays.CheckName(out); err != nil {
				return usageError{fmt.Errorf("--out: %w", err)}
			}
			conf, err := config.LoadMethods(args[0], sets)
			if err != nil {
				return err
			}
			s := a.newScreen(c.Context())
			defer s.close()
			log := a.logger(s)
			result, err := interrupt.Return(c.Context(), func() ([]arrays.Array, error) {
				return direction.Of(conf, method, params, batch, func(what string) { log.Warn(what) })
			})
			if err != nil {
				return err
			}
			if err := arrays.WriteFile(out, result); err != nil {
				return err
			}
			for _, r := range result {
				if len(r.Shape) == 0 {
					fmt.Fprintf(a.stdout, "%-16s %.10g\n", r.Name, r.Float64s()[0])
				}
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "set a key of the config to a YAML value: KEY=VALUE (repeatable)")
	c.Flags().StringVar(&method, "method", "", "name of the method")
	c.Flags().StringVar(&params, "params", "", "file of weights")
	c.Flags().StringVar(&batch, "batch", "", "file of the mini-batch, arrays x and y, and omega if examples have weights; of an equation x (points), y and part (0 inside, 1 on the boundary)")
	c.Flags().StringVar(&out, "out", "", "file to write")
	for _, name := range []string{"method", "params", "batch", "out"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return c
}
