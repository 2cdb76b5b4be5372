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
	return o.price(o.Solver, d)
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
		return seconds(d.VJP) + float64(float64(o.InnerIterations)*seconds(d.JVP+d.VJP))
	}
	inside := o.dims(d)
	choice := o.gramChoice(c, inside)
	total := seconds(d.VJP)
	if c.abilities().NeedsGram {
		total += factorisation(size.Product(inside.Examples, inside.Outputs))
	}
	for _, f := range choice.Costs {
		if f.Form == choice.Form {
			return total + f.Seconds
		}
	}
	return total + float64(float64(o.InnerIterations+1)*seconds(inside.JVP+inside.VJP))
}

// factorisation is that of a symmetric matrix of n rows, n³/6 multiply-adds.
func factorisation(n int) float64 { return seconds(int64(size.Product(n, n, n) / 6)) }
