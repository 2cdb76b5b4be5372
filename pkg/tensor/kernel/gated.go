package kernel

import (
	"math"
	"math/bits"
)

// Gated is a product whose terms are chosen for each example by a gate: for A, k x h, B, h x n, and gates z, m x h,
//
//	C_i = A D_i B,  D_i diagonal, with 0 where z_ij is 0 or below, and 1 elsewhere (a NaN in z lets its term pass)
//
// With D_i for the derivative of max(0, z), and A for the weights of the layer above, these are signals of k outputs on their
// way back. Terms that are 0 are left out: other products cannot do that, whose rows share no zeros, and here k rows do.
type Gated[T Float] struct {
	k, h int
	a    []T // packed in parts of h, and in these in heights of rows: a vector for each column
	rows heights
	part int      // terms of a part, but for the last
	open []uint32 // of each example, for each part, the number of terms and the terms, as kernels want them
}

// gatedPart is the largest number of terms of a part: those of A and of a panel of B stay in the first-level cache.
const gatedPart = 256

// GatedParts returns how many parts h terms are cut into.
func GatedParts(h int) int { return (h + gatedPart - 1) / gatedPart }

// Begin takes A, k x h and not empty, with rows lda apart, for m examples. Their gates are read next.
func (g *Gated[T]) Begin(m, k, h int, a []T, lda int) {
	g.k, g.h = k, h
	parts := GatedParts(h)
	g.part = (h + parts - 1) / parts
	if need := m * (h + parts); cap(g.open) < need {
		g.open = make([]uint32, need)
	}
	set := setOf[T]()
	if set == nil {
		to := aligned(&g.a, k*h)
		for i := range k {
			copy(to[i*h:(i+1)*h], a[i*lda:])
		}
		return
	}
	g.rows = cutRows(k, len(set.gated)-1)
	packed := aligned(&g.a, g.rows.blocks*h*set.lanes)
	for p := 0; p < h; p += g.part {
		terms := min(g.part, h-p)
		for r := range g.rows.blocks {
			set.pack(packed[g.offset(set, p, terms, r):], set.lanes, true, terms, g.rows.of(r), a[g.rows.start(r)*lda+p:], lda)
		}
	}
}

// offset is where rows r of the part of so many terms from p on are in a.
func (g *Gated[T]) offset(set *set[T], p, terms, r int) int {
	return (p*g.rows.blocks + r*terms) * set.lanes
}

// slot is how many numbers an example has in open, and begin where in these the part from term p on begins.
func (g *Gated[T]) slot() int       { return g.h + (g.h+g.part-1)/g.part }
func (g *Gated[T]) begin(p int) int { return p + p/g.part }

// Open reads the gate z of an example.
func (g *Gated[T]) Open(example int, z []T) {
	unit := uint32(1)
	if set := setOf[T](); set != nil { // of four bytes, from one column of A to the next
		unit = uint32(set.lanes * SizeOf[T]() / 4)
	}
	slot := g.open[example*g.slot():]
	for p := 0; p < g.h; p += g.part {
		terms := min(g.part, g.h-p)
		list := slot[g.begin(p):][:1+terms]
		list[0] = listOpen(list[1:], z[p:p+terms], unit)
	}
}

// listOpen lists the places of open gates, in units, and returns how many there are. It has no branch, which would be
// taken every other time: a number is open if, as bits, it is between 0 and -0, or behind -Inf.
func listOpen[T Float](list []uint32, z []T, unit uint32) (n uint32) {
	const minusZero, minusInf = 1 << 63, 0xfff << 52
	at := uint32(0)
	for _, v := range z {
		list[n] = at
		x := math.Float64bits(float64(v))
		_, above := bits.Sub64(x-1, minusZero-1, 0)
		_, nan := bits.Sub64(minusInf, x, 0)
		n += uint32(above | nan)
		at += unit
	}
	return n
}

// Panels is how many panels n columns of B are cut into.
func (g *Gated[T]) Panels(n int) int {
	w := g.width()
	return (n + w - 1) / w
}

// width is the number of columns of a panel.
func (g *Gated[T]) width() int {
	if set := setOf[T](); set != nil {
		return 2 * set.lanes
	}
	return 16
}

// Reserve makes the space that Panel needs.
func (g *Gated[T]) Reserve(s *Scratch[T]) {
	if set := setOf[T](); set != nil {
		g.panel(s, set)
	}
}

func (g *Gated[T]) panel(s *Scratch[T], set *set[T]) []T { return aligned(&s.b, g.part*2*set.lanes) }

// Panel makes a panel of C for examples lo to hi-1: row c of example i, n numbers, begins at c rowC + i stepC. Elements become 0
// where the gate of the example is 0 or below, if there is one, with rows ldGate apart.
func (g *Gated[T]) Panel(s *Scratch[T], panel, lo, hi, n int, b []T, ldb int, gate []T, ldGate int, c []T, rowC, stepC int) {
	j := panel * g.width()
	w, set := min(g.width(), n-j), setOf[T]()
	if set == nil {
		for i := lo; i < hi; i++ {
			g.example(i, j, w, b, ldb, gate, ldGate, c, rowC, stepC)
		}
		return
	}
	size, packed := SizeOf[T](), g.panel(s, set)
	var mask *byte
	if w < 2*set.lanes {
		mask = set.masks[w]
	}
	accumulate := 0
	for p := 0; p < g.h; p += g.part {
		terms := min(g.part, g.h-p)
		set.pack(packed, 2*set.lanes, false, terms, w, b[p*ldb+j:], ldb)
		var last *T
		if p+terms == g.h && gate != nil {
			last = &gate[lo*ldGate+j]
		}
		for r := range g.rows.blocks {
			set.gated[g.rows.of(r)](&g.a[g.offset(set, p, terms, r)], &packed[0], &g.open[lo*g.slot()+g.begin(p)], 4*g.slot(),
				&c[g.rows.start(r)*rowC+lo*stepC+j], rowC*size, stepC*size, mask, accumulate, last, ldGate*size, hi-lo)
		}
		accumulate = 1
	}
}

// example is Panel of one example, in Go.
func (g *Gated[T]) example(i, j, w int, b []T, ldb int, gate []T, ldGate int, c []T, rowC, stepC int) {
	for r := range g.k {
		row := c[r*rowC+i*stepC+j:][:w]
		clear(row)
		for p := 0; p < g.h; p += g.part {
			open := g.open[i*g.slot()+g.begin(p):]
			for _, q := range open[1 : 1+open[0]] {
				a := g.a[r*g.h+p+int(q)]
				for x, v := range b[(p+int(q))*ldb+j:][:w] {
					row[x] += T(a * v)
				}
			}
		}
		if gate == nil {
			continue
		}
		for x, v := range gate[i*ldGate+j:][:w] {
			if v <= 0 {
				row[x] = 0
			}
		}
	}
}
