package oracles

import "fmt"

// A Singular tells of a system that was to be factored and that rounding made indefinite: gamma is so
// large that the precision does not resolve its least eigenvalue (docs/math.md section 3, jitter). The
// zero value tells of none.
type Singular struct {
	Unknowns  int
	Precision string
	Unit      float64 // relative rounding error of the precision
	Gamma     float64
	Least     float64 // what no eigenvalue is below, in exact arithmetic: 1 in the dual, 1/gamma' in the primal
	Trace     float64 // sum of |A_ii|, which bounds the largest eigenvalue
	Delta     float64 // what was added to the diagonal, the last that was tried if Failed
	Failed    bool    // with none was it positive definite: the step is that of the gradient
}

// Resolved is the gamma up to which rounding errors, of Unit Trace at most, are below the least
// eigenvalue.
func (s Singular) Resolved() float64 { return s.Gamma * s.Least / (s.Unit * s.Trace) }

// String says it in a sentence.
func (s Singular) String() string {
	what := fmt.Sprintf("%.3g was added to its diagonal, and the direction is that of a smaller gamma where eigenvalues are small", s.Delta)
	if s.Failed {
		what = fmt.Sprintf("nothing up to %.3g on its diagonal made it positive definite, and the step is that of the gradient", s.Delta)
	}
	advice := "take a smaller gamma"
	if s.Precision != "float64" {
		advice += ", or precision: float64"
	}
	return fmt.Sprintf("with gamma %.3g the system of %d unknowns is singular in %s: its eigenvalues are at least %.3g, and rounding errors up to %.3g, %.2g of its trace %.3g; %s; up to gamma %.2g rounding would be below the least eigenvalue: %s",
		s.Gamma, s.Unknowns, s.Precision, s.Least, s.Unit*s.Trace, s.Unit, s.Trace, what, s.Resolved(), advice)
}

// tellSingular puts into the report what a solver told of its system.
func (o *core[T]) tellSingular() {
	s := o.singular
	s.Failed = !o.jittered
	s.Precision, s.Unit, s.Gamma, s.Least = "float64", unit[T](), o.report.Gamma, 1
	if s.Unit > 0x1p-50 {
		s.Precision = "float32"
	}
	if o.spec.Formulation == "primal" {
		s.Least = 1 / o.gammaPrime
	}
	o.report.Singular = s
}
