package kernel

// ofVectors sets C = op(A) op(B) where A is a column and B a row, or C a row that is a sum of rows of B, and reports
// whether it did: these are passes over C or B, for which a copy of B and blocks of C are a detour. The numbers
// are those of the other kernels.
func ofVectors[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int) bool {
	switch {
	case k == 1 && (transA || lda == 1) && (!transB || ldb == 1): // the numbers of A, and those of B, lie side by side
		scaleRows(c, ldc, b, 0, n, a[:m])
	case m == 1 && k <= depth && (!transA || lda == 1) && !transB:
		clear(c[:n])
		AddRows(c[:n], b, ldb, a[:k])
	default:
		return false
	}
	return true
}
