package oracles

import "math"

// A Trace is the course of one inner solve, for the log. A nil *Trace records nothing.
type Trace struct {
	Iterates []Iterate
	scale    float64 // the gap is scale |b - A x|²
}

// An Iterate is where an inner solve stood after some iterations.
type Iterate struct {
	Iteration        int
	RelativeResidual float64 // as in [Report], NaN where there is none
	Gap              float64 // P - D, NaN where knowing it would take a product
}

// begin empties the trace, for a solve whose gap is scale |b - A x|².
func (t *Trace) begin(scale float64) {
	if t != nil {
		t.Iterates, t.scale = t.Iterates[:0], scale
	}
}

// residual notes an iterate whose gap follows from its residual.
func (t *Trace) residual(s *Solution) {
	if t != nil {
		t.note(s.Iterations, s.RelativeResidual, t.scale*s.Residual*s.Residual)
	}
}

// note notes an iterate.
func (t *Trace) note(iteration int, relative, gap float64) {
	if t != nil {
		t.Iterates = append(t.Iterates, Iterate{iteration, relative, gap})
	}
}

// end notes where a solve ended, unless that is its last iterate.
func (t *Trace) end(s Solution) {
	if t == nil {
		return
	}
	if n := len(t.Iterates); n > 0 {
		last := t.Iterates[n-1]
		if last.Iteration == s.Iterations && (last.RelativeResidual == s.RelativeResidual || math.IsNaN(s.RelativeResidual)) {
			return
		}
	}
	t.note(s.Iterations, s.RelativeResidual, math.NaN())
}
