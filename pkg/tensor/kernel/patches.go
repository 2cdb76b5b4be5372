package kernel

import "github.com/dualgn/dgn/pkg/size"

// Patches is a matrix B of len(Rows) x len(Cols) numbers that is not stored:
// element (r, j) is Src[Rows[r]+Cols[j]]. That is what a convolution multiplies
// its filters with: rows are taps, columns positions, or the other way round.
//
// Cols must increase, and Src go on for Slack numbers after the last element.
type Patches[T Float] struct {
	Src        []T
	Rows, Cols []int32

	// Ones adds a last row of ones.
	Ones bool
}

// Slack is how far packing reads, and CopyRows writes, beyond what it needs.
const Slack = 32

// K returns the number of rows, that of ones included.
func (b *Patches[T]) K() int {
	if b.Ones {
		return len(b.Rows) + 1
	}
	return len(b.Rows)
}

// PanelWidth is the number of columns of patches that are packed together; blocks of
// columns should be multiples of it.
func PanelWidth[T Float]() int {
	if g := setOf[T](); g != nil {
		return 2 * g.lanes
	}
	return goCols
}

// ProductPatches sets C = A B, or C = C + A B if accumulate, for A of m x k with
// row length lda, on the calling thread. Element (i, j) of C is c[i ldc +
// out[j]], and out increases. Sums are in the order of k, whatever m, n and out.
func ProductPatches[T Float](s *Scratch[T], m int, a []T, lda int, b *Patches[T], accumulate bool, c []T, ldc int, out []int32) {
	n, k := len(b.Cols), b.K()
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			for i := range m {
				for _, j := range out {
					c[i*ldc+int(j)] = 0
				}
			}
		}
		return
	}
	g := setOf[T]()
	if g == nil {
		patchesGo(s, m, a, lda, b, accumulate, c, ldc, out)
		return
	}
	part := partOf(k)
	for p := 0; p < k; p += part {
		g.patches(s, m, p, min(part, k-p), a[p:], lda, b, accumulate || p > 0, c, ldc, out)
	}
}

// ReservePatches makes the space that products of k rows and n columns of B need.
func (s *Scratch[T]) ReservePatches(k, n int) {
	if k == 0 {
		return
	}
	g := setOf[T]()
	if g == nil {
		d := min(depth, k)
		aligned(&s.a, goRows*d)
		aligned(&s.b, (n+goCols-1)/goCols*goCols*d)
		return
	}
	aligned(&s.b, g.patchesLength(partOf(k)))
}

// PatchesSpace returns how many values ReservePatches makes room for, at most.
func PatchesSpace[T Float](k, n int) int {
	g := setOf[T]()
	if g == nil {
		return size.Product(size.Sum(n, goRows+goCols-1), min(depth, k))
	}
	return g.patchesLength(partOf(max(1, k)))
}

// patchesLength is the space for a panel of k rows, what pieces write too much,
// and a block of C.
func (g *set[T]) patchesLength(k int) int {
	panel := 2 * g.lanes
	return panel*k + panel + maxRows*panel
}

// patches is ProductPatches for rows from to from+k-1 of B.
func (g *set[T]) patches(s *Scratch[T], m, from, k int, a []T, lda int, b *Patches[T], accumulate bool, c []T, ldc int, out []int32) {
	size, panel := SizeOf[T](), 2*g.lanes
	space := aligned(&s.b, g.patchesLength(k))
	packed, block := space[:panel*k+panel], space[panel*k+panel:]
	rows := cutRows(m, g.rows[2])
	add := 0
	if accumulate {
		add = 1
	}
	for j := 0; j < len(b.Cols); j += panel {
		w := min(panel, len(b.Cols)-j)
		vectors := (w + g.lanes - 1) / g.lanes
		row := vectors * g.lanes
		if g.inPlace(m, from, k, b, b.Cols[j:j+w]) && adjacent(out[j:j+w]) {
			g.direct[m](k, &a[0], lda*size, &b.Src[b.Cols[j]], &b.Rows[from], int(b.Cols[j+g.lanes]-b.Cols[j])*size,
				&c[out[j]], ldc*size, add)
			continue
		}
		g.packPatches(s, packed, row, from, k, b, b.Cols[j:j+w])
		to := out[j : j+w]
		mask := g.masks[w]
		if w == row {
			mask = nil
		}
		for r, i := 0, 0; r < rows.blocks; r++ {
			h := rows.of(r)
			f := g.product[vectors-1][h]
			if adjacent(to) {
				f(k, &a[i*lda], lda*size, size, &packed[0], row*size, &c[i*ldc+int(to[0])], ldc*size, mask, 1, add, &packed[0], 0, 1, 0, nil, 0)
			} else {
				if accumulate {
					collect(block, row, h, c[i*ldc:], ldc, to)
				}
				f(k, &a[i*lda], lda*size, size, &packed[0], row*size, &block[0], row*size, nil, 1, add, &packed[0], 0, 1, 0, nil, 0)
				scatter(block, row, h, c[i*ldc:], ldc, to)
			}
			i += h
		}
	}
}

// inPlace reports whether some columns of B are worth reading where they are:
// by few rows of C, as two vectors that each are contiguous, none of them ones.
func (g *set[T]) inPlace(m, from, k int, b *Patches[T], cols []int32) bool {
	return m <= directRows && len(cols) == 2*g.lanes && from+k <= len(b.Rows) &&
		adjacent(cols[:g.lanes]) && adjacent(cols[g.lanes:])
}

// adjacent reports whether the numbers of v, which increase, do so by 1.
func adjacent(v []int32) bool { return int(v[len(v)-1]-v[0]) == len(v)-1 }

// collect copies a block of C from its place, for the kernel to add to. Go code
// must not add: it would keep subnormal sums, which kernels make 0, and so results
// would depend on which columns lie in one panel.
func collect[T Float](block []T, row, h int, c []T, ldc int, out []int32) {
	pieces(out, func(j, n int) {
		for i := range h {
			to, from := block[i*row+j:i*row+len(out)], c[i*ldc:]
			if n > 1 {
				copy(to, from[out[j]:int(out[j])+n])
				continue
			}
			for q, at := range out[j:] {
				to[q] = from[at]
			}
		}
	})
}

// scatter copies it back.
func scatter[T Float](block []T, row, h int, c []T, ldc int, out []int32) {
	pieces(out, func(j, n int) {
		for i := range h {
			from, to := block[i*row+j:i*row+len(out)], c[i*ldc:]
			if n > 1 {
				copy(to[out[j]:], from[:n])
				continue
			}
			for q, at := range out[j:] {
				to[at] = from[q]
			}
		}
	})
}

// pieces calls body for the runs of out, from place j on; where one has a single
// number, the columns of a stride lie apart, and body treats all the rest (n = 1).
func pieces(out []int32, body func(j, n int)) {
	for j := 0; j < len(out); {
		n := run(out[j:])
		body(j, n)
		if n == 1 {
			return
		}
		j += n
	}
}

// run returns how many numbers at the start of v follow each other.
func run(v []int32) int {
	if adjacent(v) {
		return len(v)
	}
	n := 1
	for n < len(v) && v[n] == v[0]+int32(n) {
		n++
	}
	return n
}

// packPatches packs rows from to from+k-1 of some columns of B. Columns up to
// the panel's width hold anything: they reach nothing but columns of C that are
// masked.
func (g *set[T]) packPatches(s *Scratch[T], dst []T, row, from, k int, b *Patches[T], cols []int32) {
	size := SizeOf[T]()
	if rows := b.Rows[from:min(from+k, len(b.Rows))]; len(rows) > 0 {
		longest := 1
		for j := 0; j < len(cols); {
			n := run(cols[j:])
			longest = max(longest, n)
			j += n
		}
		width := 0 // the shortest vector that holds the longest run, or the longest vector
		for width < len(g.gather)-1 && 16<<width < longest*size {
			width++
		}
		step := (16 << width) / size
		// A piece, at most a vector long, is contiguous in Src: its distances in
		// bytes from the start of the row there and in the panel.
		pieces := s.pieces[:0]
		for j := 0; j < len(cols); {
			n := run(cols[j:])
			for x := 0; x < n; x += step {
				pieces = append(pieces, (int(cols[j])+x)*size, (j+x)*size)
			}
			j += n
		}
		g.gather[width](&dst[0], row*size, &b.Src[0], &rows[0], len(rows), &pieces[0], len(pieces)/2)
		k -= len(rows)
		dst = dst[len(rows)*row:]
	}
	if k > 0 { // the row of ones
		for j := range row {
			dst[j] = 1
		}
	}
}

// patchesGo is ProductPatches in Go (see productGo).
func patchesGo[T Float](s *Scratch[T], m int, a []T, lda int, b *Patches[T], accumulate bool, c []T, ldc int, out []int32) {
	n, k := len(b.Cols), b.K()
	for p := 0; p < k; p += depth {
		d := min(depth, k-p)
		packedB := aligned(&s.b, (n+goCols-1)/goCols*goCols*d)
		for j := range (n + goCols - 1) / goCols * goCols {
			to := packedB[j/goCols*goCols*d+j%goCols:]
			for r := range d {
				switch {
				case j >= n:
					to[r*goCols] = 0
				case p+r == len(b.Rows):
					to[r*goCols] = 1
				default:
					to[r*goCols] = b.Src[b.Rows[p+r]+b.Cols[j]]
				}
			}
		}
		packedA := aligned(&s.a, goRows*d)
		for i := 0; i < m; i += goRows {
			h := min(goRows, m-i)
			packGo(packedA, false, d, h, a[i*lda+p:], lda)
			for j := 0; j < n; j += goCols {
				var sum [goRows][goCols]T
				blockGo(&sum, packedA, packedB[j*d:j*d+goCols*d])
				for r := range h {
					for q := range min(goCols, n-j) {
						to := &c[(i+r)*ldc+int(out[j+q])]
						if accumulate {
							*to += sum[r][q]
						} else {
							*to = sum[r][q]
						}
					}
				}
			}
		}
		accumulate = true
	}
}
