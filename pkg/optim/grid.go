package optim

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func init() {
	registry.Add(&LineSearches, registry.Info{
		Name: "grid", Doc: "the step of the least mini-batch loss among 1, 1/base, 1/base^2, ... times the update",
		Reference: "Mueller and Zeinhofer 2023, arXiv 2302.13163",
	}, Grid{Base: 2, Steps: 31}, newGrid, Grid{Base: 1.5, Steps: 4})
}

// Grid tries eta = base^-i for i = 0, 1, ..., and takes the one of the least phi. Where none is
// below phi(0), as may happen with momentum and Adam, it makes no step. It takes a forward pass
// for each, and asks for no slope.
type Grid struct {
	Base  float64 `yaml:"base" doc:"factor between one step and the next shorter one"`
	Steps int     `yaml:"steps" doc:"how many are tried, each with a forward pass; the longest is the update itself"`
}

var (
	_ LineSearch = Grid{}
	_ Trying     = Grid{}
)

func newGrid(o Grid) (LineSearch, error) {
	switch {
	case !(o.Base > 1) || math.IsInf(o.Base, 0):
		return nil, strict.Field("base", "must be a finite number above 1, got %g", o.Base)
	case o.Steps < 1 || o.Steps > maxGrid:
		return nil, strict.Field("steps", "must be a number of steps to try from 1 to %d, got %d", maxGrid, o.Steps)
	}
	return o, nil
}

// maxGrid bounds the steps that are tried: 2^-1000 is a step of any size.
const maxGrid = 1000

func (Grid) State() []*float64 { return nil }

// Trials implements [Trying].
func (o Grid) Trials() (forwards, jvps int) { return o.Steps, 0 }

func (o Grid) Search(phi Objective) float64 {
	least, best := phi.Value(), 0.0
	for i := range o.Steps {
		eta := math.Pow(o.Base, -float64(i))
		if v := phi.At(eta); v < least { // not so for a NaN
			least, best = v, eta
		}
	}
	return best
}
