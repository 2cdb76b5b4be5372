package oracles

import (
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
)

// Held is what an oracle holds in a run.
type Held struct {
	Bytes     int  // buffers, state and the work space of solvers
	OutputsAt bool // it calls [Jacobian.OutputsAt], which takes a second linearization
}

// Sizes are what the memory of an oracle depends on, beside its options.
type Sizes struct {
	Dims  Dims // of the largest mini-batch
	Value int  // bytes of a number of precision T
	Seen  int  // examples in the training set, of which an oracle may remember each
}

// matrices returns the bytes of so many matrices m x k of float64.
func (s *Sizes) matrices(n int) int { return size.Product(8, n, s.Dims.Examples, s.Dims.Outputs) }

// vectors returns the bytes of so many vectors of p numbers of precision T.
func (s *Sizes) vectors(n int) int { return size.Product(s.Value, n, s.Dims.Weights) }

// gram returns the bytes that a use of K takes within the Jacobian.
func (s *Sizes) gram(use nn.GramUse) int {
	if s.Dims.Gram == nil {
		return 0
	}
	return s.Dims.Gram.GramMemory(s.Dims.Examples, s.Value, use)
}

// A Sized spec says what it will hold. One that does not is taken to hold nothing
// worth counting.
type Sized interface {
	// Held includes what a Gram matrix takes within the Jacobian.
	Held(l losses.Loss, s Sizes) Held
}

// HeldBy returns what an oracle will hold, see [Sized].
func HeldBy(o Spec, l losses.Loss, s Sizes) Held {
	if sized, ok := o.(Sized); ok {
		return sized.Held(l, s)
	}
	return Held{}
}

// Held is alpha.
func (o Gradient) Held(_ losses.Loss, s Sizes) Held { return Held{Bytes: s.matrices(1)} }

// Held counts, beside the core and the solver: in the dual s, b, alpha and K L s, and
// q; in the primal J d, and b. A search keeps the best direction.
func (o GaussNewton) Held(_ losses.Loss, s Sizes) Held {
	o = o.at(s.Dims)
	h := o.Inner.held(o.Solver, jobSystem, s)
	outputs, weights := 4, 1
	if o.Formulation == "primal" {
		outputs = 1
	}
	if o.Formulation != "primal" && o.Solver.abilities().NeedsGram {
		outputs += 4 // for refinement
	}
	if o.Gamma.search != nil {
		weights++
		h.OutputsAt = true
	}
	if o.WeightDecay > 0 {
		weights++ // for the norm of the gradient
	}
	h.Bytes = size.Sum(h.Bytes, s.matrices(outputs), s.vectors(weights))
	return h
}

// Held counts, beside the core and the solver: in the dual the six matrices of
// dualProx, and for smooth losses s, b, r, K r, two steps and K L s; for others the
// best pair and work space. In the primal: two vectors, and f + J d, J d, the gradient
// there and the J d of a step. The gap takes a vector more.
func (o ProxLinear) Held(l losses.Loss, s Sizes) Held {
	j, outputs, weights := jobBox, 6+3, 1
	switch {
	case o.Formulation == "primal":
		j, outputs, weights = jobDescend, 4, 3
	case smooth(l):
		j, outputs = jobNewton, 6+7
	}
	h := o.Inner.held(o.solver(l), j, s)
	h.Bytes = size.Sum(h.Bytes, s.matrices(outputs), s.vectors(weights))
	return h
}

// held is what the core keeps, and a solver for a job.
func (o Inner) held(solver SolverChoice, j job, s Sizes) Held {
	m, k, can := s.Dims.Examples, s.Dims.Outputs, solver.abilities()
	h := Held{Bytes: s.matrices(4), OutputsAt: o.Gamma.lm != nil}
	add := func(bytes ...int) { h.Bytes = size.Sum(append(bytes, h.Bytes)...) }
	if o.WarmStart {
		add(size.Product(8, s.Seen, k))
	}
	if o.Formulation == "primal" {
		if can.NeedsRows && o.InnerIterations > 0 {
			add(primalCholeskySpace(size.Product(m, k), s.Dims.Weights, s.Value), s.gram(nn.UseBlocks))
		}
		if can.PrimalSpace != nil {
			add(size.Product(s.Value, can.PrimalSpace(s.Dims.Weights, o.InnerIterations)))
		}
		return h
	}
	numbers, blocks := j.space(can, size.Product(m, k), k, o.InnerIterations)
	add(size.Product(8, numbers))
	if o.InnerIterations == 0 {
		return h
	}
	form, n := o.gramChoice(solver, s.Dims).Form, size.Product(m, k)
	switch form {
	case Formed:
		add(size.Product(s.Value, n, n), s.gram(nn.UseFormed))
		if can.NeedsGram && s.Value != 8 { // in float64 too
			add(size.Product(8, n, n))
		} else if !can.NeedsGram {
			add(size.Product(2, s.Value, n))
		}
	case Chained:
		add(s.gram(nn.UseChained))
	case Explicit:
		use := nn.UseKept
		if blocks {
			use = nn.UseKeptBlocks
		}
		add(s.gram(use))
	default:
		add(s.vectors(1)) // Jᵀ v on its way to J Jᵀ v
	}
	if blocks {
		add(size.Product(8, m, k, k))
		if form == Chained || form == MatrixFree { // else they come with rows, or from K
			add(s.gram(nn.UseBlocks))
		}
	}
	return h
}

// maxVectors is how many bytes the vectors that a solver keeps may take: 2 GiB.
const maxVectors = 2 << 30

// fits returns an error about a key if a solver would have to hold too large a Gram
// matrix, or too large a basis.
func (o Inner) fits(c SolverChoice, d Dims) error {
	if o.Formulation == "primal" {
		return nil
	}
	m, k, can := d.Examples, d.Outputs, c.abilities()
	n := size.Product(m, k)
	numbers := 0
	switch {
	case !can.NeedsGram:
	case can.SystemSpace != nil:
		numbers, _ = can.SystemSpace(n, k, o.InnerIterations)
	case can.BoxSpace != nil:
		numbers = can.BoxSpace(n)
	}
	if err := o.fitsGram(c, d, numbers); err != nil {
		return err
	}
	if can.SystemSpace != nil && !can.NeedsGram {
		if numbers, _ := can.SystemSpace(n, k, o.InnerIterations); size.Product(8, numbers) > maxVectors {
			return strict.Field("inner_iterations", "%s keeps a vector of %d numbers (%d examples x %d outputs) for each of %d iterations: %s, more than the %s allowed; use fewer iterations, or a smaller train.batch_size",
				c.Name, n, m, k, o.InnerIterations, size.Bytes(size.Product(8, numbers)), size.Bytes(maxVectors))
		}
	}
	return nil
}
