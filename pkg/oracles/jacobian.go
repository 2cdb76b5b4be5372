package oracles

import (
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Dims are p, m, k, and what the operations of a Jacobian cost in multiply-adds.
type Dims = nn.Dims

// A Jacobian is a model f linearized at weights w on m examples: the outputs f(w),
// m x k, and J = df(w), which maps R^p to R^{m x k}. It is all that oracles see of
// a network, so that residuals of equations, or a user's own model, can stand in
// its place. [nn.Linearization] is one.
//
// Oracles only read the slices and matrices returned. They are valid until the model is
// linearized again, those of OutputsAt until its next call. Methods are called from one
// goroutine.
type Jacobian[T tensor.Float] interface {
	Dims() Dims                                          // of the mini-batch at hand
	Weights() []T                                        // w, of length p
	Outputs() tensor.Matrix[float64]                     // f(w)
	OutputsAt(eta float64, d []T) tensor.Matrix[float64] // f(w + eta d)
	JVP(u tensor.Matrix[float64], d []T)                 // u = J d
	VJP(d []T, alpha tensor.Matrix[float64])             // d = Jᵀ alpha
}

// A GramJacobian is a Jacobian that knows cheaper ways to K = J Jᵀ than products with J and
// Jᵀ, see [nn.GramCosts]. Its methods return the multiply-adds of all they do.
type GramJacobian[T tensor.Float] interface {
	Jacobian[T]

	// Product sets u = K v, both m x k, layer by layer.
	Product(u, v tensor.Matrix[float64]) (multiplyAdds int64)

	// Keep keeps rows of J where they make Product less work, until Forget or the next
	// mini-batch, and sets blocks, unless it is a zero matrix, as GramBlocks does. It reports
	// whether it made k back-propagations, counted as k VJPs.
	Keep(blocks tensor.Matrix[float64]) (walked bool, multiplyAdds int64)

	// Gram sets a = K, m k x m k, row i k + c for output c of example i, and may keep rows of
	// J for Combine. It takes k back-propagations.
	Gram(a tensor.Matrix[T]) (multiplyAdds int64)

	// GramBlocks sets b, m k x k, to the diagonal blocks of K: rows i k to
	// i k + k - 1 hold that of example i. It takes k back-propagations, and forgets kept rows.
	GramBlocks(b tensor.Matrix[float64]) (multiplyAdds int64)

	// Combine sets d = Jᵀ alpha, of length p, from kept rows as far as there are any.
	Combine(d []T, alpha tensor.Matrix[float64]) (multiplyAdds int64)

	// Forget gives up kept rows.
	Forget()
}

// A RowJacobian is a Jacobian that writes J itself. Of one that does not, J is made by m k VJPs.
type RowJacobian[T tensor.Float] interface {
	Jacobian[T]

	// Rows sets a = J, m k x p, row i k + c for output c of example i. It takes k
	// back-propagations, and forgets kept rows.
	Rows(a tensor.Matrix[T]) (multiplyAdds int64)
}

var _ RowJacobian[float32] = (*nn.Linearization[float32])(nil)
var _ GramJacobian[float32] = (*nn.Linearization[float32])(nil)
