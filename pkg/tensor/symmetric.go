package tensor

import (
	"github.com/dualgn/dgn/pkg/size"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// symmetricRows is the number of rows of a symmetric product that are made at a time, with
// the columns up to the diagonal.
const symmetricRows = 256

// AddSymmetric adds A Aᵀ to the lower triangle of C, n x n for A of n rows: half the
// multiply-adds of the product. What it leaves above the diagonal is worthless, see
// [Mirror].
func AddSymmetric[T Float](p *Pool, a, c Matrix[T]) {
	LowerProduct(p, 1, a, a, 1, c)
}

// LowerProduct sets the lower triangle of C, n x n for A and B of n rows, to that of
// alpha A Bᵀ + beta C: half the multiply-adds, where the product is known to be symmetric.
// With beta = 0, C is overwritten whatever it holds. What it leaves above the diagonal is
// worthless, see [Mirror].
func LowerProduct[T Float](p *Pool, alpha T, a, b Matrix[T], beta T, c Matrix[T]) {
	n := a.Rows
	if b.Rows != n || b.Cols != a.Cols || c.Rows != n || c.Cols != n {
		panic("tensor: LowerProduct: the shapes do not fit")
	}
	for lo := 0; lo < n; lo += symmetricRows {
		hi := min(lo+symmetricRows, n)
		gemmPart(p, kernel.Lower, lo, NoTrans, Trans, alpha, a.RowRange(lo, hi), b.RowRange(0, hi), beta, part(c, lo, hi, 0, hi))
	}
}

// AddWeighted is AddSymmetric of A Aᵀ with every element multiplied by a weight: element
// (i k + c, j k + d) by w_ij, for the lower triangle of w, (n/k) x (n/k). The triangle is made in
// blocks of rows, which are weighted while they are in the cache.
func AddWeighted[T Float](p *Pool, a, w, c Matrix[T]) {
	n := a.Rows
	if c.Rows != n || c.Cols != n || w.Rows != w.Cols || w.Rows == 0 && n > 0 || w.Rows > 0 && n%w.Rows != 0 {
		panic("tensor: AddWeighted: the shapes do not fit")
	}
	if n == 0 {
		return
	}
	k := n / w.Rows
	g := argsOf[T](p)
	step := weightedRows(k)
	for lo := 0; lo < n; lo += step {
		hi := min(lo+step, n)
		block := View(hi-lo, hi, grow(&g.symmetric.block, (hi-lo)*hi))
		gemmPart(p, kernel.Lower, lo, NoTrans, Trans, 1, a.RowRange(lo, hi), a.RowRange(0, hi), 0, block)
		s := &g.symmetric
		for len(s.weights) < p.Threads() {
			s.weights = append(s.weights, nil)
		}
		if k > 1 {
			for i := range s.weights {
				grow(&s.weights[i], n)
			}
		}
		s.lo, s.k, s.w, s.c, s.p = lo, k, w, c, block
		p.forOn((hi-lo)/k, max(1, chunk/(k*hi)), g.weigh)
		s.w, s.c, s.p = Matrix[T]{}, Matrix[T]{}, Matrix[T]{}
	}
	g.done(p)
}

// weightedRows is the number of rows that AddWeighted makes at a time: those of whole
// examples, so that a row of weights serves all of an example's rows.
func weightedRows(k int) int { return max(1, symmetricRows/k) * k }

// shortRows is how many numbers a row has at most that is weighted together with others.
const shortRows = 128

// WeightedSpace is the number of values that AddWeighted keeps for one thread, for n rows, k of
// each example.
func WeightedSpace(n, k int) int { return size.Product(n, size.Sum(min(n, weightedRows(k)), 1)) }

// symmetricSpace is the work space of AddWeighted.
type symmetricSpace[T Float] struct {
	block   []T
	weights [][]T // for each thread, a row of weights with each repeated k times

	lo, k   int // of the block that is at work
	w, c, p Matrix[T]
}

// weighRows adds what the block has for some examples to C. Where rows are short, and none of the three
// matrices has gaps, so that the block is all of C, numbers above the diagonal cost less than a call for
// each row; what they become is worthless.
func (s *symmetricSpace[T]) weighRows(worker, lo, hi int) {
	if n := s.p.Cols; s.k == 1 && n <= shortRows && s.w.Stride == n && s.c.Stride == n {
		kernel.MultiplyAdd(s.w.Data[lo*n:hi*n], s.p.Data[lo*n:hi*n], s.c.Data[lo*n:hi*n])
		return
	}
	for e := lo; e < hi; e++ {
		i := s.lo/s.k + e
		row := s.w.Row(i)[:i+1]
		if s.k > 1 {
			all := s.weights[worker][:(i+1)*s.k]
			for j, v := range row {
				for at := j * s.k; at < (j+1)*s.k; at++ {
					all[at] = v
				}
			}
			row = all
		}
		for r := e * s.k; r < (e+1)*s.k; r++ {
			part := s.p.Row(r)[:len(row)]
			kernel.MultiplyAdd(row, part, s.c.Row(s.lo + r)[:len(row)])
		}
	}
}

// Mirror copies the lower triangle of a square matrix to the upper one.
func Mirror[T Float](p *Pool, a Matrix[T]) {
	g := argsOf[T](p)
	g.mirrored(p, a, "Mirror", g.mirror)
}

// MirrorUpper copies the upper triangle of a square matrix to the lower one.
func MirrorUpper[T Float](p *Pool, a Matrix[T]) {
	g := argsOf[T](p)
	g.mirrored(p, a, "MirrorUpper", g.mirrorUpper)
}

// mirrored runs what copies one triangle to the other, a block of rows at a time.
func (g *args[T]) mirrored(p *Pool, a Matrix[T], name string, block func(lo, hi int)) {
	if a.Rows != a.Cols {
		panic("tensor: " + name + ": the matrix is not square")
	}
	a.check()
	g.a = a
	p.For(a.Rows, mirrorRows, block)
	g.a = Matrix[T]{}
	g.done(p)
}

// mirrorRows is the side of the squares that Mirror and MirrorUpper transpose.
const mirrorRows = 64

// mirrorUpperBlock makes what is left of the diagonal in rows lo to hi-1.
func mirrorUpperBlock[T Float](a Matrix[T], lo, hi int) {
	for from := 0; from < lo; from += mirrorRows {
		to := min(from+mirrorRows, lo)
		kernel.Transpose(a.Data[lo*a.Stride+from:], a.Stride, a.Data[from*a.Stride+lo:], a.Stride, to-from, hi-lo)
	}
	for i := lo; i < hi; i++ {
		for j := lo; j < i; j++ {
			a.Data[i*a.Stride+j] = a.Data[j*a.Stride+i]
		}
	}
}

// mirrorBlock copies what is left of rows lo to hi-1 to above the diagonal.
func mirrorBlock[T Float](a Matrix[T], lo, hi int) {
	for from := 0; from < lo; from += mirrorRows {
		to := min(from+mirrorRows, lo)
		kernel.Transpose(a.Data[from*a.Stride+lo:], a.Stride, a.Data[lo*a.Stride+from:], a.Stride, hi-lo, to-from)
	}
	const small = 16 // what lies below squares of so many rows on the diagonal
	for i := lo; i < hi; i += small {
		end := min(i+small, hi)
		if end < hi {
			kernel.Transpose(a.Data[i*a.Stride+end:], a.Stride, a.Data[end*a.Stride+i:], a.Stride, hi-end, end-i)
		}
		for r := i; r < end; r++ {
			for c := i; c < r; c++ {
				a.Data[c*a.Stride+r] = a.Data[r*a.Stride+c]
			}
		}
	}
}

// part returns rows i0 to i1-1 and columns j0 to j1-1 of a matrix.
func part[T Float](a Matrix[T], i0, i1, j0, j1 int) Matrix[T] {
	return Matrix[T]{i1 - i0, j1 - j0, a.Stride, a.Data[i0*a.Stride+j0 : (i1-1)*a.Stride+j1]}
}

// Combine sets y = Aᵀ v, the sum of the rows of A, n x q, each times its v.
func Combine[T Float](p *Pool, a Matrix[T], v, y []T) {
	clear(y)
	AddCombination(p, a, v, y)
}

// AddCombination adds Aᵀ v to y, q numbers, for A of n x q and v of n numbers: a thread takes some
// of the columns, and adds from the first row to the last.
func AddCombination[T Float](p *Pool, a Matrix[T], v, y []T) {
	if len(v) != a.Rows || len(y) != a.Cols {
		panic("tensor: AddCombination: a vector has the wrong length")
	}
	if a.Rows == 0 {
		return
	}
	a.check()
	if p == nil {
		kernel.AddRows(y, a.Data, a.Stride, v)
		return
	}
	g := argsOf[T](p)
	g.a, g.x, g.y = a, v, y
	p.For(a.Cols, combineCols, g.combine)
	g.a, g.x, g.y = Matrix[T]{}, nil, nil
	g.done(p)
}

// combineCols is how many columns a thread takes at a time: 8 KiB of float32 of each row.
const combineCols = 2048

// productRows rows are multiplied together by AddProducts, which threads get multiples of.
const productRows = 4

// AddProducts adds A x to y, n numbers, for A of n x q and x of q numbers, multiplied and added in
// float64: a thread takes some of the rows.
func AddProducts[T Float](p *Pool, a Matrix[T], x, y []T) {
	if len(x) != a.Cols || len(y) != a.Rows {
		panic("tensor: AddProducts: a vector has the wrong length")
	}
	a.check()
	if p == nil {
		kernel.AddProducts(y, a.Data, a.Stride, x)
		return
	}
	g := argsOf[T](p)
	g.a, g.x, g.y = a, x, y
	p.For(a.Rows, productRows*max(1, chunk/productRows/max(1, a.Cols)), g.products)
	g.a, g.x, g.y = Matrix[T]{}, nil, nil
	g.done(p)
}
