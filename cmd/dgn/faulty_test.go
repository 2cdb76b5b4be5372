package main

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

func (f faulty) New32(p int, pool *tensor.Pool) optim.Optimizer[float32] {
	sgd := optim.SGD{LearningRate: schedules.Const(f.LearningRate)}.New32(p, pool)
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

func (f faulty) New64(p int, pool *tensor.Pool) optim.Optimizer[float64] { panic("float32 only") }

type slow struct{ optim.Optimizer[float32] }

func (s slow) Step(d, w []float32, t schedules.Time) {
	time.Sleep(300 * time.Millisecond)
	s.Optimizer.Step(d, w, t)
}
