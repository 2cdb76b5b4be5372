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
	State     int  // bytes of vectors of p numbers in a checkpoint, see [Stateful]
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

// sketched returns the bytes that products of so many vectors of a sketch take within the
// Jacobian, beside those of one.
func (s *Sizes) sketched(vectors int, use nn.GramUse) int {
	if s.Dims.Gram == nil || vectors == 0 {
		return 0
	}
	return s.Dims.Gram.ProductsMemory(s.Dims.Examples, s.Value, min(vectors, stripRows), use)
}

// A Sized spec says what it will hold. One that does not is taken to hold nothing
// worth counting.
type Sized interface {
	// Held includes what a Gram matrix takes within the Jacobian.
	Held(l losses.Loss, s Sizes) Held
}

// A Limited spec has an option that limits what it holds.
type Limited interface {
	Limit() (key string)
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
	if o.Curvature.reduces() {
		return o.heldRows(s)
	}
	o = o.at(s.Dims)
	h := o.Inner.held(o.Solver, jobSystem, s.of(o.Inner))
	outputs, weights := 4, 1
	if o.Formulation == "primal" {
		outputs = 1
	}
	outside := s
	s = s.of(o.Inner)
	if o.Formulation != "primal" && o.Solver.abilities().NeedsGram {
		outputs += 4 // for refinement
	}
	if o.Gamma.search != nil {
		weights++
		h.OutputsAt = true
	}
	if o.WeightDecay > 0 || o.Momentum > 0 {
		weights++ // for the norm of the gradient, and d0
	}
	h.Bytes = size.Sum(h.Bytes, s.matrices(outputs), s.vectors(weights), outside.examples(o.Inner), o.heldAcceleration(s))
	h.OutputsAt = h.OutputsAt || o.Accelerates()
	return h
}

// of are the sizes of the problem that is solved.
func (s Sizes) of(o Inner) Sizes {
	s.Dims = o.dims(s.Dims)
	return s
}

// examples returns the bytes that one unknown for each example takes around the problem that is
// solved: four matrices m x k, theta at two points, targets, and a vector in the projection.
func (s *Sizes) examples(o Inner) int {
	if o.Unknowns != byExample {
		return 0
	}
	return size.Sum(s.matrices(4), size.Product(8*4+2*8+2*s.Value, s.Dims.Examples))
}

// heldRows counts, beside the core: the rows within the model, V Vᵀ in both precisions, the
// solver, vectors of the systems, and one of p numbers for d0 and the norm of the gradient.
func (o GaussNewton) heldRows(s Sizes) Held {
	n, k := o.resolved().rows(s.Dims)
	rows := size.Product(n, k)
	h := Held{OutputsAt: o.Gamma.lm != nil}
	numbers, blocks := systemSpace(o.Solver.abilities(), rows, k, o.InnerIterations)
	if blocks {
		numbers = size.Sum(numbers, size.Product(rows, k))
	}
	h.Bytes = size.Sum(s.matrices(4), s.formedRows(n, k), size.Product(8, numbers), // the core, and
		size.Product(8, size.Sum(size.Product(size.Sum(3*n, rows), s.Dims.Outputs), s.Dims.Examples, size.Product(2, n), size.Product(6, rows))),
		size.Product(3*s.Value, rows), s.momentum(o.Inner), s.vectors(1))
	if model, ok := s.Dims.Gram.(rowModel); ok {
		return h.with(model.RowMemory(s.Dims.Examples, n, k, s.Value))
	}
	return h.with(s.vectors(size.Sum(rows, 2)))
}

func (h Held) with(bytes int) Held {
	h.Bytes = size.Sum(h.Bytes, bytes)
	return h
}

// formedRows returns the bytes of V Vᵀ, in float64 too.
func (s *Sizes) formedRows(n, k int) int {
	rows := size.Product(n, k)
	value := s.Value
	if value != 8 {
		value += 8
	}
	return size.Product(value, rows, rows)
}

// momentum returns the bytes of the two directions that momentum remembers.
func (s *Sizes) momentum(o Inner) int {
	if o.Momentum == 0 {
		return 0
	}
	return s.vectors(2)
}

// fitsRows returns an error if V Vᵀ, of s rows of each of n examples, and what its solver keeps
// are larger than gram_memory.
func (o GaussNewton) fitsRows(n, s int, d Dims) error {
	rows := size.Product(n, s)
	numbers, _ := systemSpace(o.Solver.abilities(), rows, s, o.InnerIterations)
	ofModel := size.Product(8, rows, d.Weights)
	if model, ok := d.Gram.(rowModel); ok {
		ofModel = model.RowMemory(d.Examples, n, s, 8)
	}
	held, bound := size.Sum(ofModel, size.Product(8, size.Sum(size.Product(rows, rows), numbers))), o.gramMemory()
	if held > bound {
		return strict.Field("curvature", "%d examples x %d rows make a system of %d unknowns, which with solver %s and rows of J takes %s in float64, more than the %s of gram_memory; use fewer examples or samples, or a larger gram_memory",
			n, s, rows, o.Solver.Name, size.Bytes(held), size.Bytes(bound))
	}
	return nil
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
	case o.smooth(l):
		j, outputs = jobNewton, 6+7
	}
	inside := s.of(o.Inner)
	h := o.Inner.held(o.solver(l), j, inside)
	h.Bytes = size.Sum(h.Bytes, inside.matrices(outputs), s.vectors(weights), s.examples(o.Inner))
	return h
}

// held is what the core keeps, and a solver for a job.
func (o Inner) held(solver SolverChoice, j job, s Sizes) Held {
	m, k, can := s.Dims.Examples, s.Dims.Outputs, solver.abilities()
	h := Held{Bytes: size.Sum(s.matrices(4), s.momentum(o)), OutputsAt: o.Gamma.lm != nil}
	add := func(bytes ...int) { h.Bytes = size.Sum(append(bytes, h.Bytes)...) }
	if o.WarmStart {
		add(size.Product(8, s.Seen, k))
	}
	if o.Formulation == "primal" {
		if can.NeedsRows && o.InnerIterations > 0 {
			add(primalCholeskySpace(m, k, s.Dims.Weights, s.Value), s.gram(nn.UseBlocks))
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
			vectors := 1
			if s.Value != 8 { // products of a sketch are made in this precision
				vectors = max(1, min(o.sketch(solver, s.Dims), stripRows))
			}
			add(size.Product(2, s.Value, n, vectors))
		}
	case Chained:
		add(s.gram(nn.UseChained), s.sketched(o.sketch(solver, s.Dims), nn.UseChained))
	case Explicit:
		use := nn.UseKept
		if blocks {
			use = nn.UseKeptBlocks
		}
		add(s.gram(use), s.sketched(o.sketch(solver, s.Dims), use))
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
		return o.fitsPrimal(c, d)
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
			return strict.Field("inner_iterations", "%s keeps a vector of %d numbers (%d examples x %d outputs) for each of %d iterations: %s, more than the %s allowed; use fewer iterations, or %s",
				c.Name, n, m, k, o.InnerIterations, size.Bytes(size.Product(8, numbers)), size.Bytes(maxVectors), smallerBatch)
		}
	}
	return nil
}
