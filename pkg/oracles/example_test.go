package oracles_test

import (
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// One Gauss-Newton direction, solved for in the dual, at weights and on a mini-batch of
// one's own. Three numbers for each of six examples are unknown, in place of 51 weights.
func Example() {
	model, err := registry.Choose(&nn.Models, "mlp", func(m *nn.MLP) { m.Hidden = []int{8} })
	if err != nil {
		log.Fatal(err)
	}
	net, err := model.Must().Build(tensor.Shape{C: 2, H: 1, W: 1}, 3)
	if err != nil {
		log.Fatal(err)
	}
	w := net.Init(rand.New(rand.NewPCG(1, 2))) // or any numbers in the order of net.Layout
	x := tensor.View(6, 2, []float64{1, 0, 1.2, 0.3, -0.5, 0.9, -0.7, 1.1, -0.4, -0.8, -0.6, -1})
	y := tensor.View(6, 3, []float64{1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1}) // classes
	loss := losses.Logistic{}

	spec, err := registry.Choose(&oracles.Known, "gauss_newton", func(o *oracles.GaussNewton) {
		o.InnerIterations = 4
		o.Gram = oracles.Chained
		o.Gamma = oracles.ConstGamma(5)
	})
	if err != nil {
		log.Fatal(err)
	}
	oracle := oracles.New[float64](spec.Must(), oracles.Site{Loss: loss, Dims: net.Dims(x.Rows)})

	f := nn.NewLinearization[float64](net, x.Rows, nil)
	f.Linearize(w, x)
	d := make([]float64, net.NumParams())
	r := oracle.Direction(d, &oracles.Subproblem[float64]{
		Loss:     loss,
		Gradient: oracles.Batch[float64]{Jacobian: f, Targets: y},
	})
	fmt.Printf("%d inner iterations, ended by %s: %d products with K and %d VJP\n", r.InnerIterations, r.StopReason, r.Counters.GramProducts, r.Counters.VJPs)

	r = oracle.Complete(true)
	fmt.Printf("P(d) = %.4f, D(alpha) = %.4f, a gap of %.4f; slope %.3f\n", r.Primal, r.Dual(), r.Gap, r.Slope)
	for _, eta := range []float64{0, 0.25, 0.5, 1} {
		fmt.Printf("loss at w + %.2f d: %.4f\n", eta, losses.Mean(loss, f.OutputsAt(eta, d), y))
	}
	// Output:
	// 4 inner iterations, ended by budget: 5 products with K and 1 VJP
	// P(d) = 0.2146, D(alpha) = 0.2126, a gap of 0.0021; slope -2.636
	// loss at w + 0.00 d: 1.5304
	// loss at w + 0.25 d: 0.9633
	// loss at w + 0.50 d: 0.5910
	// loss at w + 1.00 d: 0.3166
}
