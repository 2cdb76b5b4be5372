package tensor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// BenchmarkConv reports GFLOP/s, the fraction of the peak, which is measured in
// between (medians), and the highest rate.
func BenchmarkConv(b *testing.B) {
	same := func(c, size, filters, kernel, stride int) ConvShape {
		pad := kernel / 2
		out := (size+2*pad-kernel)/stride + 1
		return ConvShape{Shape{c, size, size}, Shape{filters, out, out}, kernel, kernel, stride, pad, pad}
	}
	for _, s := range []struct {
		shape ConvShape
		m     int
	}{
		{same(32, 16, 64, 3, 1), 32},
		{same(64, 8, 128, 3, 1), 64},
		{same(3, 32, 32, 3, 1), 32},
		{same(64, 7, 64, 3, 1), 64},
		{same(128, 4, 128, 3, 1), 64},
		{same(32, 16, 64, 3, 2), 32},
		{same(32, 16, 64, 1, 2), 32},
		{same(64, 16, 64, 1, 1), 32},
		{same(16, 32, 16, 3, 1), 32},
		{same(1, 28, 32, 5, 1), 64},
	} {
		c := newConvCase[float32](s.shape, s.m, 1)
		for _, threads := range []int{1, 2} {
			p := NewPool(threads)
			op := NewConv[float32](p, s.shape)
			dw, dx := make([]float32, len(c.w)), New[float32](s.m, s.shape.In.Len())
			for _, f := range []struct {
				name string
				run  func()
				work int
			}{
				{"forward", func() { op.Forward(c.w, c.bias, c.x, 0, c.y0) }, 1},
				{"input", func() { op.Input(c.w, c.dy, dx) }, 1},
				{"weight", func() { op.Weight(c.x, c.dy, dw, c.bias) }, 1},
				{"jvp", func() { op.Forward(c.w, c.bias, c.x, 0, c.y0); op.Forward(c.w, nil, c.x, 1, c.y0) }, 2},
			} {
				in := s.shape.In
				b.Run(fmt.Sprintf("%dx(%dx%dx%d)-%d,%dx%ds%d/%d/%s", s.m, in.C, in.H, in.W, s.shape.Out.C, s.shape.KH, s.shape.KW, s.shape.Stride, threads, f.name), func(b *testing.B) {
					if threads > 1 {
						pin(b, p)
					}
					var fractions []float64
					var rates []float64
					flops := 2 * float64(f.work) * float64(s.m) * float64(s.shape.MultiplyAdds())
					repeat := max(1, int(1e8*float64(threads)/flops))
					f.run()
					for range b.N {
						const n = 20_000
						start := time.Now()
						p.For(threads, 1, func(int, int) { kernel.PeakRound[float32](n) })
						peak := 2 * float64(threads*kernel.PeakRound[float32](1)) * n / time.Since(start).Seconds()
						start = time.Now()
						for range repeat {
							f.run()
						}
						rate := flops * float64(repeat) / time.Since(start).Seconds()
						rates, fractions = append(rates, rate), append(fractions, rate/peak)
					}
					slices.Sort(fractions)
					slices.Sort(rates)
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(rates[len(rates)/2]/1e9, "GFLOP/s")
					b.ReportMetric(100*fractions[len(fractions)/2], "%peak")
					b.ReportMetric(rates[len(rates)-1]/1e9, "best")
				})
			}
			p.Close()
		}
	}
}
