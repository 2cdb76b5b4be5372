package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// sides are the rows and columns of a block as a matrix; a block with one side is a column.
func sides(b tensor.Block) (rows, cols int) {
	if !b.IsMatrix() {
		return b.Len(), 1
	}
	return b.Shape[0], b.Len() / max(1, b.Shape[0])
}

// runs returns the layouts of the blocks that are not taken, as many as lie together in each, and
// where each begins in the vector.
func runs(l tensor.Layout, taken func(i int) bool) (parts []tensor.Layout, begin []int) {
	open := false
	for i, b := range l.Blocks {
		if taken(i) || b.Len() == 0 {
			open = open && b.Len() == 0
			continue
		}
		if !open {
			parts, begin, open = append(parts, tensor.Layout{}), append(begin, b.Offset), true
		}
		parts[len(parts)-1].Add(b)
	}
	return parts, begin
}

// finite reports whether a sum of squares is one that precision T has a number for, so that no
// element is a NaN or an infinity, nor will its square be.
func finite[T tensor.Float](squares float64) bool { return squares <= largest[T]() }

func allZero[T tensor.Float](v []T) bool {
	return !slices.ContainsFunc(v, func(x T) bool { return x != 0 })
}

func largest[T tensor.Float]() float64 {
	if kernel.SizeOf[T]() == 4 {
		return math.MaxFloat32
	}
	return math.MaxFloat64
}

// named lists blocks for people, the first few of many.
func named(names []string) string {
	const few = 6
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}
