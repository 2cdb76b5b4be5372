package nn

import "github.com/dualgn/dgn/pkg/strict"

func init() {
	Layers.Refuse("batch_norm", "its statistics couple the examples of a mini-batch, so that there is no Jacobian of an example, on which duals and Gram matrices rest; use group_norm or layer_norm, which normalise each example by itself")
}

func checkEps(eps float64) error {
	if !(eps > 0) {
		return strict.Field("eps", "must be positive, got %g", eps)
	}
	return nil
}

// initNorm sets w = 1, the first half, and b = 0.
func initNorm(w []float64) {
	clear(w)
	for i := range len(w) / 2 {
		w[i] = 1
	}
}
