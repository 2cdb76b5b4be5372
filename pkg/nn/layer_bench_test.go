package nn

import (
	"fmt"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// BenchmarkLayer makes a forward pass, a JVP and a VJP of layers between
// convolutions; a value is one of the input.
func BenchmarkLayer(b *testing.B) {
	in := tensor.Shape{C: 32, H: 32, W: 32}
	const m = 32
	for _, name := range []string{"max_pool", "avg_pool", "global_avg_pool", "group_norm", "layer_norm", "relu"} {
		l := Layers.Default(name).Must()
		s, err := l.Size(in)
		if err != nil {
			b.Fatal(err)
		}
		r := newOpRun[float32](layerCase{l, in, s}, m, nil)
		r.op.Forward(r.y, r.x, r.w)
		for _, c := range []struct {
			pass string
			f    func()
		}{
			{"forward", func() { r.op.Forward(r.y, r.x, r.w) }},
			{"jvp", func() { r.op.JVP(r.dy, r.dx, r.dw) }},
			{"vjp", func() { r.op.VJP(r.gx, r.gw, r.ct) }},
		} {
			b.Run(fmt.Sprintf("%s/%s", name, c.pass), func(b *testing.B) {
				for b.Loop() {
					c.f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(m*in.Len()), "ns/value")
			})
		}
	}
}
