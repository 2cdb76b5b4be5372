package results

import (
	"math"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/runlog"
)

// ReadDualWeights reads the data of duals.npz, whose path is for messages. It returns,
// by step, the weight ||alpha_i|| of each example of the mini-batch.
func ReadDualWeights(path string, data []byte) (map[int][]float64, error) {
	duals, err := runlog.ReadDuals(path, data)
	if err != nil {
		return nil, err
	}
	out := map[int][]float64{}
	for step, a := range duals {
		alpha, k := a.Float64s(), a.Shape[1]
		w := make([]float64, a.Shape[0])
		for i := range w {
			for _, v := range alpha[i*k : (i+1)*k] {
				w[i] = math.Hypot(w[i], v)
			}
		}
		out[step] = w
	}
	return out, nil
}

// DualWeights reads the duals.npz of a run, if it has one. See [ReadDualWeights].
func (r *Run) DualWeights() (map[int][]float64, error) {
	path := filepath.Join(r.Dir, runlog.DualsFile)
	data, err := runlog.ReadFile(path, runlog.MaxDuals, 0)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ReadDualWeights(path, data)
}
