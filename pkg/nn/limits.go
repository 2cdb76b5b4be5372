package nn

import (
	"fmt"
	"math"

	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Limits of networks. No machine comes near them; below them, sizes are exact.
const (
	maxSide    = math.MaxInt32 // units, filters, pixels in a row: an int32 tells where a maximum was
	maxLayers  = 10_000        // of a chain
	maxNumbers = 1 << 48       // weights, or values of an example
)

// atMost returns an error about a key one of whose values is larger than a limit.
func atMost(key string, limit int, values ...int) error {
	for _, v := range values {
		if v > limit {
			return strict.Field(key, "must be at most %d, got %d", limit, v)
		}
	}
	return nil
}

// checkNumbers refuses a layer that makes too much of its input, or has too many
// weights together with those before it.
func (s Size) checkNumbers(before int) error {
	if volume(s.Out) > maxNumbers {
		return fmt.Errorf("makes examples of shape %s: more numbers than any memory holds", s.Out)
	}
	if size.Sum(before, s.NumParams()) > maxNumbers {
		return fmt.Errorf("has weights of shapes %v: more numbers than any memory holds", s.shapes())
	}
	return nil
}

func (s Size) shapes() (out [][]int) {
	for _, p := range s.Params[:min(len(s.Params), 4)] {
		out = append(out, p.Shape)
	}
	return out
}

// volume is the number of values of a shape that was not checked.
func volume(s tensor.Shape) int { return size.Product(s.C, s.H, s.W) }
