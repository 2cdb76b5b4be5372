package oracles

import (
	"strings"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
)

// Held is what an oracle holds in a run.
type Held struct {
	Bytes  int  // buffers, state and the work space of solvers
	Beyond bool // it evaluates the network beyond the weights, with a second linearization
}

// A Sized spec says what it will hold. One that does not is taken to hold nothing
// worth counting.
type Sized interface {
	// Held is for mini-batches of m of so many examples, if a number of precision T
	// takes value bytes. It adds what a Gram matrix takes in the linearization.
	Held(l losses.Loss, n *nn.Net, m, value, examples int) Held
}

// HeldBy returns what an oracle will hold, see [Sized].
func HeldBy(s Spec, l losses.Loss, n *nn.Net, m, value, examples int) Held {
	if sized, ok := s.(Sized); ok {
		return sized.Held(l, n, m, value, examples)
	}
	return Held{}
}

// Held is alpha.
func (o Gradient) Held(_ losses.Loss, n *nn.Net, m, _, _ int) Held {
	return Held{Bytes: size.Product(8, m, n.Outputs())}
}

// Held counts, beside the system's: s, b, alpha and K L s, and q; in the primal b
// and J d. A search keeps the best direction.
func (o GaussNewton) Held(_ losses.Loss, n *nn.Net, m, value, examples int) Held {
	h := o.Inner.held(o.Solver.Must(), jobSystem, n, m, value, examples)
	outputs, weights := 4, 1
	if o.Formulation == "primal" {
		outputs = 1
	}
	if o.Gamma.search != nil {
		weights++
		h.Beyond = true
	}
	if o.WeightDecay > 0 {
		weights++ // for the norm of the gradient
	}
	h.add(n, m, value, outputs, weights)
	return h
}

// Held counts, beside the solver's, what bindDual makes, and for smooth losses
// s, b, r, K r, two steps and K L s; for others the best pair and work space. In the
// primal: two directions, J d, and three sets of outputs. The gap takes a direction.
func (o ProxLinear) Held(l losses.Loss, n *nn.Net, m, value, examples int) Held {
	j, outputs, weights := jobBox, 6+3, 1
	switch {
	case o.Formulation == "primal":
		j, outputs, weights = jobPrimal, 4, 3
	case l.Curvature() == losses.Smooth:
		j, outputs = jobNewton, 6+7
	}
	h := o.Inner.held(o.solver(l).Must(), j, n, m, value, examples)
	h.add(n, m, value, outputs, weights)
	return h
}

// add adds so many matrices m x k and so many vectors of the length of the weights.
func (h *Held) add(n *nn.Net, m, value, outputs, weights int) {
	h.Bytes = size.Sum(h.Bytes, size.Product(8, outputs, m, n.Outputs()), size.Product(value, weights, n.NumParams()))
}

// held is what the core keeps, and a solver for a job in the dual, or in the primal.
func (o Inner) held(s Solver, j job, n *nn.Net, m, value, examples int) Held {
	k, can := n.Outputs(), s.Abilities()
	h := Held{Beyond: o.Gamma.lm != nil}
	h.add(n, m, value, 4, 0)
	if o.WarmStart {
		h.Bytes = size.Sum(h.Bytes, size.Product(8, examples, k))
	}
	if o.Formulation == "primal" {
		if can.PrimalSpace != nil {
			h.Bytes = size.Sum(h.Bytes, size.Product(value, can.PrimalSpace(n.NumParams(), o.InnerIterations)))
		}
		return h
	}
	var numbers int
	blocks, unknowns := false, size.Product(m, k)
	if box := j.oracle == jobBox.oracle; box && can.BoxSpace != nil {
		numbers = can.BoxSpace(unknowns)
	} else if !box && can.SystemSpace != nil {
		numbers, blocks = can.SystemSpace(unknowns, k, o.InnerIterations)
	}
	h.Bytes = size.Sum(h.Bytes, size.Product(8, numbers))
	if o.InnerIterations == 0 {
		return h
	}
	if can.NeedsGram {
		h.Bytes = size.Sum(h.Bytes, size.Product(8, m, k, m, k), n.GramMemory(m, value, false))
	} else {
		h.add(n, m, value, 0, 1) // Jᵀ v on its way to J Jᵀ v
	}
	if blocks {
		h.Bytes = size.Sum(h.Bytes, size.Product(8, m, k, k), n.GramMemory(m, value, true))
	}
	return h
}

// maxUnknowns is how large a Gram matrix may get: 2 GiB. A basis may be as large.
const maxUnknowns = 1 << 14

// fits returns an error about a key if a solver would have to hold too large a Gram
// matrix, or too large a basis.
func (o Inner) fits(c SolverChoice, m, k int) error {
	if o.Formulation == "primal" {
		return nil
	}
	n, can := size.Product(m, k), c.abilities()
	if can.NeedsGram && n > maxUnknowns {
		others := able(func(a Abilities) bool { return !a.NeedsGram })
		return strict.Field("solver", "%s holds the Gram matrix of a mini-batch, %d x %d numbers (%d examples x %d outputs), more than the %d x %d allowed; use a smaller train.batch_size, or one of %s",
			c.Name, n, n, m, k, maxUnknowns, maxUnknowns, strings.Join(others, ", "))
	}
	if can.SystemSpace != nil && !can.NeedsGram {
		if numbers, _ := can.SystemSpace(n, k, o.InnerIterations); numbers > maxUnknowns*maxUnknowns {
			return strict.Field("inner_iterations", "%s keeps a vector of %d numbers (%d examples x %d outputs) for each of %d iterations: %s, more than the %s allowed; use fewer iterations, or a smaller train.batch_size",
				c.Name, n, m, k, o.InnerIterations, size.Bytes(size.Product(8, numbers)), size.Bytes(8*maxUnknowns*maxUnknowns))
		}
	}
	return nil
}
