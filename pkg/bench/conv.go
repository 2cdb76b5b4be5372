package bench

import (
	"context"
	"fmt"
	"io"

	"github.com/dualgn/dgn/pkg/tensor"
)

// A Conv is one measured convolution of a batch of square images.
type Conv struct {
	Precision string  `json:"precision"`
	Operation string  `json:"operation"` // forward, input, weight (gradients of), jvp
	Batch     int     `json:"batch"`
	Channels  int     `json:"channels"`
	Size      int     `json:"size"` // height and width of an image
	Filters   int     `json:"filters"`
	Kernel    int     `json:"kernel"` // height and width of a filter
	Stride    int     `json:"stride"`
	Padding   int     `json:"padding"`
	Threads   int     `json:"threads"`
	GFLOPS    float64 `json:"gflops"`
	Fraction  float64 `json:"fraction_of_peak"` // of as many threads, measured between the convolutions
}

// convOperations are what training needs of a convolution, and their multiply-adds
// relative to the forward pass.
var convOperations = map[string]int64{"forward": 1, "input": 1, "weight": 1, "jvp": 2}

// convs are the shapes that are measured: middle layers of small nets for 32x32
// images, first layers, and what residual nets have besides.
var convs = []Conv{
	{Batch: 32, Channels: 32, Size: 16, Filters: 64, Kernel: 3, Stride: 1, Padding: 1},
	{Batch: 64, Channels: 64, Size: 8, Filters: 128, Kernel: 3, Stride: 1, Padding: 1},
	{Batch: 32, Channels: 3, Size: 32, Filters: 32, Kernel: 3, Stride: 1, Padding: 1},
	{Batch: 64, Channels: 1, Size: 28, Filters: 32, Kernel: 5, Stride: 1, Padding: 2},
	{Batch: 64, Channels: 64, Size: 7, Filters: 64, Kernel: 3, Stride: 1, Padding: 1},
	{Batch: 64, Channels: 128, Size: 4, Filters: 128, Kernel: 3, Stride: 1, Padding: 1},
	{Batch: 32, Channels: 32, Size: 16, Filters: 64, Kernel: 3, Stride: 2, Padding: 1},
	{Batch: 32, Channels: 32, Size: 16, Filters: 64, Kernel: 1, Stride: 1, Padding: 0},
}

// String names the shape: "32x(3x32x32)->64, 3x3".
func (c Conv) String() string {
	s := fmt.Sprintf("%dx(%dx%dx%d)->%d, %dx%d", c.Batch, c.Channels, c.Size, c.Size, c.Filters, c.Kernel, c.Kernel)
	if c.Stride > 1 {
		s += fmt.Sprintf("/%d", c.Stride)
	}
	return s
}

// convolutions measures every operation of every shape.
func (r *Kernels) convolutions(ctx context.Context, pool *tensor.Pool) error {
	for _, s := range convs {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.Conv = append(r.Conv, measureConv[float32](pool, s, "float32")...)
		r.Conv = append(r.Conv, measureConv[float64](pool, s, "float64")...)
	}
	return nil
}

func measureConv[T tensor.Float](pool *tensor.Pool, c Conv, precision string) (out []Conv) {
	size := (c.Size+2*c.Padding-c.Kernel)/c.Stride + 1
	shape := tensor.ConvShape{
		In: tensor.Shape{C: c.Channels, H: c.Size, W: c.Size}, Out: tensor.Shape{C: c.Filters, H: size, W: size},
		KH: c.Kernel, KW: c.Kernel, Stride: c.Stride, PadH: c.Padding, PadW: c.Padding,
	}
	op := tensor.NewConv[T](pool, shape)
	x, dx := filled[T](false, c.Batch, shape.In.Len()), tensor.New[T](c.Batch, shape.In.Len())
	y, dy := tensor.New[T](c.Batch, shape.Out.Len()), filled[T](false, c.Batch, shape.Out.Len())
	w, dw := filled[T](false, c.Filters, shape.Taps()).Data, make([]T, c.Filters*shape.Taps())
	b, db := filled[T](false, 1, c.Filters).Data, make([]T, c.Filters)
	run := map[string]func(){
		"forward": func() { op.Forward(w, b, x, 0, y) },
		"input":   func() { op.Input(w, dy, dx) },
		"weight":  func() { op.Weight(x, dy, dw, db) },
		"jvp": func() {
			op.Forward(dw, db, x, 0, y)
			op.Forward(w, nil, dx, 1, y)
		},
	}
	c.Precision, c.Threads = precision, pool.Threads()
	for _, c.Operation = range []string{"forward", "input", "weight", "jvp"} {
		flops := 2 * float64(convOperations[c.Operation]*shape.MultiplyAdds()) * float64(c.Batch)
		c.GFLOPS, c.Fraction = measure[T](pool, flops, run[c.Operation])
		out = append(out, c)
	}
	return out
}

// writeConvs writes a line for each shape, precision and number of threads.
func (r *Kernels) writeConvs(t io.Writer) {
	fmt.Fprintln(t, "convolution\tprecision\tthreads\tforward\tinput\tweight\tJVP\tGFLOP/s (of peak)\t")
	for i, c := range r.Conv {
		if i%len(convOperations) == 0 {
			fmt.Fprintf(t, "%s\t%s\t%d", c, c.Precision, c.Threads)
		}
		fmt.Fprintf(t, "\t%.1f (%.0f %%)", c.GFLOPS, 100*c.Fraction)
		if (i+1)%len(convOperations) == 0 {
			fmt.Fprintln(t, "\t\t")
		}
	}
	fmt.Fprintln(t, "\t\t\t\t\t\t\t\t")
}
