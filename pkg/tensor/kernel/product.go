package kernel

// Scratch is the work space of products on one thread. It grows to what the
// largest product needs.
type Scratch[T Float] struct {
	a, b   []T // of Go's kernels, and panels of B
	left   Left[T]
	end    ending[T]   // of the block that is being made
	pieces [4 * 16]int // of a panel of patches, two numbers for a column at most
}

// Blocking, in elements: height rows of A and a panel of B, both depth long, stay in the
// second-level cache while the rows go by. The longer depth is, the less often C is read and
// written; the larger height is, the less often B is packed. Where kernels make several blocks in a call, copied rows of A,
// which are read in order, may come from the third level, up to tallBytes of them: that is 1.01 to 1.06 times as fast for float32 and
// products of 512 to 1024.
const (
	depth     = 800
	height    = 28 * maxRows
	tallBytes = 2 << 20
)

// Product sets C = alpha op(A) op(B) + beta C on the calling thread, where
// op(A) is m x k, op(B) k x n and C m x n, row-major with row lengths lda, ldb,
// ldc. With beta = 0, C is overwritten whatever it holds; with alpha = 0, A and
// B are not looked at. The slices must hold the matrices.
//
// An element of C is added up in an order that depends on k alone, so that a
// product may be cut into blocks of C without changing a bit. Assembly takes
// subnormal numbers for 0.
func Product[T Float](s *Scratch[T], transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	ProductPart(s, Whole, 0, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, Finish[T]{})
}

// A Triangle is the part of C that is asked of a product.
type Triangle int

const (
	Whole Triangle = iota
	Lower          // elements (i, j) with j <= i + d
	Upper          // elements (i, j) with j >= i + d
)

// rows returns which of m rows have elements of the part in columns j to j+w-1.
func (t Triangle) rows(d, m, j, w int) (from, to int) {
	switch t {
	case Lower:
		return min(m, max(0, j-d)), m
	case Upper:
		return 0, max(0, min(m, j+w-d))
	}
	return 0, m
}

// ProductPart is Product of which a part alone is asked for. Elements around it may be made
// too, or not: what they hold then is worthless. Complete elements are finished.
func ProductPart[T Float](s *Scratch[T], part Triangle, d int, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int, finish Finish[T]) {
	if m == 0 || n == 0 {
		return
	}
	accumulate := beginSums(m, n, beta, c, ldc)
	if k == 0 || alpha == 0 {
		if beta == 0 {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		finish.Apply(m, n, c, ldc)
		return
	}
	g := setOf[T]()
	if g == nil {
		productGo(s, transA, transB, m, n, k, alpha, a, lda, b, ldb, accumulate, c, ldc)
		finish.Apply(m, n, c, ldc)
		return
	}
	if part == Whole && alpha == 1 && accumulate == 0 && g.ofVectors(transA, transB, m, n, k, a, lda, b, ldb, c, ldc, &finish) {
		return
	}
	copied, steps := g.copies(transA, m, n, k, lda), partOf(k)
	rows := g.rowsTogether(copied, m, steps)
	for p := 0; p < k; p += steps {
		for i := 0; i < m; i += rows {
			var last Finish[T]
			if p+steps >= k {
				last = finish.At(i, 0)
			}
			h, w, from := min(rows, m-i), min(steps, k-p), a[at(transA, i, p, lda):]
			if copied && h >= maxRows {
				pieces, _ := s.left.begin(g, transA, h, w, from, lda)
				s.left.Copy(0, pieces)
			} else {
				s.left.inPlace(transA, h, w, from, lda)
			}
			g.block(s, &s.left, part, d+i, transB, n, alpha, b[at(transB, p, 0, ldb):], ldb, accumulate, c[i*ldc:], ldc, &last)
		}
		accumulate = 1
	}
	s.left.Release()
}

// ProductLeft is ProductPart of a part of op(A) that is copied.
func ProductLeft[T Float](s *Scratch[T], l *Left[T], part Triangle, d int, transB bool, n int, alpha T, b []T, ldb int, beta T, c []T, ldc int, finish Finish[T]) {
	setOf[T]().block(s, l, part, d, transB, n, alpha, b, ldb, beginSums(l.m, n, beta, c, ldc), c, ldc, &finish)
}

// beginSums multiplies C by beta, if that is not 0 or 1, and returns whether kernels add to it, 1, or overwrite it, 0.
func beginSums[T Float](m, n int, beta T, c []T, ldc int) (accumulate int) {
	switch beta {
	case 0:
		return 0
	case 1:
		return 1
	}
	for i := range m {
		for j, v := range c[i*ldc : i*ldc+n] {
			c[i*ldc+j] = beta * v
		}
	}
	return 1
}

// PartOf is how many of its k terms a sum adds up before it is added to C.
func PartOf(k int) int { return partOf(k) }

// partOf cuts k into equal parts of at most depth.
func partOf(k int) int {
	parts := (k + depth - 1) / depth
	return (k + parts - 1) / parts
}

// Reserve makes the space that products of at most m rows and n columns need
// with A's row length lda, so that Product allocates nothing.
func (s *Scratch[T]) Reserve(transA bool, m, n, k, lda int) {
	if m == 0 || n == 0 || k == 0 {
		return
	}
	g := setOf[T]()
	if g == nil {
		d := min(depth, k)
		aligned(&s.a, goRows*d)
		aligned(&s.b, (n+goCols-1)/goCols*goCols*d)
		return
	}
	steps := partOf(k)
	s.reservePanel(g, steps)
	if g.copies(transA, m, n, k, lda) {
		s.left.reserve(g, transA, min(m, g.mostRows(true, steps)), steps) // fewer than m may go by in larger parts
	}
}

// ReservePanel makes the space that ProductLeft needs for sums of k terms.
func (s *Scratch[T]) ReservePanel(k int) { s.reservePanel(setOf[T](), partOf(k)) }

func (s *Scratch[T]) reservePanel(g *set[T], k int) []T { return aligned(&s.b, g.wide*g.lanes*k) }

// at is the offset of element (i, j) of op(A).
func at(trans bool, i, j, ld int) int {
	if trans {
		return j*ld + i
	}
	return i*ld + j
}

// block is Product of an op(A) whose m and k fit the caches.
func (g *set[T]) block(s *Scratch[T], l *Left[T], part Triangle, d int, transB bool, n int, alpha T, b []T, ldb int, accumulate int, c []T, ldc int, finish *Finish[T]) {
	m, k, size := l.m, l.k, SizeOf[T]()
	inside := g.runs && !finish.none()
	fetching := !transB && k*n*size >= farBytes
	packed := s.reservePanel(g, k)
	for j, w := 0, 0; j < n; j += w {
		vectors := g.panel(n - j)
		w = min(vectors*g.lanes, n-j)
		rows := cutRows(m, g.rows[vectors])
		if l.piece > 0 {
			rows = l.pieces
		}
		begin, end := part.rows(d, m, j, w)
		if begin >= end {
			continue
		}
		from, row := &packed[0], vectors*g.lanes
		if m <= min(maxRows, 2*g.rows[g.wide]) && !transB && w == g.wide*g.lanes {
			from, row = &b[j], ldb // used once or so: not worth a copy
		} else {
			g.pack(packed, row, transB, k, w, b[at(transB, 0, j, ldb):], ldb)
		}
		mask := g.masks[w]
		if w == vectors*g.lanes {
			mask = nil
		}
		for r, i := 0, 0; r < rows.blocks; {
			h, count := rows.of(r), 1
			if i+h <= begin || i >= end {
				r, i = r+1, i+h
				continue
			}
			first, rowA, col, step := l.block(r, i, h)
			if g.runs { // blocks of one height
				for count < rows.blocks-r && rows.of(r+count) == h && i+count*h < end {
					count++
				}
			}
			var ending *byte
			if inside {
				count, ending = s.end.of(finish, i, j, h, count)
			}
			next, rowNext, rowsNext := from, 0, 0
			if !g.runs {
				next, rowNext = g.ahead(r, j+w, n, transB, from, b, ldb, c, ldc)
			} else if each := (k + rows.blocks - 1) / rows.blocks; fetching && j+w < n && r*each < k {
				next, rowNext, rowsNext = &b[r*each*ldb+j+w], ldb*size, each
			}
			g.product[vectors-1][h](k, first, rowA*size, col*size, from, row*size, &c[i*ldc+j], ldc*size, mask, alpha, accumulate,
				next, rowNext, count, step*size, ending, rowsNext)
			if inside && ending == nil {
				at := finish.At(i, j)
				at.panel(g, count*h, w, c[i*ldc+j:], ldc)
			}
			r, i = r+count, i+count*h
		}
		if !inside && !finish.none() {
			at := finish.At(0, j)
			at.panel(g, m, w, c[j:], ldc)
		}
	}
	s.end = ending[T]{}
}

// farBytes is the size of a B, in bytes, from which on its panels are fetched before they are packed.
const farBytes = 256 << 10

// panel returns how many vectors the next panel of B has where n columns are left. One vector
// alone takes nearly as long as two.
func (g *set[T]) panel(n int) int {
	left := (n + g.lanes - 1) / g.lanes
	if left == g.wide+1 {
		return max(2, left-2)
	}
	return min(left, g.wide)
}

// PanelUnit is the number of columns at whose multiples a product is cut best, those of a cache line, or 0 where panels of B
// are not of different worth.
func PanelUnit[T Float]() int {
	if g := setOf[T](); g != nil && g.wide > 2 {
		return alignment / SizeOf[T]()
	}
	return 0
}

// PanelWork returns how long w columns take, in vectors of the widest panels, or in columns where that makes no difference. In
// panels of two vectors each takes 1.1 times as long: there are fewer multiply-adds for each number of B.
func PanelWork[T Float](w int) (work float64) {
	const narrow, alone = 1.1, 1.9
	if PanelUnit[T]() == 0 {
		return float64(w)
	}
	g := setOf[T]()
	for w > 0 {
		vectors := g.panel(w)
		switch vectors {
		case g.wide:
			work += float64(vectors)
		case 1:
			work += alone
		default:
			work += narrow * float64(vectors)
		}
		w -= vectors * g.lanes
	}
	return work
}

// ahead returns what the kernel of the r-th rows of panel j fetches while it multiplies, a line
// for each step of k: of the next panel, which begins at column j, the vectors of B, where they are rows in memory, and
// those of C. Rows of a large matrix lie in different pages, where processors do not look
// ahead by themselves. A kernel with nothing to fetch is given from.
func (g *set[T]) ahead(r, j, n int, transB bool, from *T, b []T, ldb int, c []T, ldc int) (next *T, rowNext int) {
	to := j + r%2*alignment/SizeOf[T]()
	switch {
	case to >= n:
	case r < 2 && !transB:
		return &b[to], ldb * SizeOf[T]()
	case 2 <= r && r < 4:
		return &c[to], ldc * SizeOf[T]()
	}
	return from, 0
}
