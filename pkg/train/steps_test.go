package train

import (
	"bytes"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// unlogged is a trainer of the first method, whose steps leave no log.
func unlogged(p *problem.Problem, c *config.Config, pool *tensor.Pool) *trainer[float32] {
	tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0]}, pool)
	tr.out.Log = &runlog.Writer{}
	return tr
}

func runSteps(tr *trainer[float32], steps int) {
	for range steps {
		tr.advance()
		tr.step++
	}
}

// handOver lets one trainer continue from a checkpoint of another.
func handOver(t *testing.T, from, to *trainer[float32]) {
	t.Helper()
	saved := from.checkpoint()
	saved.Number, saved.Evaluated = 1, 0
	read, err := decode(bytes.Clone(encoded(t, saved)))
	if err != nil {
		t.Fatal(err)
	}
	if err := to.restore(read); err != nil {
		t.Fatal(err)
	}
}
