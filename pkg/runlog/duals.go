package runlog

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/arrays"
)

// dualsPrefix begins the names of the arrays of duals.npz: the step follows.
const dualsPrefix = "alpha_"

// DualsName is the name of the array of the dual variables of a step, in duals.npz
// and in checkpoints.
func DualsName(step int) string { return dualsPrefix + strconv.Itoa(step) }

// IsDuals reports whether an array is called as [DualsName] would.
func IsDuals(name string) bool { return strings.HasPrefix(name, dualsPrefix) }

// maxDuals bounds the dual variables in the file of a run: 1 GiB.
const maxDuals = 1 << 27

// ReadDuals reads the content of duals.npz, whose path is for messages: the dual
// variables alpha, m x k, of steps before evaluations, by step. What is wrong is an
// [Error].
func ReadDuals(path string, data []byte) (map[int]arrays.Array, error) {
	steps := map[string]int{}
	total := 0
	list, err := arrays.ReadNPZ(bytes.NewReader(data), int64(len(data)), func(h arrays.Header) error {
		text, ok := strings.CutPrefix(h.Name, dualsPrefix)
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
		return nil, Errorf("%s: %w", path, err)
	}
	out := map[int]arrays.Array{}
	for _, a := range list {
		step := steps[a.Name]
		if _, twice := out[step]; twice {
			return nil, Errorf("%s: there are two arrays of step %d", path, step)
		}
		out[step] = a
	}
	return out, nil
}
