package tensor

import (
	"math"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// A product is shared between threads in blocks of C, some for each thread so
// that a slow one does not hold up the others, but none so small that starting
// it would cost more. The sum over k is never split: kernel.Product adds up an
// element in the same order whatever block it is part of.
const (
	blocksPerThread = 3
	sharedAdds      = 300_000 // multiply-adds of float32 that one thread makes in 6 µs: twice what far cores take to meet
	blockAdds       = 100_000
	blockCols       = 32 // a block has a multiple of so many columns, but see columnsOf,
	blockRows       = 14 // or of so many rows
	triangleBlocks  = 8  // of columns of a triangle of C, in the place of one of all of it
)

// blocksOf returns how many blocks a product of so many multiply-adds is cut into: as many
// for each thread.
func blocksOf[T Float](threads, adds int) int {
	adds *= kernel.SizeOf[T]() / kernel.SizeOf[float32]()
	if threads == 1 || adds < sharedAdds {
		return 1
	}
	return max(1, min(blocksPerThread, adds/(threads*blockAdds))) * threads
}

// share returns a multiple of unit that cuts n into about so many parts.
func share(n, parts, unit int) int {
	units := (n + unit - 1) / unit
	return max(1, (units+parts/2)/parts) * unit
}

// columnsOf returns how many of n columns each block has where a product is cut into so many, or fewer: a multiple of a cache
// line with which all threads are done first, and of those as good the smallest, so that a slow thread gives
// a block away. Narrow panels cost more for a column, see [kernel.PanelWork]. Where a triangle of C is asked for, some columns
// have less to do than others, and there are more blocks, so that threads are done at the same time.
func columnsOf[T Float](threads, blocks, n int, part kernel.Triangle) int {
	unit := kernel.PanelUnit[T]()
	if unit == 0 {
		return share(n, blocks, blockCols)
	}
	if part != kernel.Whole && blocks > 1 {
		blocks *= triangleBlocks
	}
	upTo := func(parts int) int { return (n + parts*unit - 1) / (parts * unit) * unit }
	width, least := 0, math.Inf(1)
	for w := upTo(blocks); w <= upTo(threads); w += unit {
		if t := timeOfBlocks[T](threads, n, w); t < 0.99*least {
			width, least = w, t
		}
	}
	return width
}

// timeOfBlocks returns when the last thread is done with n columns in blocks of w, each taken when a thread has nothing to do.
func timeOfBlocks[T Float](threads, n, w int) float64 {
	blocks := (n + w - 1) / w
	rounds, left := blocks/threads, blocks%threads
	t := float64(rounds) * kernel.PanelWork[T](w)
	switch left {
	case 0:
		return t
	case 1: // the last, which may be narrower
		return t + kernel.PanelWork[T](n-(blocks-1)*w)
	}
	return t + kernel.PanelWork[T](w)
}
