package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/optim"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/schedules"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&optim.Known, registry.Info{Name: "faulty", Doc: "sgd that fails when a script wants it"},
		faulty{LearningRate: 0.1}, func(f faulty) (optim.Spec, error) { return f, nil })
}

// faulty is SGD, unless a line of a file called fault says "RATE fail" or "RATE
// wait": then runs with that learning rate panic, or are slow enough to be stopped.
type faulty struct {
	LearningRate float64 `yaml:"learning_rate"`
}

func (f faulty) Optimizers() optim.Optimizers {
	return optim.Optimizers{Float32: f.bind} // scripts run in float32 only
}

func (f faulty) bind(l tensor.Layout, pool *tensor.Pool) optim.Optimizer[float32] {
	sgd := optim.New[float32](optim.SGD{LearningRate: schedules.Const(f.LearningRate)}, l, pool)
	text, _ := os.ReadFile("fault")
	for line := range strings.Lines(string(text)) {
		switch line {
		case fmt.Sprintf("%g fail\n", f.LearningRate):
			panic("a fault in a method")
		case fmt.Sprintf("%g wait\n", f.LearningRate):
			return slow{sgd}
		}
	}
	return sgd
}

type slow struct{ optim.Optimizer[float32] }

func (s slow) Update(u, d, w []float32, t schedules.Time) {
	time.Sleep(300 * time.Millisecond)
	s.Optimizer.Update(u, d, w, t)
}
