package report

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/arrays"
)

// maxDuals bounds the dual variables in the file of a run: 1 GiB.
const maxDuals = 1 << 27

// readDuals reads duals.npz: arrays alpha_STEP, m x k, of the dual variables
// after the steps of evaluations. It returns, by step, the weight ||alpha_i|| of
// each example of the mini-batch.
func readDuals(path string, data []byte) (map[int][]float64, error) {
	steps := map[string]int{}
	total := 0
	list, err := arrays.ReadNPZ(bytes.NewReader(data), int64(len(data)), func(h arrays.Header) error {
		text, ok := strings.CutPrefix(h.Name, "alpha_")
		step, err := strconv.Atoi(text)
		if !ok || err != nil || step < 0 {
			return fmt.Errorf("array %.60q: expected alpha_STEP", h.Name)
		}
		if len(h.Shape) != 2 || h.Shape[0] == 0 || h.Shape[1] == 0 {
			return fmt.Errorf("array %q has shape %v, expected m x k", h.Name, h.Shape)
		}
		if total += h.Len(); total > maxDuals {
			return fmt.Errorf("with array %q there are more than %d dual variables, the most that are read", h.Name, maxDuals)
		}
		steps[h.Name] = step
		return nil
	})
	if err != nil {
		return nil, logErrorf("%s: %w", path, err)
	}
	out := map[int][]float64{}
	for _, a := range list {
		step := steps[a.Name]
		if _, twice := out[step]; twice {
			return nil, logErrorf("%s: there are two arrays of step %d", path, step)
		}
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

// duals reads the duals.npz of a run, if it has one.
func (r *Run) duals() (map[int][]float64, error) {
	path := filepath.Join(r.Dir, "duals.npz")
	data, err := readFile(path, maxDualsFile, 0)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readDuals(path, data)
}
