package datasets

import (
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	AddEquation(registry.Info{Name: "heat", Doc: "u_t - Laplacian u/4 = f for t in [0, 1] and x in [0, 1]^d, with f and the initial and boundary values of a solution", Reference: "Dangel, Mueller and Zeinhofer 2024, arXiv 2405.15603"},
		Heat{Dimension: 1, Solution: "sine_product", Points: defaultPoints}, newHeat,
		Heat{Dimension: 4, Solution: "sine_sum", Points: Points{Interior: 30, Boundary: 11, Resample: 1, Valid: 10, Test: 20}})
}

// heatKappa is the conductivity.
const heatKappa = 0.25

// Heat is u_t - kappa Laplacian u = f on the unit cube, in a time of 1.
type Heat struct {
	Dimension int    `yaml:"dimension" doc:"of space"`
	Solution  string `yaml:"solution" doc:"sine_product or sine_sum, or one that a program has added"`
	Points    `yaml:",inline"`
}

type heat struct {
	domain   Domain
	jet      nn.Jet
	solution Solution
}

func newHeat(o Heat) (Equation, error) {
	if err := checkDimension(o.Dimension); err != nil {
		return nil, err
	}
	s, err := solutionOf(&HeatSolutions, o.Solution, o.Dimension)
	if err != nil {
		return nil, err
	}
	domain := unitCube(1 + o.Dimension)
	domain.Time = true
	return &heat{domain, nn.Jet{Dimension: 1 + o.Dimension, Second: upTo(1 + o.Dimension)[1:]}, s}, nil
}

func (e *heat) Domain() Domain { return e.domain }
func (e *heat) Jet() nn.Jet    { return e.jet }

// Operator is u_t - kappa Laplacian u.
func (e *heat) Operator(to, _, jet []float64) float64 {
	last := len(jet) - 1
	to[1], to[last] = 1, -heatKappa
	return jet[1] - heatKappa*jet[last]
}

// Source is u*_t - kappa Laplacian u*.
func (e *heat) Source(x, work []float64) float64 {
	e.solution.Jet(work, x)
	return work[1] - heatKappa*work[len(work)-1]
}

func (e *heat) Solution(x, work []float64) float64 {
	e.solution.Jet(work, x)
	return work[0]
}
