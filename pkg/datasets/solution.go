package datasets

import (
	"math"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Solution is a function whose right-hand side and boundary values make it the solution of
// an equation. A program adds its own to [PoissonSolutions] or [HeatSolutions], and a config
// names it.
type Solution struct {
	// Check returns an error about a number of space dimensions that it is not made for; nil:
	// it is made for all.
	Check func(dimension int) error

	// Jet sets to to u*, its derivatives and the sum of second derivatives of the equation's
	// jet at x.
	Jet func(to, x []float64)
}

// PoissonSolutions and HeatSolutions are the tables of solutions. Those of the heat equation
// have the time for their first coordinate.
var (
	PoissonSolutions = registry.Table[Solution]{Kind: "solution of poisson"}
	HeatSolutions    = registry.Table[Solution]{Kind: "solution of heat"}
)

// AddSolution adds a solution to a table.
func AddSolution(t *registry.Table[Solution], info registry.Info, s Solution) {
	registry.Add(t, info, struct{}{}, func(struct{}) (Solution, error) { return s, nil })
}

// solutionOf returns the solution of a name in so many space dimensions.
func solutionOf(t *registry.Table[Solution], name string, dimension int) (Solution, error) {
	if t.Entry(name) == nil {
		return Solution{}, strict.Field("solution", "unknown %s %s%s", t.Kind, strict.Quote(name), strict.Suggest(name, t.Names()))
	}
	s := t.Default(name).Must()
	if s.Check != nil {
		if err := s.Check(dimension); err != nil {
			return Solution{}, err
		}
	}
	return s, nil
}

// checkDimension reports a number of space dimensions that no equation has.
func checkDimension(d int) error {
	if d < 1 || d > maxDimension {
		return strict.Field("dimension", "must be a number of space dimensions from 1 to %d, got %d", maxDimension, d)
	}
	return nil
}

// maxDimension bounds space dimensions: a jet has a stream for each.
const maxDimension = 1000

func init() {
	AddSolution(&PoissonSolutions, registry.Info{Name: "sine_product", Doc: "the product of sin(pi x_i)"}, Solution{
		Jet: func(to, x []float64) {
			d := len(x)
			product(to, x)
			to[d+1] = -float64(d) * math.Pi * math.Pi * to[0]
		},
	})
	AddSolution(&PoissonSolutions, registry.Info{Name: "cosine_sum", Doc: "the sum of cos(pi x_i)"}, Solution{
		Jet: func(to, x []float64) {
			sum := 0.0
			for i, v := range x {
				sum += math.Cos(math.Pi * v)
				to[1+i] = -math.Pi * math.Sin(math.Pi*v)
			}
			to[0], to[len(x)+1] = sum, -math.Pi*math.Pi*sum
		},
	})
	AddSolution(&PoissonSolutions, registry.Info{Name: "harmonic", Doc: "x_1 x_2 + x_3 x_4 + ..., whose Laplacian is 0; in an even dimension"}, Solution{
		Check: func(d int) error {
			if d%2 != 0 {
				return strict.Field("dimension", "must be even for the solution harmonic, x_1 x_2 + x_3 x_4 + ..., got %d", d)
			}
			return nil
		},
		Jet: func(to, x []float64) {
			clear(to)
			for i := 0; i < len(x); i += 2 {
				to[0] += x[i] * x[i+1]
				to[1+i], to[2+i] = x[i+1], x[i]
			}
		},
	})
	AddSolution(&HeatSolutions, registry.Info{Name: "sine_product", Doc: "exp(-pi^2 d t/4) times the product of sin(pi x_i)"}, Solution{
		Jet: func(to, x []float64) {
			d := len(x) - 1
			product(to[1:], x[1:]) // value in the place of the derivative in time
			rate := math.Pi * math.Pi * float64(d) * heatKappa
			decay := math.Exp(-rate * x[0])
			u := decay * to[1]
			for i := range d {
				to[2+i] *= decay
			}
			to[0], to[1], to[d+2] = u, -rate*u, -math.Pi*math.Pi*float64(d)*u
		},
	})
	AddSolution(&HeatSolutions, registry.Info{Name: "sine_sum", Doc: "exp(-t) times the sum of sin(2 x_i)"}, Solution{
		Jet: func(to, x []float64) {
			decay, sum := math.Exp(-x[0]), 0.0
			for i, v := range x[1:] {
				sum += math.Sin(2 * v)
				to[2+i] = 2 * decay * math.Cos(2*v)
			}
			to[0], to[1], to[len(x)+1] = decay*sum, -decay*sum, -4*decay*sum
		},
	})
}

// product sets to to Π sin(pi x_i) and its derivatives.
func product(to, x []float64) {
	to[0] = 1
	for _, v := range x {
		to[0] *= math.Sin(math.Pi * v)
	}
	for j := range x {
		to[1+j] = math.Pi * math.Cos(math.Pi*x[j])
		for i, v := range x {
			if i != j {
				to[1+j] *= math.Sin(math.Pi * v)
			}
		}
	}
}
