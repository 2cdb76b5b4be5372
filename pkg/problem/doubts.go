package problem

import (
	"fmt"

	"github.com/dualgn/dgn/pkg/oracles"
)

// doubt says what is wrong with mini-batches that change from step to step for the one method
// of the config, "" if nothing is.
func (p *Problem) doubt() string {
	m := p.Config.Methods[0]
	o, ok := m.Oracle.Must().(oracles.Pairwise)
	if !ok {
		return ""
	}
	change := ""
	switch batch, n := p.Config.Train.BatchSize, p.Train.Len(); {
	case batch < n:
		change = fmt.Sprintf("train.batch_size is %d of %d training examples; give all of them", batch, n)
	case p.Augment != nil:
		change = "data.augment changes the images in each step; leave it out"
	case p.Equation != nil && p.Equation.Points.Resample > 0:
		change = fmt.Sprintf("the points are drawn anew every %d steps; set data.resample: never", p.Equation.Points.Resample)
	default:
		return ""
	}
	return fmt.Sprintf("%s: %s: %s, or take another oracle", m.Name, o.Pairwise(), change)
}
