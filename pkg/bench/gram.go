package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Gram is what `dgn bench --gram` reports: what the forms of K = J Jᵀ take, and how good the
// choice of gram: auto is, which knows shapes only.
type Gram struct {
	Machine Machine    `json:"machine"`
	Cells   []GramCell `json:"cells"`
	Median  float64    `json:"median_ratio"` // of the cells
	Worst   float64    `json:"worst_ratio"`
}

// A GramCell is one model, batch size and budget, in float32.
type GramCell struct {
	Model      string     `json:"model"`
	Outputs    int        `json:"outputs"`
	Examples   int        `json:"examples"`
	Iterations int        `json:"iterations"`
	Forms      []GramForm `json:"forms"`
	Auto       string     `json:"auto"`  // the form that auto takes
	Ratio      float64    `json:"ratio"` // of its time over that of the fastest
}

// A GramForm is what a form takes for all products of a step: the first, for the right-hand
// side, which also makes what is made once, one for each iteration, and Jᵀ alpha. Its
// numbers are medians; they are 0 where the form would hold more than gram_memory.
type GramForm struct {
	Form     string  `json:"form"`
	Seconds  float64 `json:"seconds"`
	First    float64 `json:"first_seconds"`
	Product  float64 `json:"product_seconds"`
	Combine  float64 `json:"combine_seconds"`
	Expected float64 `json:"expected_seconds"` // what auto takes it to be
}

// A gramGrid is what the cells are made of.
type gramGrid struct {
	models     []string
	outputs    []int
	examples   []int
	iterations []int
	rounds     int
	round      time.Duration // of the products of one form
}

var fullGrid = gramGrid{
	[]string{"mlp", "wide", "convnet", "small"}, []int{1, 10, 100}, []int{16, 64, 128, 512, 1024}, []int{1, 5, 20, 100}, 5, 5 * time.Millisecond,
}

// gramNet is the model of a name with so many outputs: that of configs/mnist.yaml, the same four times as wide, and that of
// configs/mnist_conv.yaml, on images of MNIST's size, and that of configs/digits.yaml.
func gramNet(name string, outputs int) (*nn.Net, error) {
	var model registry.Choice[nn.Model]
	var err error
	in := tensor.Shape{C: 784, H: 1, W: 1}
	switch name {
	case "convnet":
		in = tensor.Shape{C: 1, H: 28, W: 28}
		model, err = registry.Choose(&nn.Models, name, func(m *nn.ConvNet) { m.Filters, m.Kernel, m.Hidden = []int{16, 32}, 3, []int{64} })
	case "small":
		in.C = 64
		model, err = registry.Choose(&nn.Models, "mlp", func(m *nn.MLP) { m.Hidden = []int{64, 64} })
	case "wide":
		model, err = registry.Choose(&nn.Models, "mlp", func(m *nn.MLP) { m.Hidden = []int{1024, 1024} })
	default:
		model, err = registry.Choose(&nn.Models, name, func(m *nn.MLP) { m.Hidden = []int{256, 256} })
	}
	if err != nil {
		return nil, err
	}
	return model.Must().Build(in, outputs)
}

// MeasureGram measures the grid, and ends early with ctx's error. It tells how far it is.
func MeasureGram(ctx context.Context, m Machine, progress func(string)) (*Gram, error) {
	return fullGrid.measure(ctx, m, progress)
}

func (g gramGrid) measure(ctx context.Context, m Machine, progress func(string)) (*Gram, error) {
	out := &Gram{Machine: m}
	pool := tensor.NewPool(m.Threads)
	defer pool.Close()
	for _, model := range g.models {
		for _, k := range g.outputs {
			net, err := gramNet(model, k)
			if err != nil {
				return nil, err
			}
			for _, examples := range g.examples {
				progress(fmt.Sprintf("%s, %d outputs, %d examples", model, k, examples))
				costs := net.GramCosts(examples)
				measured, err := g.forms(ctx, net, examples, oracles.GramCosts(costs, 1, 0, false), pool)
				if err != nil {
					return nil, err
				}
				for _, t := range g.iterations {
					out.Cells = append(out.Cells, cellOf(model, k, examples, t, measured, oracles.GramCosts(costs, t, 0, false)))
				}
			}
		}
	}
	var ratios []float64
	for _, c := range out.Cells {
		ratios = append(ratios, c.Ratio)
	}
	slices.Sort(ratios)
	out.Median, out.Worst = ratios[len(ratios)/2], ratios[len(ratios)-1]
	return out, nil
}

// cellOf makes a cell of what was measured of the forms.
func cellOf(model string, k, examples, iterations int, measured []GramForm, costs []oracles.FormCost) GramCell {
	c := GramCell{Model: model, Outputs: k, Examples: examples, Iterations: iterations}
	best, auto := 0.0, 0.0
	chosen := oracles.Cheapest(costs)
	for i, f := range measured {
		f.Expected = costs[i].Seconds
		if costs[i].Fits {
			f.Seconds = f.First + float64(iterations)*f.Product + f.Combine
			if best == 0 || f.Seconds < best {
				best = f.Seconds
			}
			if costs[i].Form == chosen.Form {
				auto = f.Seconds
			}
		}
		c.Forms = append(c.Forms, f)
	}
	c.Auto, c.Ratio = string(chosen.Form), auto/best
	return c
}

// forms measures each form that fits, in turn.
func (g gramGrid) forms(ctx context.Context, net *nn.Net, m int, costs []oracles.FormCost, pool *tensor.Pool) ([]GramForm, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	w, x := make([]float32, net.NumParams()), tensor.New[float32](m, net.Input().Len())
	tensor.Convert(w, net.Init(rng))
	for i := range x.Flat() {
		x.Flat()[i] = float32(rng.NormFloat64())
	}
	lin := nn.NewLinearization[float32](net, m, pool)
	lin.Linearize(w, x)
	v, u, d := tensor.New[float64](m, net.Outputs()), tensor.New[float64](m, net.Outputs()), make([]float32, len(w))
	for i := range v.Flat() {
		v.Flat()[i] = rng.NormFloat64()
	}
	seconds := func(f func()) float64 {
		start := time.Now()
		f()
		return time.Since(start).Seconds()
	}
	out := make([]GramForm, len(costs))
	first, product, combine := make([][]float64, len(costs)), make([][]float64, len(costs)), make([][]float64, len(costs))
	grams := make([]oracles.Gram[float32], len(costs))
	for i, c := range costs {
		out[i].Form = string(c.Form)
		grams[i] = oracles.NewGram[float32](c.Form, pool)
	}
	for round := range g.rounds + 1 { // the first makes work space, and does not count
		for i, gram := range grams {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if !costs[i].Fits {
				continue
			}
			gram.Reset(lin)
			one := seconds(func() { gram.Mul(u, v) })
			next := seconds(func() { gram.Mul(u, v) })
			repeat := max(1, int(g.round.Seconds()/next))
			many := seconds(func() {
				for range repeat {
					gram.Mul(u, v)
				}
			})
			last := seconds(func() { gram.Combine(d, v) })
			if round > 0 {
				first[i], product[i], combine[i] = append(first[i], one), append(product[i], many/float64(repeat)), append(combine[i], last)
			}
		}
	}
	for i := range out {
		if costs[i].Fits {
			out[i].First, out[i].Product, out[i].Combine = median(first[i]), median(product[i]), median(combine[i])
		}
	}
	return out, nil
}

// WriteTable prints a line for each cell: milliseconds of each form, and the choice.
func (g *Gram) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s kernels, %s; milliseconds of all products of a step in float32: one for the right-hand side and what is made once, one for each iteration, and Jᵀ alpha\n\n",
		g.Machine.CPU, g.Machine.ISA, plural(g.Machine.Threads, "thread"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "model\toutputs\texamples\titerations")
	for _, f := range oracles.Forms {
		fmt.Fprintf(t, "\t%s", f)
	}
	fmt.Fprintln(t, "\tauto\tover the best")
	for _, c := range g.Cells {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d", c.Model, c.Outputs, c.Examples, c.Iterations)
		for _, f := range c.Forms {
			if f.Seconds == 0 {
				fmt.Fprint(t, "\tover gram_memory")
			} else {
				fmt.Fprintf(t, "\t%.4g", 1e3*f.Seconds)
			}
		}
		fmt.Fprintf(t, "\t%s\t%.2f\n", c.Auto, c.Ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nTime of auto over that of the best form: median %.2f, worst %.2f, of %d cells.\n", g.Median, g.Worst, len(g.Cells))
	return err
}
