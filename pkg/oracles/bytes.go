package oracles

import (
	"slices"
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

// Held counts, beside the solver's, what bindLinearized makes, and for smooth losses
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
	k := n.Outputs()
	h := Held{Beyond: o.Gamma.lm != nil}
	h.add(n, m, value, 4, 0)
	if o.WarmStart {
		h.Bytes = size.Sum(h.Bytes, size.Product(8, examples, k))
	}
	if o.Formulation == "primal" {
		if p, ok := s.(primalSized); ok {
			h.Bytes = size.Sum(h.Bytes, size.Product(value, p.primalSpace(n.NumParams())))
		}
		return h
	}
	numbers, blocks := dualSpace(s, j, size.Product(m, k), k, o.InnerIterations)
	h.Bytes = size.Sum(h.Bytes, size.Product(8, numbers))
	switch {
	case can[Former](s) && o.InnerIterations > 0:
		h.Bytes = size.Sum(h.Bytes, size.Product(8, m, k, m, k), n.GramMemory(m, value, false))
	case blocks && o.InnerIterations > 0:
		h.Bytes = size.Sum(h.Bytes, size.Product(8, m, k, k), n.GramMemory(m, value, true))
	}
	return h
}

// Solvers say how many numbers they keep for each of what they can do.
type (
	systemSized interface {
		// systemSpace is for n = m k unknowns; blocks: the diagonal blocks of K too.
		systemSpace(n, k, budget int) (numbers int, blocks bool)
	}
	primalSized interface{ primalSpace(p int) (numbers int) }
	boxSized    interface{ boxSpace(n int) (numbers int) }
)

// dualSpace is what a solver keeps in the dual.
func dualSpace(s Solver, j job, n, k, budget int) (numbers int, blocks bool) {
	if box, ok := s.(boxSized); ok && j.what == jobBox.what {
		return box.boxSpace(n), false
	}
	if system, ok := s.(systemSized); ok && j.what != jobBox.what {
		return system.systemSpace(n, k, budget)
	}
	return 0, false
}

// A basis of residuals, and three vectors.
func (CG) systemSpace(n, _, budget int) (int, bool) {
	return size.Sum(size.Product(3, n), size.Product(n, min(n, budget))), false
}

func (CG) primalSpace(p int) int { return size.Product(3, p) }

// Two bases, four vectors, and the factors of the blocks.
func (PCG) systemSpace(n, k, budget int) (int, bool) {
	return size.Sum(size.Product(4, n), size.Product(2, n, min(n, budget)), size.Product(n, k)), true
}

// A basis with one vector more, two vectors, and T with its work space.
func (Lanczos) systemSpace(n, _, budget int) (int, bool) {
	t := min(n, budget)
	return size.Sum(size.Product(n, size.Sum(t, 3)), size.Product(4, t)), false
}

// A, beside K.
func (Cholesky) systemSpace(n, _, _ int) (int, bool) {
	return size.Sum(size.Product(n, n), n), false
}

func (SDCA) boxSpace(n int) int { return n }

func (ProjectedGradient) boxSpace(n int) int { return size.Product(4, n) }

// maxUnknowns is how large a Gram matrix may get: 2 GiB. A basis may be as large.
const maxUnknowns = 1 << 14

// fits returns an error about a key if a solver would have to hold too large a Gram
// matrix, or too large a basis.
func (o Inner) fits(c SolverChoice, m, k int) error {
	if o.Formulation == "primal" {
		return nil
	}
	n := size.Product(m, k)
	if can[Former](c.Must()) && n > maxUnknowns {
		others := slices.DeleteFunc(Solvers.Names(), func(name string) bool { return can[Former](Solvers.Default(name).Must()) })
		return strict.Field("solver", "%s holds the Gram matrix of a mini-batch, %d x %d numbers (%d examples x %d outputs), more than the %d x %d allowed; use a smaller train.batch_size, or one of %s",
			c.Name, n, n, m, k, maxUnknowns, maxUnknowns, strings.Join(others, ", "))
	}
	if s, ok := c.Must().(systemSized); ok && !can[Former](c.Must()) {
		if numbers, _ := s.systemSpace(n, k, o.InnerIterations); numbers > maxUnknowns*maxUnknowns {
			return strict.Field("inner_iterations", "%s keeps a vector of %d numbers (%d examples x %d outputs) for each of %d iterations: %s, more than the %s allowed; use fewer iterations, or a smaller train.batch_size",
				c.Name, n, m, k, o.InnerIterations, size.Bytes(size.Product(8, numbers)), size.Bytes(8*maxUnknowns*maxUnknowns))
		}
	}
	return nil
}
