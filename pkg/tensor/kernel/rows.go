package kernel

// AddRows adds Σ v_c x_c to y, where row c of x is as long as y and begins at c ldx: the
// rows of a matrix, each times its number.
func AddRows[T Float](y, x []T, ldx int, v []T) {
	if len(v) == 0 || len(y) == 0 {
		return
	}
	if len(x) < (len(v)-1)*ldx+len(y) {
		panic("kernel: AddRows: rows that are longer than their data")
	}
	if k := passesOf[T](); k != nil {
		n, mask := k.cut(len(y))
		k.addRows(&y[0], &x[0], ldx*SizeOf[T](), &v[0], len(v), n, mask)
		return
	}
	for c, a := range v {
		for j, b := range x[c*ldx : c*ldx+len(y)] {
			y[j] += T(a * b)
		}
	}
}

// AddDots adds to u_c the product of row c of x with t, for rows as long as t that begin at
// c ldx: multiplied and added in T, in an order that may depend on c and on how many rows there are.
func AddDots[T Float](u, x []T, ldx int, t []T) {
	if len(u) == 0 || len(t) == 0 {
		return
	}
	if len(x) < (len(u)-1)*ldx+len(t) {
		panic("kernel: AddDots: rows that are longer than their data")
	}
	if k := passesOf[T](); k != nil {
		n, mask := k.cut(len(t))
		k.addDots(&u[0], &x[0], ldx*SizeOf[T](), &t[0], len(u), n, mask)
		return
	}
	for c := range u {
		var sum T
		for j, b := range x[c*ldx : c*ldx+len(t)] {
			sum += T(t[j] * b)
		}
		u[c] += sum
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
