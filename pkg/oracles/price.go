package oracles

import (
	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/size"
)

// A Priced spec predicts about how long a call takes. One that does not is taken to be the
// gradient.
type Priced interface {
	// Price returns the predicted seconds of Direction for mini-batches of dimensions d, on
	// the machine that the constants of [nn.Work] are of: it compares calls on any machine,
	// and depends on none.
	Price(l losses.Loss, d Dims) float64
}

var (
	_ Priced = GaussNewton{}
	_ Priced = ProxLinear{}
	_ Priced = HessianFree{}
	_ Priced = KFAC{}
	_ Priced = LBFGS{}
)

// PriceOf returns the predicted seconds of a call of an oracle, see [Priced].
func PriceOf(o Spec, l losses.Loss, d Dims) float64 {
	if priced, ok := o.(Priced); ok {
		return priced.Price(l, d)
	}
	return seconds(d.VJP)
}

// seconds is how long so many multiply-adds are predicted to take.
func seconds(adds int64) float64 { return nn.Work{Adds: adds}.Seconds() }

// Price implements [Priced].
func (o GaussNewton) Price(_ losses.Loss, d Dims) float64 {
	if o.InnerIterations > 0 && o.Curvature.reduces() {
		n, s := o.resolved().rows(d)
		rows := size.Product(n, s)
		// The gradient, rows of J, their products with each other, and a factorisation.
		back := d.VJP / int64(max(d.Examples, 1)) * int64(rows)
		return seconds(d.VJP) + seconds(back) + seconds(int64(size.Product(rows, rows, d.Outputs))) + factorisation(rows)
	}
	o = o.at(d)
	total := o.price(o.Solver, d)
	if o.InnerIterations > 0 && o.Accelerates() {
		total += seconds(2*d.Forward + d.VJP)
	}
	return total
}

// Price implements [Priced].
func (o ProxLinear) Price(l losses.Loss, d Dims) float64 { return o.price(o.solver(l), d) }

// price is that of a gradient, and of a product with K, or with J and Jᵀ, for each inner
// iteration.
func (o Inner) price(c SolverChoice, d Dims) float64 {
	if o.InnerIterations == 0 {
		return seconds(d.VJP)
	}
	if o.Formulation == "primal" {
		if c.abilities().NeedsRows { // J, its products, and a factorisation
			rows := size.Product(d.Examples, d.Outputs)
			return seconds(d.VJP) + seconds(int64(size.Product(d.Outputs, int(d.VJP)))) + seconds(int64(size.Product(rows, d.Weights, d.Weights+1)/2)) + factorisation(d.Weights)
		}
		return seconds(d.VJP) + float64(float64(o.InnerIterations)*seconds(d.JVP+d.VJP))
	}
	inside := o.dims(d)
	choice, can := o.gramChoice(c, inside), c.abilities()
	total := seconds(d.VJP)
	if can.Extra != nil {
		total += seconds(int64(can.Extra(size.Product(inside.Examples, inside.Outputs), o.InnerIterations)))
	}
	costs := choice.Costs
	if can.ByRows && d.Gram != nil {
		costs = GramCosts(inside.Gram.GramCosts(inside.Examples), 0, o.GramMemory, can.asksBlocks())
	}
	for _, f := range costs {
		if f.Form == choice.Form {
			return total + f.Seconds
		}
	}
	return total + float64(float64(o.InnerIterations+1)*seconds(inside.JVP+inside.VJP))
}

// Price implements [Priced]: that of the gradient, and of two passes over the pairs.
func (o LBFGS) Price(_ losses.Loss, d Dims) float64 {
	const pair, rest = 8, 10 // vectors that are read or written
	return nn.Work{Adds: d.VJP, Moved: int64(size.Product(d.Weights, size.Sum(size.Product(pair, o.History), rest)))}.Seconds()
}

// Price implements [Priced]: that of all iterations, and of a product for the start and two forward
// passes, where they are asked for.
func (o HessianFree) Price(_ losses.Loss, d Dims) float64 {
	if o.InnerIterations == 0 {
		return seconds(d.VJP)
	}
	products := o.InnerIterations
	if o.Decay > 0 {
		products++
	}
	total := seconds(d.VJP) + float64(float64(products)*seconds(d.JVP+d.VJP))
	switch {
	case o.Backtracking:
		total += 2 * seconds(d.Forward)
	case o.Gamma.lm != nil:
		total += seconds(d.Forward)
	}
	return total
}

// Price implements [Priced]: docs/math.md section 12, of which updates are every so many steps.
func (o KFAC) Price(_ losses.Loss, d Dims) float64 {
	total := seconds(d.VJP)
	if o.Gamma.lm != nil {
		total += seconds(d.JVP + d.Forward)
	}
	model, ok := d.Gram.(factorModel)
	if !ok {
		return total
	}
	s := o.signals(d)
	update := size.Product(s, int(d.VJP))
	step := 0
	for _, b := range model.WeightBlocks() {
		f := b.Factors
		if f == nil {
			continue
		}
		n, out, places := f.Inputs(), f.Out, f.Places
		if o.Shared == reduce {
			places = 1
		}
		rows := size.Product(places, d.Examples)
		update = size.Sum(update, size.Product(rows, n, n+1)/2, size.Product(rows, s, out, out+1)/2,
			size.Product(n, n, n)/2, size.Product(out, out, out)/2)
		step = size.Sum(step, size.Product(n, out, n+out))
	}
	return total + seconds(int64(step)) + float64(seconds(int64(update))/float64(o.UpdateEvery))
}

// factorisation is that of a symmetric matrix of n rows, n³/6 multiply-adds.
func factorisation(n int) float64 { return seconds(int64(size.Product(n, n, n) / 6)) }
