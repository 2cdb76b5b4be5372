// Package bench measures the arithmetic of this machine, as users run it, and the training
// steps of methods.
package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A Machine says what was measured.
type Machine struct {
	CPU     string `json:"cpu"`
	ISA     string `json:"isa"`
	Threads int    `json:"threads"`
}

// Kernels is what `dgn bench --kernels` reports. Rates are medians of rounds
// rounds; a GFLOP/s is 10^9 multiplications and additions.
type Kernels struct {
	Machine Machine  `json:"machine"`
	Peak    Peak     `json:"fma_peak_gflops"` // of one thread
	Copy    []Copy   `json:"copy"`
	Gemm    []Gemm   `json:"gemm"`
	Conv    []Conv   `json:"conv"`
	Vectors []Vector `json:"vectors"`
}

// Peak is the rate of multiply-adds in registers.
type Peak struct {
	Float32 float64 `json:"float32"`
	Float64 float64 `json:"float64"`
}

// A Gemm is one measured product C (m x n) = op(A) op(B) over k.
type Gemm struct {
	Precision string  `json:"precision"`
	Transpose string  `json:"transpose"` // NN, NT, TN, TT
	M         int     `json:"m"`
	N         int     `json:"n"`
	K         int     `json:"k"`
	Threads   int     `json:"threads"`
	GFLOPS    float64 `json:"gflops"`
	Fraction  float64 `json:"fraction_of_peak"` // of as many threads, measured between the products
}

// A Copy is the bandwidth of copying memory, bytes read plus bytes written.
type Copy struct {
	Threads         int     `json:"threads"`
	GBytesPerSecond float64 `json:"gbytes_per_second"`
}

// A Vector is one measured pass over vectors that lie in memory.
type Vector struct {
	Name            string  `json:"name"`
	Precision       string  `json:"precision"`
	BytesPerElement int     `json:"bytes_per_element"`
	Threads         int     `json:"threads"`
	GBytesPerSecond float64 `json:"gbytes_per_second"`
	Fraction        float64 `json:"fraction_of_copy"`
}

// rounds is the number of measurements whose median counts.
const rounds = 9

// roundFlops is the work of a round on one thread: a few milliseconds.
var roundFlops = 4e8

// shapes are the products that are measured: forward, backward and weight
// gradients of an MLP, squares, and a last layer.
var shapes = [][3]int{{128, 256, 784}, {128, 784, 256}, {256, 784, 128}, {512, 512, 512}, {1024, 1024, 1024}, {128, 10, 256}}

// Parts are what MeasureKernels can measure.
var Parts = []string{"products", "convolutions", "passes"}

// MeasureKernels measures the peak and some parts, with one thread and with all.
// It ends early with ctx's error.
func MeasureKernels(ctx context.Context, m Machine, parts []string) (*Kernels, error) {
	r := &Kernels{Machine: m, Peak: Peak{medianPeak[float32](), medianPeak[float64]()}}
	for _, threads := range m.counts() {
		pool := tensor.NewPool(threads)
		defer pool.Close()
		if slices.Contains(parts, "products") {
			if err := r.products(ctx, pool); err != nil {
				return nil, err
			}
		}
		if slices.Contains(parts, "convolutions") {
			if err := r.convolutions(ctx, pool); err != nil {
				return nil, err
			}
		}
		if slices.Contains(parts, "passes") {
			r.vectors(pool)
		}
	}
	return r, nil
}

// counts are the numbers of threads that are measured.
func (m Machine) counts() []int {
	if m.Threads > 1 {
		return []int{1, m.Threads}
	}
	return []int{1}
}

// products measures every form of every shape.
func (r *Kernels) products(ctx context.Context, pool *tensor.Pool) error {
	for _, s := range shapes {
		for _, form := range []string{"NN", "NT", "TN", "TT"} {
			if err := ctx.Err(); err != nil {
				return err
			}
			g32, g64 := measureGemm[float32](pool, form, s), measureGemm[float64](pool, form, s)
			g32.Precision, g64.Precision = "float32", "float64"
			r.Gemm = append(r.Gemm, g32, g64)
		}
	}
	return nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// measureGemm measures one product.
func measureGemm[T tensor.Float](pool *tensor.Pool, form string, s [3]int) Gemm {
	g := Gemm{Transpose: form, M: s[0], N: s[1], K: s[2], Threads: pool.Threads()}
	ta, tb := tensor.Transpose(form[0] == 'T'), tensor.Transpose(form[1] == 'T')
	a, b, c := filled[T](bool(ta), g.M, g.K), filled[T](bool(tb), g.K, g.N), tensor.New[T](g.M, g.N)
	run := func() { tensor.Gemm(pool, ta, tb, 1, a, b, 0, c) }
	g.GFLOPS, g.Fraction = measure[T](pool, 2*float64(g.M)*float64(g.N)*float64(g.K), run)
	return g
}

// measure returns the rate of a run of so many operations, in GFLOP/s, and its
// fraction of the peak, which is measured between rounds: medians.
func measure[T tensor.Float](pool *tensor.Pool, flops float64, run func()) (rate, fraction float64) {
	run()
	repeat := max(1, int(roundFlops*float64(pool.Threads())/flops))
	var rates, fractions []float64
	for range rounds {
		p := PeakRate[T](pool)
		run() // wakes the threads
		rate := flops * float64(repeat) / timed(func() {
			for range repeat {
				run()
			}
		}) / 1e9
		rates, fractions = append(rates, rate), append(fractions, rate/p)
	}
	return median(rates), median(fractions)
}

// medianPeak is that of one thread.
func medianPeak[T tensor.Float]() float64 {
	var peaks []float64
	for range rounds {
		peaks = append(peaks, PeakRate[T](nil))
	}
	return median(peaks)
}

// PeakRate measures the multiply-adds that all threads of a pool make in registers, in
// GFLOP/s, 2 for each. It takes some milliseconds.
func PeakRate[T tensor.Float](pool *tensor.Pool) float64 {
	const n = 100_000
	loop := func(int, int) { kernel.PeakRound[T](n) }
	pool.For(pool.Threads(), 1, loop) // wakes the threads
	seconds := timed(func() { pool.For(pool.Threads(), 1, loop) })
	adds := kernel.PeakRound[T](1)
	return 2 * float64(adds) * n * float64(pool.Threads()) / seconds / 1e9
}

func timed(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

// filled returns a rows x cols operand of a product, transposed if asked.
func filled[T tensor.Float](trans bool, rows, cols int) tensor.Matrix[T] {
	if trans {
		rows, cols = cols, rows
	}
	m := tensor.New[T](rows, cols)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range m.Data {
		m.Data[i] = T(rng.NormFloat64())
	}
	return m
}

// vectorLength is that of vectors too large for any cache: 64 MiB each.
var vectorLength = 1 << 24

// vectors measures passes of float32 over memory, between copies.
func (r *Kernels) vectors(pool *tensor.Pool) {
	const chunk = 1 << 14
	n := vectorLength
	s := make([][]float32, 5)
	for i := range s {
		s[i] = make([]float32, n)
		for j := range s[i] {
			s[i][j] = float32(j%7) / 7
		}
	}
	adam := kernel.Adam[float32]{Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Rate: 1e-9, Root: 1, Epsilon: 1e-8}
	sgd := kernel.Momentum[float32]{Rate: 1e-9}
	momentum := kernel.Momentum[float32]{Rate: 1e-9, Mu: 0.9}
	rate := func(bytes int, body func(lo, hi int)) float64 {
		return float64(bytes*n) / timed(func() { pool.For(n, chunk, body) }) / 1e9
	}
	var copies []float64
	for _, p := range []struct {
		name  string
		bytes int
		body  func(lo, hi int)
	}{
		{"axpy", 12, func(lo, hi int) { kernel.Axpy(1e-9, s[0][lo:hi], s[1][lo:hi]) }},
		{"scale", 8, func(lo, hi int) { kernel.Scale(1, s[0][lo:hi]) }},
		{"multiply", 12, func(lo, hi int) { kernel.Multiply(s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"dot", 8, func(lo, hi int) { kernel.Dot(s[0][lo:hi], s[1][lo:hi]) }},
		{"relu", 8, func(lo, hi int) { kernel.Gate(s[0][lo:hi], s[0][lo:hi], s[1][lo:hi]) }},
		{"gate", 12, func(lo, hi int) { kernel.Gate(s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"tanh", 12, func(lo, hi int) { kernel.Tanh(s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"sigmoid", 12, func(lo, hi int) { kernel.Sigmoid(s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"softplus", 12, func(lo, hi int) { kernel.Softplus(s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"gelu", 12, func(lo, hi int) { kernel.GELU(s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"sgd", 12, func(lo, hi int) { sgd.Update(nil, s[0][lo:hi], s[1][lo:hi], nil) }},
		{"sgd momentum", 20, func(lo, hi int) { momentum.Update(nil, s[0][lo:hi], s[1][lo:hi], s[2][lo:hi]) }},
		{"adam", 28, func(lo, hi int) { adam.Update(nil, s[0][lo:hi], s[1][lo:hi], s[2][lo:hi], s[3][lo:hi]) }},
	} {
		var rates, fractions []float64
		for range rounds {
			c := rate(8, func(lo, hi int) { copy(s[4][lo:hi], s[0][lo:hi]) })
			v := rate(p.bytes, p.body)
			copies, rates, fractions = append(copies, c), append(rates, v), append(fractions, v/c)
		}
		r.Vectors = append(r.Vectors, Vector{p.name, "float32", p.bytes, pool.Threads(), median(rates), median(fractions)})
	}
	r.Copy = append(r.Copy, Copy{pool.Threads(), median(copies)})
}

// WriteTable writes the measurements for people.
func (r *Kernels) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s kernels, %d threads; medians of %d\n", r.Machine.CPU, r.Machine.ISA, r.Machine.Threads, rounds)
	fmt.Fprintf(w, "peak of one thread: %.1f GFLOP/s in float32, %.1f in float64\n\n", r.Peak.Float32, r.Peak.Float64)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.Gemm) > 0 {
		r.writeGemms(t)
	}
	if len(r.Conv) > 0 {
		r.writeConvs(t)
	}
	if len(r.Vectors) > 0 {
		r.writeVectors(t)
	}
	return t.Flush()
}

func (r *Kernels) writeGemms(t io.Writer) {
	fmt.Fprintln(t, "m x n x k\tprecision\tthreads\tNN\tNT\tTN\tTT\tGFLOP/s (of peak)\t")
	for _, s := range shapes {
		for _, precision := range []string{"float32", "float64"} {
			for _, threads := range r.Machine.counts() {
				fmt.Fprintf(t, "%dx%dx%d\t%s\t%d", s[0], s[1], s[2], precision, threads)
				for _, g := range r.Gemm {
					if [3]int{g.M, g.N, g.K} == s && g.Precision == precision && g.Threads == threads {
						fmt.Fprintf(t, "\t%.1f (%.0f %%)", g.GFLOPS, 100*g.Fraction)
					}
				}
				fmt.Fprintln(t, "\t\t")
			}
		}
	}
	fmt.Fprintln(t, "\t\t\t\t\t\t\t\t")
}

func (r *Kernels) writeVectors(t io.Writer) {
	fmt.Fprintln(t, "pass\tprecision\tthreads\tbytes/element\tGB/s\tof copy\t")
	for _, c := range r.Copy {
		fmt.Fprintf(t, "copy\t\t%d\t8\t%.1f\t\t\n", c.Threads, c.GBytesPerSecond)
		for _, v := range r.Vectors {
			if v.Threads == c.Threads {
				fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%.1f\t%.0f %%\t\n", v.Name, v.Precision, v.Threads, v.BytesPerElement, v.GBytesPerSecond, 100*v.Fraction)
			}
		}
	}
}
