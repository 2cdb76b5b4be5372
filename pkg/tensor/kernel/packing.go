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

// Distances in bytes at which the parts of A that one kernel reads fall into the same few lines
// of the first-level cache, and displace each other: conflict those of any A, and columnConflict
// those of columnDepth or more rows of a transposed A of which a kernel takes a part of a line, so that other
// kernels look for the rest of it later. That is worth a copy for 16 vectors of columns.
const (
	conflict       = 2048
	columnConflict = 512
	columnDepth    = 512
)

// CopiesA reports whether a product of this size copies A, because of its row
// length: cut into blocks of columns, it would do so for every block.
func CopiesA[T Float](transA bool, m, n, k, lda int) bool {
	g := setOf[T]()
	return g != nil && k > 0 && g.conflicts(transA, m, n, partOf(k), lda)
}

// conflicts reports whether A is worth a copy.
func (g *set[T]) conflicts(transA bool, m, n, k, lda int) bool {
	size := SizeOf[T]()
	part := transA && k >= columnDepth && n >= 16*g.lanes && g.rows[g.wide]*size <= alignment/2
	return m >= maxRows && n >= 4*g.lanes && (lda*size%conflict == 0 || part && lda*size%columnConflict == 0)
}

// SpreadLength returns a length of rows for k elements that puts them an odd
// number of cache lines apart, so that they do not displace each other.
func SpreadLength[T Float](k int) int {
	line := alignment / SizeOf[T]()
	return ((k+line-1)/line | 1) * line
}

// spread copies A to rows that lie an odd number of cache lines apart.
func (g *set[T]) spread(s *Scratch[T], m, k int, a []T, lda int) (copied []T, ld int) {
	ld = SpreadLength[T](k)
	copied = aligned(&s.a, m*ld)
	for i := range m {
		copy(copied[i*ld:i*ld+k], a[i*lda:i*lda+k])
	}
	return copied, ld
}

// packRows copies Aᵀ so that what one kernel reads, k times its rows, is in one
// piece. Pieces begin stride elements apart.
func (g *set[T]) packRows(s *Scratch[T], m, k int, a []T, lda int) (packed []T, stride int) {
	rows := cutRows(m, g.rows[g.wide])
	stride = SpreadLength[T](rows.of(0) * k)
	packed = aligned(&s.a, rows.blocks*stride)
	dealt := g.dealRows(packed, stride, rows, k, a, lda)
	if dealt == rows.blocks {
		return packed, stride
	}
	const together = 4 // rows of Aᵀ
	for p := 0; p < k; p += together {
		more := min(together, k-p)
		i := rows.start(dealt)
		for r := dealt; r < rows.blocks; r++ {
			h := rows.of(r)
			to := packed[r*stride+p*h:][:more*h]
			for q := range more {
				copy(to[q*h:q*h+h], a[(p+q)*lda+i:])
			}
			i += h
		}
	}
	return packed, stride
}

// dealtRows are those of a piece that deal makes.
const dealtRows = 4

// dealRows makes pieces of Aᵀ from the first on, as many together as share a line if rows begin at one, and returns how many
// it made. Those of fewer rows, which are last, it leaves.
func (g *set[T]) dealRows(packed []T, stride int, rows heights, k int, a []T, lda int) (pieces int) {
	if g.deal == nil {
		return 0
	}
	size := SizeOf[T]()
	together := alignment / (dealtRows * size)
	for pieces+together <= rows.blocks && rows.of(pieces+together-1) == dealtRows {
		g.deal(&packed[pieces*stride], stride*size, &a[pieces*dealtRows], lda*size, k)
		pieces += together
	}
	return pieces
}

// packedLength is what packRows needs for up to m rows: pieces have at most a row more than m over their
// number, and are spread by less than two lines.
func (g *set[T]) packedLength(m, k int) int {
	return m*k + cutRows(m, g.rows[g.wide]).blocks*(k+2*alignment/SizeOf[T]())
}

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
