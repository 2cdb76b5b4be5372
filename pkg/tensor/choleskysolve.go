package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// CholeskySolve takes rows of U in bands, which threads share right of the square on the
// diagonal, and in the square in blocks, whose triangles are left to plain loops.
const (
	solveBand  = 64
	solveBlock = 8
	solveCols  = 512       // of a band that one thread takes at a time
	solveChunk = 2 * chunk // numbers of U in the rows that one thread takes at a time
)

// CholeskySolve replaces x by the solution of Uᵀ U y = x, with the upper
// triangle that Cholesky left, which it reads twice.
func CholeskySolve(p *Pool, u Matrix[float64], x []float64) {
	n := len(x)
	if n != u.Rows || n != u.Cols {
		panic("tensor: CholeskySolve: the vector has the wrong length")
	}
	u.check()
	if n < plainRows {
		solvePlain(u, x)
		return
	}
	g := argsOf[float64](p)
	s := &g.solve
	s.u, s.x = u, x
	// Uᵀ y = x, with -x in what is not solved yet, so that all it does is add.
	kernel.Scale(-1, x)
	for s.lo = 0; s.lo < n; s.lo = s.hi {
		s.hi = min(s.lo+solveBand, n)
		s.forward()
		p.For(n-s.hi, solveCols, g.below)
	}
	// U x = y.
	for s.hi = n; s.hi > 0; s.hi = s.lo {
		s.lo = (s.hi - 1) / solveBand * solveBand
		kernel.Scale(-1, x[s.lo:s.hi])
		if s.hi < n {
			p.For(s.hi-s.lo, max(solveBlock, solveChunk/(n-s.hi)), g.rightOf)
		}
		s.back()
	}
	s.u, s.x = Matrix[float64]{}, nil
	g.done(p)
}

// solveSpace is what the loops of CholeskySolve work on.
type solveSpace struct {
	u      Matrix[float64]
	x      []float64
	lo, hi int // the rows of the band
}

// below adds to -x what the band's unknowns have in columns first to last-1 behind it.
func (s *solveSpace) below(first, last int) { s.addRows(s.lo, s.hi, s.hi+first, s.hi+last) }

// rightOf adds to some of the band's -y what the unknowns behind it have in their rows.
func (s *solveSpace) rightOf(first, last int) { s.addDots(s.lo+first, s.lo+last, s.hi, len(s.x)) }

func (s *solveSpace) addRows(lo, hi, from, to int) {
	kernel.AddRows(s.x[from:to], s.u.Data[lo*s.u.Stride+from:], s.u.Stride, s.x[lo:hi])
}

func (s *solveSpace) addDots(lo, hi, from, to int) {
	kernel.AddDots(s.x[lo:hi], s.u.Data[lo*s.u.Stride+from:], s.u.Stride, s.x[from:to])
}

// forward solves for the unknowns of the band in Uᵀ y = x.
func (s *solveSpace) forward() {
	for at := s.lo; at < s.hi; at += solveBlock {
		end := min(at+solveBlock, s.hi)
		for i := at; i < end; i++ {
			row := s.u.Row(i)[:end]
			s.x[i] = -s.x[i] / row[i]
			for j := i + 1; j < end; j++ {
				s.x[j] += float64(s.x[i] * row[j])
			}
		}
		if end < s.hi {
			s.addRows(at, end, end, s.hi)
		}
	}
}

// back does so in U x = y.
func (s *solveSpace) back() {
	for at := s.lo + (s.hi-s.lo-1)/solveBlock*solveBlock; at >= s.lo; at -= solveBlock {
		end := min(at+solveBlock, s.hi)
		if end < s.hi {
			s.addDots(at, end, end, s.hi)
		}
		for i := end - 1; i >= at; i-- {
			row, v := s.u.Row(i)[:end], s.x[i]
			for j := i + 1; j < end; j++ {
				v += float64(s.x[j] * row[j])
			}
			s.x[i] = -v / row[i]
		}
	}
}

// solvePlain is CholeskySolve by plain loops.
func solvePlain(u Matrix[float64], x []float64) {
	for i := range x {
		row := u.Row(i)
		x[i] /= row[i]
		for j := i + 1; j < len(x) && j < len(row); j++ {
			x[j] -= float64(x[i] * row[j])
		}
	}
	for i := len(x) - 1; i >= 0; i-- {
		row := u.Row(i)
		v := x[i]
		for j := i + 1; j < len(x) && j < len(row); j++ {
			v -= float64(x[j] * row[j])
		}
		x[i] = v / row[i]
	}
}
