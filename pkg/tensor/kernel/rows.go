package kernel

// AddRows adds Σ v_c x_c to y, where row c of x is as long as y and begins at c ldx: the
// rows of a matrix, each times its number.
func AddRows[T Float](y, x []T, ldx int, v []T) { AddRowsOfEach(1, y, x, ldx, 0, v) }

// AddRowsOfEach is AddRows for m examples: y is m x n and v m x k, without gaps, and row c of example i,
// n numbers, begins at i stepX + c ldx.
func AddRowsOfEach[T Float](m int, y, x []T, ldx, stepX int, v []T) {
	n, k := partsOf("AddRows", m, len(y), len(v), len(x), ldx, stepX)
	if n == 0 || k == 0 {
		return
	}
	if p := passesOf[T](); p != nil {
		whole, mask := p.cut(n)
		size := SizeOf[T]()
		p.addRows(&y[0], &x[0], ldx*size, &v[0], k, whole, mask, m, n*size, stepX*size, k*size)
		return
	}
	for i := range m {
		to := y[i*n : (i+1)*n]
		for c, a := range v[i*k : (i+1)*k] {
			for j, b := range x[i*stepX+c*ldx:][:n] {
				to[j] += T(a * b)
			}
		}
	}
}

// partsOf returns how many numbers each of m examples has of all, which is how long its rows are, and of
// rows, which is how many it has. It panics unless these are the same for all, and the rows are in x.
func partsOf(name string, m, all, rows, x, ldx, stepX int) (n, k int) {
	switch {
	case m < 0 || ldx < 0 || stepX < 0:
		panic("kernel: " + name + ": a negative number of examples, or distance between rows")
	case m == 0 && all+rows > 0 || m > 0 && (all%m != 0 || rows%m != 0):
		panic("kernel: " + name + ": examples with different numbers of elements")
	case m == 0:
		return 0, 0
	}
	n, k = all/m, rows/m
	if n > 0 && k > 0 && x < (m-1)*stepX+(k-1)*ldx+n {
		panic("kernel: " + name + ": rows that are longer than their data")
	}
	return n, k
}

// AddDots adds to u_c the product of row c of x with t, for rows as long as t that begin at
// c ldx: multiplied and added in T, in an order that may depend on c and on how many rows there are.
func AddDots[T Float](u, x []T, ldx int, t []T) { AddDotsOfEach(1, u, x, ldx, 0, t) }

// AddDotsOfEach is AddDots for m examples: u is m x k and t m x n, without gaps, and rows lie as
// in [AddRowsOfEach].
func AddDotsOfEach[T Float](m int, u, x []T, ldx, stepX int, t []T) {
	n, k := partsOf("AddDots", m, len(t), len(u), len(x), ldx, stepX)
	if n == 0 || k == 0 {
		return
	}
	if p := passesOf[T](); p != nil {
		whole, mask := p.cut(n)
		size := SizeOf[T]()
		p.addDots(&u[0], &x[0], ldx*size, &t[0], k, whole, mask, m, k*size, stepX*size, n*size)
		return
	}
	for i := range m {
		from := t[i*n : (i+1)*n]
		for c := range k {
			var sum T
			for j, b := range x[i*stepX+c*ldx:][:n] {
				sum += T(from[j] * b)
			}
			u[i*k+c] += sum
		}
	}
}

// AddProducts adds A x to y, for A of as many rows as y has numbers, as long as x, of which row i begins
// at i lda: multiplied and added in float64, in an order that depends on nothing but the length of x and the
// instruction set.
func AddProducts[T Float](y, a []T, lda int, x []T) {
	if len(y) == 0 || len(x) == 0 {
		return
	}
	if lda < 0 || len(a) < (len(y)-1)*lda+len(x) {
		panic("kernel: AddProducts: rows that are longer than their data")
	}
	if k := passesOf[T](); k != nil {
		group := 2 * k.lanes * SizeOf[T]() / 8 // two vectors of float64
		var mask *byte
		if rest := len(x) % group; rest > 0 {
			mask = k.masks[rest]
		}
		k.matVec(&y[0], &a[0], lda*SizeOf[T](), &x[0], len(y), len(x)/group, mask)
		return
	}
	for i := range y {
		y[i] += T(Dot(a[i*lda:i*lda+len(x)], x))
	}
}

// ScaleRows sets y to x with each row times its v: as many rows as v has numbers, one behind
// the other.
func ScaleRows[T Float](y, x, v []T) {
	same(len(x), y)
	if len(x) == 0 {
		return
	}
	if len(v) == 0 || len(x)%len(v) != 0 {
		panic("kernel: ScaleRows: rows of different lengths")
	}
	width := len(x) / len(v)
	scaleRows(y, width, x, width, width, v)
}

// scaleRows is ScaleRows for rows of so many numbers, which begin ldy and ldx apart: with ldx = 0 all
// rows of x are the same.
func scaleRows[T Float](y []T, ldy int, x []T, ldx, width int, v []T) {
	if k := passesOf[T](); k != nil {
		n, mask := k.cut(width)
		whole, size := n*k.lanes, SizeOf[T]()
		k.scaleRows(&y[0], &x[0], &v[0], len(v), n, mask, (ldy-whole)*size, (ldx-whole)*size)
		return
	}
	for i, a := range v {
		for j, b := range x[i*ldx:][:width] {
			y[i*ldy+j] = a * b
		}
	}
}
