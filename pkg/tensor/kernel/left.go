package kernel

// A Left is op(A) of a product, m x k, or a part of it, as kernels read it: in place through two
// strides, or copied. Several threads may make a copy together, and then columns of C from it.
type Left[T Float] struct {
	m, k   int
	from   []T // A
	lda    int
	transA bool

	space    []T     // of copies
	a        []T     // what kernels read
	row, col int     // the strides of a, where it is not in pieces,
	piece    int     // or the distance of the pieces, each what the kernel for some rows reads, or 0
	pieces   heights // the numbers of these rows
}

// conflict is a distance in bytes at which the rows of A that one kernel reads fall into the same few
// lines of the first-level cache, and displace each other.
const conflict = 2048

// Of so many multiply-adds of float32 on, a transposed A of any stride is copied, for so many vectors of columns, and threads
// make copies together: with fewer, the copy, or another meeting of the threads, takes what it saves.
const (
	copyAdds    = 16_000_000
	copyVectors = 16
)

// large reports whether a product has copyAdds.
func large[T Float](m, n, k int) bool { return m*n*k*SizeOf[T]()/SizeOf[float32]() >= copyAdds }

// CopiesA reports whether a product of this size copies A: cut into blocks of columns, it would do so
// for every block, unless threads share the copy.
func CopiesA[T Float](transA bool, m, n, k, lda int) bool {
	g := setOf[T]()
	return g != nil && k > 0 && g.copies(transA, m, n, k, lda)
}

// copies reports whether A is worth a copy: where its rows displace each other, or where a kernel of few
// rows would take a part of each line of a transposed A, and others look for the rest of it later.
func (g *set[T]) copies(transA bool, m, n, k, lda int) bool {
	if m < maxRows || n < 4*g.lanes {
		return false
	}
	dealt := transA && g.deal != nil && n >= copyVectors*g.lanes && large[T](m, n, k)
	return dealt || lda*SizeOf[T]()%conflict == 0
}

// SharesA reports whether threads make a copy of A together, in the parts of [LeftParts]. It was measured, and is done, where
// kernels make several blocks in a call.
func SharesA[T Float](transA bool, m, n, k, lda int) bool {
	g := setOf[T]()
	return g != nil && g.runs && large[T](m, n, k) && g.copies(transA, m, n, k, lda)
}

// LeftParts returns the parts of a copied op(A) that a product takes one after the other: their rows, and how many terms
// of its sums.
func LeftParts[T Float](m, k int) (rows, steps int) {
	steps = partOf(k)
	return setOf[T]().rowsTogether(true, m, steps), steps
}

// rowsTogether returns how many of m rows of A, of so many numbers, go by for a panel of B.
func (g *set[T]) rowsTogether(copied bool, m, k int) int {
	most := g.mostRows(copied, k)
	if !copied || !g.runs {
		return most
	}
	parts := (m + most - 1) / most // that are equal
	return (m + parts - 1) / parts
}

// mostRows returns how many they are at most.
func (g *set[T]) mostRows(copied bool, k int) int {
	if !copied || !g.runs {
		return height
	}
	return max(height, tallBytes/(k*SizeOf[T]()))
}

// SpreadLength returns a length of rows for k elements that puts them an odd
// number of cache lines apart, so that they do not displace each other.
func SpreadLength[T Float](k int) int {
	line := alignment / SizeOf[T]()
	return ((k+line-1)/line | 1) * line
}

// Begin makes l a part of op(A) that is to be copied, and returns how many pieces the copy has, and how many share lines
// of A, so that one thread makes them best. Kernels of this processor must copy: see [CopiesA].
func (l *Left[T]) Begin(transA bool, m, k int, a []T, lda int) (pieces, unit int) {
	return l.begin(setOf[T](), transA, m, k, a, lda)
}

func (l *Left[T]) begin(g *set[T], transA bool, m, k int, a []T, lda int) (pieces, unit int) {
	l.inPlace(transA, m, k, a, lda)
	l.a = l.reserve(g, transA, m, k)
	if !transA { // to rows that lie an odd number of cache lines apart
		l.row = SpreadLength[T](k)
		return m, maxRows
	}
	// What one kernel reads, k times its rows, is in one piece.
	l.pieces = cutRows(m, g.rows[g.wide])
	l.piece = SpreadLength[T](l.pieces.of(0) * k)
	return l.pieces.blocks, dealtTogether[T]()
}

// inPlace makes l a part of op(A) where it lies.
func (l *Left[T]) inPlace(transA bool, m, k int, a []T, lda int) {
	l.m, l.k, l.from, l.lda, l.transA = m, k, a, lda, transA
	l.a, l.row, l.col, l.piece = a, lda, 1, 0
	if transA {
		l.row, l.col = 1, lda
	}
}

// reserve makes the space for copies of up to m rows of k.
func (l *Left[T]) reserve(g *set[T], transA bool, m, k int) []T {
	if !transA {
		return aligned(&l.space, m*SpreadLength[T](k))
	}
	// Pieces have at most a row more than m over their number, and are spread by less than two lines.
	return aligned(&l.space, m*k+cutRows(m, g.rows[g.wide]).blocks*(k+2*alignment/SizeOf[T]()))
}

// Release forgets A, but not the space of copies.
func (l *Left[T]) Release() { l.from, l.a = nil, nil }

// Copy makes pieces lo to hi-1.
func (l *Left[T]) Copy(lo, hi int) {
	if !l.transA {
		for i := lo; i < hi; i++ {
			copy(l.a[i*l.row:i*l.row+l.k], l.from[i*l.lda:i*l.lda+l.k])
		}
		return
	}
	lo = l.deal(lo, hi)
	if lo == hi {
		return
	}
	const together = 4 // rows of Aᵀ
	for p := 0; p < l.k; p += together {
		more := min(together, l.k-p)
		i := l.pieces.start(lo)
		for r := lo; r < hi; r++ {
			h := l.pieces.of(r)
			to := l.a[r*l.piece+p*h:][:more*h]
			for q := range more {
				copy(to[q*h:q*h+h], l.from[(p+q)*l.lda+i:])
			}
			i += h
		}
	}
}

// dealtRows are those of a piece that the kernel deal makes.
const dealtRows = 4

// dealtTogether is how many pieces share a line of Aᵀ, if rows begin at one.
func dealtTogether[T Float]() int { return alignment / (dealtRows * SizeOf[T]()) }

// deal makes pieces from lo on, as many together as share a line, and returns which is the first that it leaves: those
// of fewer rows are last.
func (l *Left[T]) deal(lo, hi int) (left int) {
	g, size, together := setOf[T](), SizeOf[T](), dealtTogether[T]()
	for g.deal != nil && lo+together <= hi && l.pieces.of(lo+together-1) == dealtRows {
		g.deal(&l.a[lo*l.piece], l.piece*size, &l.from[lo*dealtRows], l.lda*size, l.k)
		lo += together
	}
	return lo
}

// block returns where the kernel for block r of h rows, from row i on, finds them: the first number, and the strides of rows and of
// the columns of op(A), and of blocks of that height.
func (l *Left[T]) block(r, i, h int) (first *T, row, col, step int) {
	if l.piece > 0 {
		return &l.a[r*l.piece], l.row, h, l.piece
	}
	return &l.a[i*l.row], l.row, l.col, h * l.row
}
