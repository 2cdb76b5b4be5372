package tensor

import (
	"math"
	"sync"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

// chunk is the number of elements that one thread takes at a time: small
// enough to share, large enough to pay for waking a thread.
const chunk = 1 << 14

// args holds the operands of the kernel that a pool is running, and the loop
// bodies over them: made once for a pool, they keep calls from allocating.
type args[T Float] struct {
	ready bool

	alpha, beta T
	x, y, z     []T
	narrow      []float32
	partial     []float64 // a sum for each chunk, added up in order

	ta, tb  Transpose
	a, b, c Matrix[T]
	k       int
	part    kernel.Triangle // of c that is asked for, from diagonal from on
	from    int
	finish  kernel.Finish[T]
	left    leftSpace[T]
	gated   gatedRun[T]
	ones    []T                  // of sums of rows
	scratch []*kernel.Scratch[T] // one for each thread
	conv    convSpace[T]

	symmetric symmetricSpace[T]
	factor    factorSpace
	solve     solveSpace
	system    systemSpace[T]

	axpy, scale, dot, axpyDot, colSums, band, below, rightOf, scaleSystem, widen, mirror, mirrorUpper, combine, products, copyLeft, open func(lo, hi int)
	rows, cols, ofLeft, weigh, leftSystem, rightSystem, gatedPanels                                                                      func(worker, lo, hi int)
}

// spare32 and spare64 are the args of calls without a pool, each of which would make thirty
// closures otherwise.
var spare32, spare64 sync.Pool

func spareOf[T Float]() *sync.Pool {
	if kernel.SizeOf[T]() == 4 {
		return &spare32
	}
	return &spare64
}

// argsOf returns the args of a pool, or some that nobody else has, which the caller gives back by done.
func argsOf[T Float](p *Pool) *args[T] {
	if p == nil {
		if g, ok := spareOf[T]().Get().(*args[T]); ok {
			return g
		}
		g := &args[T]{}
		g.init()
		return g
	}
	g, ok := any(&p.args32).(*args[T])
	if !ok {
		g = any(&p.args64).(*args[T])
	}
	g.init()
	return g
}

// done gives args that belong to no pool to the next call.
func (g *args[T]) done(p *Pool) {
	if p == nil {
		spareOf[T]().Put(g)
	}
}

func (g *args[T]) init() {
	if g.ready {
		return
	}
	g.ready = true
	g.axpy = func(lo, hi int) { kernel.Axpy(g.alpha, g.x[lo:hi], g.y[lo:hi]) }
	g.scale = func(lo, hi int) { kernel.Scale(g.alpha, g.x[lo:hi]) }
	g.dot = func(lo, hi int) { g.partial[lo/chunk] = kernel.Dot(g.x[lo:hi], g.y[lo:hi]) }
	g.axpyDot = func(lo, hi int) {
		kernel.Axpy(g.alpha, g.x[lo:hi], g.y[lo:hi])
		g.partial[lo/chunk] = kernel.Dot(g.y[lo:hi], g.z[lo:hi])
	}
	g.colSums = func(lo, hi int) {
		clear(g.y[lo:hi])
		kernel.AddRows(g.y[lo:hi], g.a.Data[lo:], g.a.Stride, g.ones[:g.a.Rows])
	}
	g.band = g.factor.right
	g.copyLeft = g.left.Copy
	g.open, g.gatedPanels = g.openGates, g.panelsOfGated
	g.ofLeft = g.columnsOfLeft
	g.below = g.solve.below
	g.rightOf = g.solve.rightOf
	g.mirror = func(lo, hi int) { mirrorBlock(g.a, lo, hi) }
	g.mirrorUpper = func(lo, hi int) { mirrorUpperBlock(g.a, lo, hi) }
	g.combine = func(lo, hi int) { kernel.AddRows(g.y[lo:hi], g.a.Data[lo:], g.a.Stride, g.x) }
	g.products = func(lo, hi int) {
		kernel.AddProducts(g.y[lo:hi], g.a.Data[lo*g.a.Stride:], g.a.Stride, g.x)
	}
	g.widen = func(lo, hi int) { kernel.Widen(any(g.y[lo:hi]).([]float64), g.narrow[lo:hi]) }
	g.scaleSystem = g.system.scale
	g.leftSystem, g.rightSystem = g.multiplyLeft, g.multiplyRight
	g.weigh = g.symmetric.weighRows
	g.rows = func(worker, lo, hi int) { g.block(worker, lo, hi, 0, g.c.Cols) }
	g.cols = func(worker, lo, hi int) { g.block(worker, 0, g.c.Rows, lo, hi) }
}

// reserve makes work space for so many threads.
func (g *args[T]) reserve(threads int) {
	for len(g.scratch) < threads {
		g.scratch = append(g.scratch, &kernel.Scratch[T]{})
	}
}

func sameLength[T Float](x, y []T) {
	if len(x) != len(y) {
		panic("tensor: vectors of different lengths")
	}
}

// Axpy sets y += alpha x.
func Axpy[T Float](p *Pool, alpha T, x, y []T) {
	sameLength(x, y)
	if p == nil {
		kernel.Axpy(alpha, x, y)
		return
	}
	g := argsOf[T](p)
	g.alpha, g.x, g.y = alpha, x, y
	p.For(len(x), chunk, g.axpy)
	g.x, g.y = nil, nil
}

// Scale sets x *= alpha.
func Scale[T Float](p *Pool, alpha T, x []T) {
	if p == nil {
		kernel.Scale(alpha, x)
		return
	}
	g := argsOf[T](p)
	g.alpha, g.x = alpha, x
	p.For(len(x), chunk, g.scale)
	g.x = nil
}

// Dot returns <x, y>, multiplied and added in float64.
func Dot[T Float](p *Pool, x, y []T) float64 {
	sameLength(x, y)
	if p == nil { // the same chunks in the same order
		var s float64
		for lo := 0; lo < len(x); lo += chunk {
			hi := min(lo+chunk, len(x))
			s += kernel.Dot(x[lo:hi], y[lo:hi])
		}
		return s
	}
	g := argsOf[T](p)
	g.x, g.y = x, y
	g.reserveSums(len(x))
	p.For(len(x), chunk, g.dot)
	g.x, g.y = nil, nil
	return g.sum(len(x))
}

// AxpyDot sets y += alpha x and returns <y, z>, with the bits of Axpy and Dot: one pass over y in
// place of two.
func AxpyDot[T Float](p *Pool, alpha T, x, y, z []T) (sum float64) {
	sameLength(x, y)
	sameLength(y, z)
	if p == nil {
		for lo := 0; lo < len(x); lo += chunk {
			hi := min(lo+chunk, len(x))
			kernel.Axpy(alpha, x[lo:hi], y[lo:hi])
			sum += kernel.Dot(y[lo:hi], z[lo:hi])
		}
		return sum
	}
	g := argsOf[T](p)
	g.alpha, g.x, g.y, g.z = alpha, x, y, z
	g.reserveSums(len(x))
	p.For(len(x), chunk, g.axpyDot)
	g.x, g.y, g.z = nil, nil, nil
	return g.sum(len(x))
}

// reserveSums makes room for a sum for each chunk of a vector of n numbers.
func (g *args[T]) reserveSums(n int) {
	for len(g.partial) < chunksOf(n) {
		g.partial = append(g.partial, 0)
	}
}

// sum adds the sums of the chunks up in order.
func (g *args[T]) sum(n int) (s float64) {
	for _, v := range g.partial[:chunksOf(n)] {
		s += v
	}
	return s
}

func chunksOf(n int) int { return (n + chunk - 1) / chunk }

// Norm2 returns the Euclidean norm of x, computed in float64.
func Norm2[T Float](p *Pool, x []T) float64 { return math.Sqrt(Dot(p, x, x)) }

// sumCols columns are the fewest that ColSums adds up at a time, as many as the kernel has in
// registers, and sumValues about how many values.
const (
	sumCols   = 128
	sumValues = 1 << 16
)

// ColSums sets y to the sums of the columns of a, added from the first row to
// the last.
func ColSums[T Float](p *Pool, y []T, a Matrix[T]) {
	if len(y) != a.Cols {
		panic("tensor: ColSums: the vector has the wrong length")
	}
	if a.Rows == 0 {
		clear(y)
		return
	}
	g := argsOf[T](p)
	for len(g.ones) < a.Rows {
		g.ones = append(g.ones, 1)
	}
	g.y, g.a = y, a
	p.For(a.Cols, max(sumCols, sumValues/a.Rows), g.colSums)
	g.y, g.a = nil, Matrix[T]{}
	g.done(p)
}

// Widen sets dst to src in float64.
func Widen(p *Pool, dst []float64, src []float32) {
	if len(dst) != len(src) {
		panic("tensor: Widen: vectors of different lengths")
	}
	g := argsOf[float64](p)
	g.narrow, g.y = src, dst
	p.For(len(src), chunk, g.widen)
	g.narrow, g.y = nil, nil
	g.done(p)
}

// Convert sets dst to src in another precision.
func Convert[D, S Float](dst []D, src []S) {
	if len(dst) != len(src) {
		panic("tensor: Convert: vectors of different lengths")
	}
	if from, ok := any(src).([]float32); ok {
		if to, ok := any(dst).([]float64); ok {
			kernel.Widen(to, from)
			return
		}
	}
	for i, v := range src {
		dst[i] = D(v)
	}
}

// Gemv sets y = A x for a float64 matrix, a thread taking some rows.
func Gemv(p *Pool, a Matrix[float64], x, y []float64) {
	clear(y)
	AddProducts(p, a, x, y)
}
