package kernel

// The block of C that the Go kernel holds in registers.
const (
	goRows = 4
	goCols = 4
)

// productGo is Product in Go. Blocks of A and B are packed with zeros around, so
// that one loop makes every block of C: an element has the same bits wherever it
// lies. Conversions keep compilers from fusing multiply and add, so that all
// processors agree.
func productGo[T Float](s *Scratch[T], transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, accumulate int, c []T, ldc int) {
	for p := 0; p < k; p += depth {
		d := min(depth, k-p)
		packedB := aligned(&s.b, (n+goCols-1)/goCols*goCols*d)
		for j := 0; j < n; j += goCols {
			packGo(packedB[j*d:], !transB, d, min(goCols, n-j), b[at(transB, p, j, ldb):], ldb)
		}
		packedA := aligned(&s.a, goRows*d)
		for i := 0; i < m; i += goRows {
			h := min(goRows, m-i)
			packGo(packedA, transA, d, h, a[at(transA, i, p, lda):], lda)
			for j := 0; j < n; j += goCols {
				var sum [goRows][goCols]T
				blockGo(&sum, packedA[:goRows*d], packedB[j*d:j*d+goCols*d])
				for r := range h {
					row := c[(i+r)*ldc+j:]
					for q := range min(goCols, n-j) {
						v := T(alpha * sum[r][q])
						if accumulate != 0 {
							v += row[q]
						}
						row[q] = v
					}
				}
			}
		}
		accumulate = 1
	}
}

// packGo packs w of four rows of op(A), or columns of op(B): four numbers for
// each of d steps of k. The next step is ld away if the matrix has k as rows,
// else next to it.
func packGo[T Float](dst []T, kRows bool, d, w int, src []T, ld int) {
	step, next := 1, ld
	if kRows {
		step, next = ld, 1
	}
	for q := range 4 {
		if q >= w {
			for p := range d {
				dst[4*p+q] = 0
			}
			continue
		}
		from := q * next
		for p := range d {
			dst[4*p+q] = src[from+p*step]
		}
	}
}

// blockGo adds up four rows by four columns. Two rows at a time are as many sums
// as registers hold.
func blockGo[T Float](sum *[goRows][goCols]T, a, b []T) {
	for r := 0; r < goRows; r += 2 {
		var s00, s01, s02, s03, s10, s11, s12, s13 T
		for p := 0; p+4 <= len(b) && p+4 <= len(a); p += 4 {
			a0, a1 := a[p+r], a[p+r+1]
			b := b[p : p+4]
			b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
			s00 += T(a0 * b0)
			s01 += T(a0 * b1)
			s02 += T(a0 * b2)
			s03 += T(a0 * b3)
			s10 += T(a1 * b0)
			s11 += T(a1 * b1)
			s12 += T(a1 * b2)
			s13 += T(a1 * b3)
		}
		sum[r] = [goCols]T{s00, s01, s02, s03}
		sum[r+1] = [goCols]T{s10, s11, s12, s13}
	}
}
