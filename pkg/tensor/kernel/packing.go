package kernel

// heights cut m rows of C into blocks of nearly equal heights, of at most so many rows: 128 are
// 10 blocks of 12 or 13.
type heights struct{ blocks, low, more int }

func cutRows(m, most int) heights {
	blocks := max(1, (m+most-1)/most)
	return heights{blocks, m / blocks, m % blocks}
}

// of returns the height of block r.
func (h heights) of(r int) int {
	if r < h.more {
		return h.low + 1
	}
	return h.low
}

// start returns the first row of block r.
func (h heights) start(r int) int { return r*h.low + min(r, h.more) }

// pack copies w columns of op(B) to rows of row elements, padded with zeros.
func (g *set[T]) pack(dst []T, row int, trans bool, k, w int, b []T, ldb int) {
	size := SizeOf[T]()
	if !trans {
		if copyRows := g.copy[row/g.lanes-1]; copyRows != nil {
			copyRows(&dst[0], row*size, &b[0], ldb*size, k, g.masks[w])
			return
		}
		for p := range k {
			to := dst[p*row : p*row+row]
			clear(to[copy(to, b[p*ldb:p*ldb+w]):])
		}
		return
	}
	if w < row {
		clear(dst[:k*row])
	}
	for from := 0; from < w; from += g.lanes {
		done := 0 // steps of k
		if blocks := k / g.lanes; w-from >= g.lanes && blocks > 0 {
			g.transpose(&dst[from], row*size, &b[from*ldb], ldb*size, blocks)
			if done = blocks * g.lanes; done < k { // what is left ends a block of its own
				last := k - g.lanes
				g.transpose(&dst[last*row+from], row*size, &b[from*ldb+last], ldb*size, 1)
				done = k
			}
		}
		if done == k {
			continue
		}
		for x := range min(g.lanes, w-from) {
			at := from + x
			for p, v := range b[at*ldb+done : at*ldb+k] {
				dst[(done+p)*row+at] = v
			}
		}
	}
}
