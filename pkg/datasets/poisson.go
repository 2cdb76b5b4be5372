package datasets

import (
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	AddEquation(registry.Info{Name: "poisson", Doc: "-Laplacian u = f on [0, 1]^d, with f and the boundary values of a solution", Reference: "Raissi, Perdikaris and Karniadakis 2019"},
		Poisson{Dimension: 2, Solution: "sine_product", Points: defaultPoints}, newPoisson,
		Poisson{Dimension: 5, Solution: "cosine_sum", Points: Points{Interior: 30, Boundary: 11, Resample: 1, Valid: 10, Test: 20}},
		Poisson{Dimension: 4, Solution: "harmonic", Points: Points{Interior: 7, Boundary: 5, Resample: 3, Valid: 10, Test: 20}})
}

// Poisson is -Laplacian u = f on the unit cube.
type Poisson struct {
	Dimension int    `yaml:"dimension" doc:"of space"`
	Solution  string `yaml:"solution" doc:"sine_product, cosine_sum or harmonic, or one that a program has added"`
	Points    `yaml:",inline"`
}

type poisson struct {
	domain   Domain
	jet      nn.Jet
	solution Solution
}

func newPoisson(o Poisson) (Equation, error) {
	if err := checkDimension(o.Dimension); err != nil {
		return nil, err
	}
	s, err := solutionOf(&PoissonSolutions, o.Solution, o.Dimension)
	if err != nil {
		return nil, err
	}
	return &poisson{unitCube(o.Dimension), nn.Jet{Dimension: o.Dimension, Second: upTo(o.Dimension)}, s}, nil
}

func unitCube(d int) Domain {
	b := Domain{Low: make([]float64, d), High: make([]float64, d)}
	for i := range b.High {
		b.High[i] = 1
	}
	return b
}

func (e *poisson) Domain() Domain { return e.domain }
func (e *poisson) Jet() nn.Jet    { return e.jet }

// Operator is -Laplacian u.
func (e *poisson) Operator(to, _, jet []float64) float64 {
	last := len(jet) - 1
	to[last] = -1
	return -jet[last]
}

// Source is -Laplacian u*.
func (e *poisson) Source(x, work []float64) float64 {
	e.solution.Jet(work, x)
	return -work[len(work)-1]
}

func (e *poisson) Solution(x, work []float64) float64 {
	e.solution.Jet(work, x)
	return work[0]
}
