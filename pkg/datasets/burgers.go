package datasets

import (
	"math"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/registry"
)

func init() {
	AddEquation(registry.Info{Name: "burgers", Doc: "u_t + u u_x - nu u_xx = 0 for t in [0, 1] and x in [-1, 1], nu = 0.01/pi, from u = -sin(pi x), with u = 0 at both ends", Reference: "Basdevant et al. 1986; Raissi, Perdikaris and Karniadakis 2019"},
		Burgers{Points: defaultPoints}, func(Burgers) (Equation, error) { return burgers{}, nil },
		Burgers{Points{Interior: 30, Boundary: 11, Resample: 2, Valid: 10, Test: 20}})
}

// burgersNu is the viscosity.
const burgersNu = 0.01 / math.Pi

// Burgers is u_t + u u_x = nu u_xx, whose solution becomes steep at x = 0.
type Burgers struct {
	Points `yaml:",inline"`
}

type burgers struct{}

func (burgers) Domain() Domain {
	return Domain{Low: []float64{0, -1}, High: []float64{1, 1}, Time: true}
}

func (burgers) Jet() nn.Jet { return nn.Jet{Dimension: 2, Second: []int{1}} }

// Operator is u_t + u u_x - nu u_xx.
func (burgers) Operator(to, _, jet []float64) float64 {
	u, ut, ux, uxx := jet[0], jet[1], jet[2], jet[3]
	to[0], to[1], to[2], to[3] = ux, 1, u, -burgersNu
	return ut + u*ux - burgersNu*uxx
}

func (burgers) Source([]float64, []float64) float64 { return 0 }

// Solution is that of the Cole-Hopf transformation,
//
//	u(t, x) = -∫ sin(pi y) f(y) exp(-z²) dz / ∫ f(y) exp(-z²) dz,  y = x - 2 √(nu t) z,
//	f(y) = exp(-cos(pi y)/(2 pi nu)),
//
// by the trapezoidal rule, whose error falls off faster than any exponential in 1/step for such
// integrands. The exponents are between -50 - z² and 50 - z², so that beyond |z| = 12 there is
// nothing.
func (burgers) Solution(at, _ []float64) float64 {
	t, x := at[0], at[1]
	switch {
	case t == 0:
		return -math.Sin(math.Pi * x)
	case math.Abs(x) == 1:
		return 0
	}
	const step, end = 1. / 16, 12
	width := 2 * math.Sqrt(burgersNu*t)
	var above, below float64
	for i := -int(end / step); i <= int(end/step); i++ {
		z := step * float64(i)
		sin, cos := math.Sincos(math.Pi * (x - width*z))
		weight := math.Exp(-cos/(2*math.Pi*burgersNu) - z*z)
		above += sin * weight
		below += weight
	}
	return -above / below
}
