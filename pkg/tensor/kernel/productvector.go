package kernel

// finishBytes of C are made and then finished together, in the first-level cache.
const finishBytes = 16 << 10

// ofVectors sets C = op(A) op(B), and finishes it, where A is a column and B a row, or C a row that is a sum of rows of B, and
// reports whether it did: these are passes over C or B, for which a copy of B and blocks of C are a detour. The numbers
// are those of the other kernels, but that a 0 may have another sign.
func (g *set[T]) ofVectors(transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int, finish *Finish[T]) bool {
	switch {
	case k == 1 && (transA || lda == 1) && (!transB || ldb == 1): // the numbers of A, and those of B, lie side by side
		rows := m
		if !finish.none() {
			rows = max(1, finishBytes/(n*SizeOf[T]()))
		}
		for i := 0; i < m; i += rows {
			h := min(rows, m-i)
			scaleRows(c[i*ldc:], ldc, b, 0, n, a[i:i+h])
			if !finish.none() {
				at := finish.At(i, 0)
				at.panel(g, h, n, c[i*ldc:], ldc)
			}
		}
	case m == 1 && k <= depth && (!transA || lda == 1) && !transB: // of more terms, the others add up parts
		clear(c[:n])
		AddRows(c[:n], b, ldb, a[:k])
		if !finish.none() {
			finish.panel(g, m, n, c, ldc)
		}
	default:
		return false
	}
	return true
}
