package tensor

import (
	"math"

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
	x, y        []T
	partial     []float64 // a sum for each chunk, added up in order

	ta, tb  Transpose
	a, b, c Matrix[T]
	k       int
	scratch []*kernel.Scratch[T] // one for each thread

	axpy, scale, dot, addRow, colSums func(lo, hi int)
	rows, cols                        func(worker, lo, hi int)
}

func argsOf[T Float](p *Pool) *args[T] {
	if p == nil {
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

func (g *args[T]) init() {
	if g.ready {
		return
	}
	g.ready = true
	g.axpy = func(lo, hi int) {
		x, y, alpha := g.x[lo:hi], g.y[lo:hi], g.alpha
		for i, v := range x {
			y[i] += alpha * v
		}
	}
	g.scale = func(lo, hi int) {
		x, alpha := g.x[lo:hi], g.alpha
		for i := range x {
			x[i] *= alpha
		}
	}
	g.dot = func(lo, hi int) {
		x, y := g.x[lo:hi], g.y[lo:hi]
		var s0, s1, s2, s3 float64
		i := 0
		for ; i+4 <= len(x); i += 4 {
			s0 += float64(x[i]) * float64(y[i])
			s1 += float64(x[i+1]) * float64(y[i+1])
			s2 += float64(x[i+2]) * float64(y[i+2])
			s3 += float64(x[i+3]) * float64(y[i+3])
		}
		for ; i < len(x); i++ {
			s0 += float64(x[i]) * float64(y[i])
		}
		g.partial[lo/chunk] = (s0 + s1) + (s2 + s3)
	}
	g.addRow = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := g.a.Row(i)
			for j, v := range g.x {
				row[j] += v
			}
		}
	}
	g.colSums = func(lo, hi int) {
		y := g.y[lo:hi]
		clear(y)
		for i := range g.a.Rows {
			for j, v := range g.a.Row(i)[lo:hi] {
				y[j] += v
			}
		}
	}
	g.rows = func(worker, lo, hi int) { g.block(worker, lo, hi, 0, g.c.Cols) }
	g.cols = func(worker, lo, hi int) { g.block(worker, 0, g.c.Rows, lo, hi) }
}

func sameLength[T Float](x, y []T) {
	if len(x) != len(y) {
		panic("tensor: vectors of different lengths")
	}
}

// Axpy sets y += alpha x.
func Axpy[T Float](p *Pool, alpha T, x, y []T) {
	sameLength(x, y)
	g := argsOf[T](p)
	g.alpha, g.x, g.y = alpha, x, y
	p.For(len(x), chunk, g.axpy)
	g.x, g.y = nil, nil
}

// Scale sets x *= alpha.
func Scale[T Float](p *Pool, alpha T, x []T) {
	g := argsOf[T](p)
	g.alpha, g.x = alpha, x
	p.For(len(x), chunk, g.scale)
	g.x = nil
}

// Dot returns <x, y>, multiplied and added in float64.
func Dot[T Float](p *Pool, x, y []T) float64 {
	sameLength(x, y)
	g := argsOf[T](p)
	chunks := (len(x) + chunk - 1) / chunk
	for len(g.partial) < chunks {
		g.partial = append(g.partial, 0)
	}
	g.x, g.y = x, y
	p.For(len(x), chunk, g.dot)
	g.x, g.y = nil, nil
	var s float64
	for _, v := range g.partial[:chunks] {
		s += v
	}
	return s
}

// Norm2 returns the Euclidean norm of x, computed in float64.
func Norm2[T Float](p *Pool, x []T) float64 { return math.Sqrt(Dot(p, x, x)) }

// AddRow adds the vector x to every row of a.
func AddRow[T Float](p *Pool, x []T, a Matrix[T]) {
	if len(x) != a.Cols {
		panic("tensor: AddRow: the vector has the wrong length")
	}
	g := argsOf[T](p)
	g.x, g.a = x, a
	p.For(a.Rows, max(1, chunk/max(1, a.Cols)), g.addRow)
	g.x, g.a = nil, Matrix[T]{}
}

// ColSums sets y to the sums of the columns of a, added from the first row to
// the last.
func ColSums[T Float](p *Pool, y []T, a Matrix[T]) {
	if len(y) != a.Cols {
		panic("tensor: ColSums: the vector has the wrong length")
	}
	g := argsOf[T](p)
	g.y, g.a = y, a
	p.For(a.Cols, max(16, chunk/max(1, a.Rows)), g.colSums)
	g.y, g.a = nil, Matrix[T]{}
}

// Convert sets dst to src in another precision.
func Convert[D, S Float](dst []D, src []S) {
	if len(dst) != len(src) {
		panic("tensor: Convert: vectors of different lengths")
	}
	for i, v := range src {
		dst[i] = D(v)
	}
}
