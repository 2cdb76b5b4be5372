package oracles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Form is a way to multiply by K = J Jᵀ in the dual (docs/math.md section 5).
type Form string

const (
	AutoForm   Form = "auto"        // what is estimated to take the least time
	MatrixFree Form = "matrix_free" // J (Jᵀ v): a VJP and a JVP
	Chained    Form = "chained"     // layer by layer, without gradients of dense weights
	Explicit   Form = "explicit"    // the same, with rows of J kept where that is less work
	Formed     Form = "formed"      // K itself, (m k)² numbers
)

// Forms lists them in the order in which one is preferred to the next at equal cost.
var Forms = []Form{MatrixFree, Chained, Explicit, Formed}

// defaultGramMemory is the default of gram_memory, in MiB. It is part of what auto chooses,
// and so never the machine's memory.
const defaultGramMemory = 2048

// A FormCost is what a form takes, see [GramCosts].
type FormCost struct {
	Form    Form
	Seconds float64 // of a step for products with K, on the machine that the constants of [nn.Work] are of
	Held    int     // bytes between products, at 8 a number
	Fits    bool    // within gram_memory
}

// A formChoice is the form in which an oracle multiplies by K, and why.
type formChoice struct {
	Form  Form
	Costs []FormCost // of every form there is for the model, in the order of [Forms]
	Why   string
}

// gramMemory is the bound in bytes.
func (o Inner) gramMemory() int {
	if o.GramMemory == 0 {
		return size.Product(defaultGramMemory, 1<<20)
	}
	return size.Product(o.GramMemory, 1<<20)
}

// GramCosts estimates what a step of so many inner iterations takes in each form: set-up,
// a product for each iteration and one for the right-hand side, and Jᵀ alpha; with blocks,
// also the diagonal blocks of K. memory is gram_memory in MiB; 0: the default.
func GramCosts(c nn.GramCosts, iterations, memory int, blocks bool) []FormCost {
	bound := Inner{GramMemory: memory}.gramMemory()
	var out []FormCost
	for _, f := range []struct {
		form Form
		cost nn.GramCost
	}{{MatrixFree, c.MatrixFree}, {Chained, c.Chained}, {Explicit, c.Kept}, {Formed, c.Formed}} {
		seconds := f.cost.Setup.Seconds() + (float64(iterations)+1)*f.cost.Product.Seconds() + f.cost.Combine.Seconds()
		if blocks && f.form != Formed { // of which they are a part
			seconds += c.Blocks.Seconds()
			if f.form != Explicit || c.Kept.Held == 0 {
				seconds += c.Walk.Seconds()
			}
		}
		held := size.Product(8, f.cost.Held)
		out = append(out, FormCost{Form: f.form, Seconds: seconds, Held: held, Fits: held <= bound && held < size.Max})
	}
	return out
}

// Cheapest returns the form of the least estimated time among those that fit, the first of
// several.
func Cheapest(costs []FormCost) (best FormCost) {
	for _, f := range costs {
		if f.Fits && (best.Form == "" || f.Seconds < best.Seconds) {
			best = f
		}
	}
	return best
}

// gramChoice returns the form for mini-batches of dimensions d. It depends on shapes, the
// budget and gram_memory, and never on a machine or a measurement.
func (o Inner) gramChoice(c SolverChoice, d Dims) formChoice {
	choice := formChoice{Form: MatrixFree, Why: "the model has no other ways to multiply by K = J Jᵀ"}
	if d.Gram != nil {
		choice.Costs = GramCosts(d.Gram.GramCosts(d.Examples), size.Sum(o.InnerIterations, o.sketch(c, d)), o.GramMemory, c.abilities().asksBlocks())
	}
	switch {
	case c.abilities().NeedsGram:
		choice.Form, choice.Why = Formed, "solver "+c.Name+" works on K = J Jᵀ itself"
		return choice
	case o.Gram != AutoForm && o.Gram != "":
		choice.Form, choice.Why = o.Gram, "it is set"
		return choice
	case d.Gram == nil:
		return choice
	}
	best := Cheapest(choice.Costs) // matrix_free holds nothing, and always fits
	choice.Form = best.Form
	var others []string
	for _, f := range choice.Costs {
		switch {
		case f.Form == best.Form:
		case !f.Fits:
			others = append(others, fmt.Sprintf("%s would hold %s, beyond gram_memory", f.Form, size.Bytes(f.Held)))
		default:
			others = append(others, fmt.Sprintf("%s %s", f.Form, milliseconds(f.Seconds)))
		}
	}
	sketch := ""
	if r := o.sketch(c, d); r > 0 {
		sketch = fmt.Sprintf(", %d products of the sketch", r)
	}
	choice.Why = fmt.Sprintf("with %d inner iterations%s and mini-batches of %d the products of a step are estimated to take %s (%s)",
		o.InnerIterations, sketch, d.Examples, milliseconds(best.Seconds), strings.Join(others, ", "))
	return choice
}

// sketch is the number of products of a sketch, which has no more columns than there are unknowns.
func (o Inner) sketch(c SolverChoice, d Dims) int {
	return min(c.abilities().Sketch, size.Product(d.Examples, d.Outputs))
}

// choices says what gram: auto became, for people.
func (o Inner) choices(c SolverChoice, d Dims) []string {
	if o.Formulation == "primal" || o.Gram != AutoForm || o.InnerIterations == 0 {
		return nil
	}
	choice := o.gramChoice(c, d)
	return []string{fmt.Sprintf("gram: auto is %s, since %s", choice.Form, choice.Why)}
}

func milliseconds(s float64) string { return fmt.Sprintf("%.3g ms", 1e3*s) }

// smallerBatch is what to do about a mini-batch that is too large.
const smallerBatch = "a smaller train.batch_size (of an equation, a smaller data.interior)"

// fitsPrimal returns an error about a solver that would hold J and a matrix of p x p larger than
// gram_memory.
func (o Inner) fitsPrimal(c SolverChoice, d Dims) error {
	if !c.abilities().NeedsGram || o.InnerIterations == 0 {
		return nil
	}
	n, p := size.Product(d.Examples, d.Outputs), d.Weights
	if held, bound := primalCholeskySpace(d.Examples, d.Outputs, p, 8), o.gramMemory(); held > bound {
		return strict.Field("solver", "%s in the primal holds J, %d x %d numbers (%d examples x %d outputs, and the weights), and a matrix of %d x %d: %s, more than the %s of gram_memory; use fewer weights, %s, a larger gram_memory, formulation: dual, or solver: cg",
			c.Name, n, p, d.Examples, d.Outputs, p, p, size.Bytes(held), size.Bytes(bound), smallerBatch)
	}
	return nil
}

// fitsGram returns an error about a form, or a solver that keeps so many numbers beside K, that
// would hold more than gram_memory.
func (o Inner) fitsGram(c SolverChoice, d Dims, numbers int) error {
	if o.Formulation == "primal" || o.InnerIterations == 0 {
		return nil
	}
	can, n := c.abilities(), size.Product(d.Examples, d.Outputs)
	bound := o.gramMemory()
	formed := size.Product(8, n, n)
	if d.Gram != nil {
		formed = size.Product(8, d.Gram.GramCosts(d.Examples).Formed.Held)
	}
	if can.NeedsGram {
		formed = size.Sum(formed, size.Product(8, numbers))
	}
	if can.NeedsGram && formed > bound {
		others := able(func(a Abilities) bool { return !a.NeedsGram && (a.Box != nil) == (can.Box != nil) })
		return strict.Field("solver", "%s holds the Gram matrix of a mini-batch, %d x %d numbers (%d examples x %d outputs), what it is made of, and its own: %s, more than the %s of gram_memory; use %s, a larger gram_memory, or one of %s",
			c.Name, n, n, d.Examples, d.Outputs, size.Bytes(formed), size.Bytes(bound), smallerBatch, strings.Join(others, ", "))
	}
	if can.NeedsGram || o.Gram == AutoForm || o.Gram == "" {
		return nil
	}
	held := 0
	switch {
	case o.Gram == Formed:
		held = formed
	case d.Gram != nil:
		for _, f := range o.gramChoice(c, d).Costs {
			if f.Form == o.Gram {
				held = f.Held
			}
		}
	}
	if held > bound {
		what := fmt.Sprintf("K, %d x %d numbers, and what it is made of", n, n)
		if o.Gram == Explicit {
			what = fmt.Sprintf("rows of J, for %d examples x %d outputs", d.Examples, d.Outputs)
		}
		return strict.Field("gram", "%s holds %s: %s, more than the %s of gram_memory; use %s, a larger gram_memory, gram: auto, or one of %s, %s",
			o.Gram, what, size.Bytes(held), size.Bytes(bound), smallerBatch, MatrixFree, Chained)
	}
	return nil
}

// validGram reports a form that there is not, or that does not go with other options.
func (o Inner) validGram() error {
	if o.GramMemory < 1 {
		return strict.Field("gram_memory", "must be a positive number of MiB, got %d", o.GramMemory)
	}
	if o.Formulation == "primal" && o.Solver.Name != "cholesky" && o.GramMemory != defaultGramMemory {
		return strict.Field("gram_memory", "is for formulation: dual, and for solver: cholesky; other solvers of the primal hold neither K = J Jᵀ nor rows of J; leave it out")
	}
	if o.Gram == AutoForm {
		return nil
	}
	if !slices.Contains(Forms, o.Gram) {
		var names []string
		for _, f := range Forms {
			names = append(names, string(f))
		}
		return strict.Field("gram", "must be auto or one of %s, got %q", strings.Join(names, ", "), string(o.Gram))
	}
	if o.Formulation != "dual" {
		return strict.Field("gram", "is for formulation: dual, which multiplies by K = J Jᵀ; the primal multiplies by J and Jᵀ alone; leave it out")
	}
	if !o.Solver.IsZero() && o.Solver.abilities().NeedsGram && o.Gram != Formed {
		others := able(func(a Abilities) bool { return !a.NeedsGram })
		return strict.Field("gram", "solver %s works on K = J Jᵀ itself, and takes formed or auto, not %s; or use one of the solvers %s", o.Solver.Name, o.Gram, strings.Join(others, ", "))
	}
	return nil
}
