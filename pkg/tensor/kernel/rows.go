package kernel

// CombineRows sets y = Σ v_c x_c, where row c of x is as long as y and begins at c ldx: the
// rows of a matrix, each times its number.
func CombineRows[T Float](y, x []T, ldx int, v []T) {
	if len(v) > 0 && len(x) < (len(v)-1)*ldx+len(y) {
		panic("kernel: CombineRows: rows that are longer than their data")
	}
	done := 0
	if k := passesOf[T](); k != nil && len(v) > 0 {
		if n := len(y) / (4 * k.lanes); n > 0 {
			k.combineRows(&y[0], &x[0], ldx*sizeOf[T](), &v[0], len(v), n)
			done = 4 * k.lanes * n
		}
	}
	rest := y[done:]
	clear(rest)
	for c, a := range v {
		for j, b := range x[c*ldx+done : c*ldx+len(y)] {
			rest[j] += T(a * b)
		}
	}
}

// AddDots adds to u_c the product of row c of x with t, for rows as long as t that begin at
// c ldx: multiplied and added in T.
func AddDots[T Float](u, x []T, ldx int, t []T) {
	if len(u) > 0 && len(x) < (len(u)-1)*ldx+len(t) {
		panic("kernel: AddDots: rows that are longer than their data")
	}
	done := 0
	if k := passesOf[T](); k != nil && len(u) > 0 {
		if n := len(t) / (4 * k.lanes); n > 0 {
			k.addDots(&u[0], &x[0], ldx*sizeOf[T](), &t[0], len(u), n)
			done = 4 * k.lanes * n
		}
	}
	if done == len(t) {
		return
	}
	rest := t[done:]
	for c := range u {
		var sum T
		for j, b := range x[c*ldx+done : c*ldx+len(t)] {
			sum += T(rest[j] * b)
		}
		u[c] += sum
	}
}
