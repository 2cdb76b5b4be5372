package nn

import "github.com/dualgn/dgn/pkg/tensor"

// A Projection is K = N Nᵀ, m x m, for the m x p matrix N of rows J_iᵀ n_i: the Gram matrix of
// a network that is projected to one output n_i·f_i of each example, with n_i held fixed. It
// has the products of [Linearization] with one signal in the place of k.
type Projection[T tensor.Float] struct {
	lin  *Linearization[T]
	n    tensor.Matrix[float64] // m x k
	best int                    // Net.keepsBelow of one signal
	u    []T                    // m
	v    []T                    // m
}

// NewProjection returns one of l's mini-batches, for directions to be set by [Projection.To].
func (l *Linearization[T]) NewProjection() *Projection[T] {
	return &Projection[T]{lin: l, best: l.net.keepsBelow(l.m, 1), u: make([]T, l.m), v: make([]T, l.m)}
}

// To projects on n, m x k, which it refers to. Rows that are kept belong to others.
func (p *Projection[T]) To(n tensor.Matrix[float64]) {
	p.lin.checkOutputs(n)
	p.n = n
	p.Forget()
}

// signals returns n as signals.
func (p *Projection[T]) signals() tensor.Matrix[T] {
	to := p.lin.Signals(1)
	for i := range to.Rows {
		tensor.Convert(to.Row(i), p.n.Row(i))
	}
	return to
}

// sent returns v_i n_i, m x k, and v in precision T.
func (p *Projection[T]) sent(v tensor.Matrix[float64]) (sent, one tensor.Matrix[T]) {
	l := p.lin
	sent, one = l.sent(), tensor.View(l.rows, 1, p.v[:l.rows])
	for i, a := range v.Flat() {
		one.Data[i] = T(a)
		to := sent.Row(i)
		for j, n := range p.n.Row(i) {
			to[j] = T(a * n)
		}
	}
	return sent, one
}

// Product sets u = K v, both m x 1, as [Linearization.Product] does.
func (p *Projection[T]) Product(u, v tensor.Matrix[float64]) (multiplyAdds int64) {
	l := p.lin
	sent, one := p.sent(v)
	dy := l.ends()
	multiplyAdds = l.chained(dy, sent)
	for i := range l.rows {
		var sum float64
		for j, n := range p.n.Row(i) {
			sum += n * float64(dy.Row(i)[j])
		}
		u.Flat()[i] = sum
	}
	if len(l.kept) == 0 {
		return multiplyAdds
	}
	part := tensor.View(l.rows, 1, p.u[:l.rows])
	clear(part.Data)
	for _, o := range l.kept {
		multiplyAdds += o.op.Multiply(part, one)
	}
	for i, a := range part.Data {
		u.Flat()[i] += float64(a)
	}
	return multiplyAdds
}

// Keep is [Linearization.Keep], with one back-propagation.
func (p *Projection[T]) Keep(blocks tensor.Matrix[float64]) (walked bool, multiplyAdds int64) {
	return p.lin.keepBelow(p.best, blocks, false, p.signals)
}

// Gram is [Linearization.Gram], m x m, with one back-propagation.
func (p *Projection[T]) Gram(a tensor.Matrix[T]) int64 {
	for i := range a.Rows {
		clear(a.Row(i))
	}
	adds := p.lin.keep(p.signals(), false, keeper[T]{room: jacobianLength, full: a}, len(p.lin.tape.ops))
	tensor.Mirror(p.lin.pool, a)
	return adds
}

// GramBlocks is [Linearization.GramBlocks]: the diagonal of K, m x 1.
func (p *Projection[T]) GramBlocks(b tensor.Matrix[float64]) int64 {
	clear(b.Flat())
	return p.lin.keep(p.signals(), false, keeper[T]{room: jacobianLength, blocks: b}, 0)
}

// Combine sets d = Nᵀ v, for v of m x 1.
func (p *Projection[T]) Combine(d []T, v tensor.Matrix[float64]) int64 {
	l := p.lin
	l.check(d)
	sent, one := p.sent(v)
	if len(l.kept) == 0 {
		l.tape.vjp(tensor.Matrix[T]{}, d, sent)
		return l.Dims().VJP
	}
	return l.combine(d, sent, one)
}

// Forget is [Linearization.Forget].
func (p *Projection[T]) Forget() { p.lin.Forget() }

// Projected tells what products with the K of a [Projection] take.
func (n *Net) Projected() GramModel { return projected{n} }

type projected struct{ *Net }

func (n projected) GramCosts(m int) GramCosts {
	_, costs := n.gramCosts(m, 1)
	return costs
}

// ProductsMemory is 0: one vector is multiplied after the other.
func (n projected) ProductsMemory(_, _, _ int, _ GramUse) int { return 0 }

func (n projected) GramMemory(m, value int, use GramUse) int { return n.gramMemory(m, 1, value, use) }
