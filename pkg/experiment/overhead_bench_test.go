package experiment

import (
	"strconv"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
)

// BenchmarkShortRuns measures what a run costs besides its training, as in a sweep
// of many: an operation is one run of a few steps.
func BenchmarkShortRuns(b *testing.B) {
	c, err := config.Parse("toy.yaml", []byte(toy), nil)
	if err != nil {
		b.Fatal(err)
	}
	c.Methods = c.Methods[:1]
	c.Seeds = make([]uint64, b.N)
	for i := range c.Seeds {
		c.Seeds[i] = uint64(i)
	}
	opt := options(b.TempDir())
	b.ResetTimer()
	r, err := Run(b.Context(), c, opt)
	if err != nil || len(r.Failed) > 0 || r.Made != b.N {
		b.Fatal(strconv.Itoa(b.N), r, err)
	}
}
