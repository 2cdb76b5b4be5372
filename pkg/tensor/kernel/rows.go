package kernel

// AddRows adds Σ v_c x_c to y, where row c of x is as long as y and begins at c ldx: the
// rows of a matrix, each times its number.
func AddRows[T Float](y, x []T, ldx int, v []T) { AddRowsOfEach(1, y, x, ldx, 0, v) }

// AddRowsOfEach is AddRows for m examples: y and v have their parts of y and v, one behind the other,
// and the rows of an example begin stepX behind those of the one before.
func AddRowsOfEach[T Float](m int, y, x []T, ldx, stepX int, v []T) {
	n, k, ok := partsOf(m, len(y), len(v), len(x), ldx, stepX)
	if !ok {
		panic("kernel: AddRows: rows that are longer than their data")
	}
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

// partsOf returns the lengths of the parts of m examples, of which all have so many numbers, and whether
// their rows are in x: as many for each as a part of those has numbers, and as long as the other.
func partsOf(m, all, rows, x, ldx, stepX int) (n, k int, ok bool) {
	if m <= 0 || all == 0 || rows == 0 {
		return 0, 0, true
	}
	n, k = all/m, rows/m
	return n, k, all == m*n && rows == m*k && ldx >= 0 && stepX >= 0 && x >= (m-1)*stepX+(k-1)*ldx+n
}

// AddDots adds to u_c the product of row c of x with t, for rows as long as t that begin at
// c ldx: multiplied and added in T, in an order that may depend on c and on how many rows there are.
func AddDots[T Float](u, x []T, ldx int, t []T) { AddDotsOfEach(1, u, x, ldx, 0, t) }

// AddDotsOfEach is AddDots for m examples, as [AddRowsOfEach] is AddRows.
func AddDotsOfEach[T Float](m int, u, x []T, ldx, stepX int, t []T) {
	n, k, ok := partsOf(m, len(t), len(u), len(x), ldx, stepX)
	if !ok {
		panic("kernel: AddDots: rows that are longer than their data")
	}
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

// AddProducts adds A x to y, whose row i begins at i lda: multiplied and added in float64, in an
// order that depends on the length of x alone.
func AddProducts[T Float](y, a []T, lda int, x []T) {
	if len(y) == 0 || len(x) == 0 {
		return
	}
	if len(a) < (len(y)-1)*lda+len(x) {
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
	if k := passesOf[T](); k != nil {
		n, mask := k.cut(width)
		k.scaleRows(&y[0], &x[0], &v[0], len(v), n, mask, (width-n*k.lanes)*SizeOf[T]())
		return
	}
	for i, a := range v {
		for j, b := range x[i*width : (i+1)*width] {
			y[i*width+j] = a * b
		}
	}
}
