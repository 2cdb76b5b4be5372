package kernel

// Transpose sets dst = srcᵀ for a rows x cols matrix src; ld are row lengths.
func Transpose[T Float](dst []T, ldDst int, src []T, ldSrc, rows, cols int) {
	done := 0 // rows
	if g := setOf[T](); g != nil {
		size := SizeOf[T]()
		whole := cols / g.lanes * g.lanes
		for ; whole > 0 && done+g.lanes <= rows; done += g.lanes {
			g.transpose(&dst[done], ldDst*size, &src[done*ldSrc], ldSrc*size, whole/g.lanes)
			for i := done; i < done+g.lanes; i++ {
				transposeRow(dst, ldDst, src, ldSrc, i, whole, cols)
			}
		}
	}
	for i := done; i < rows; i++ {
		transposeRow(dst, ldDst, src, ldSrc, i, 0, cols)
	}
}

// transposeRow takes columns lo to hi-1 of row i.
func transposeRow[T Float](dst []T, ldDst int, src []T, ldSrc, i, lo, hi int) {
	if lo == hi {
		return
	}
	at := lo*ldDst + i
	for _, v := range src[i*ldSrc+lo : i*ldSrc+hi] {
		dst[at] = v
		at += ldDst
	}
}

// CopyRows copies a rows x cols matrix; ld are row lengths. What follows a row of
// dst, up to Slack numbers, may become 0 before the next row is copied.
func CopyRows[T Float](dst []T, ldDst int, src []T, ldSrc, rows, cols int) {
	g := setOf[T]()
	if g == nil {
		for i := range rows {
			copy(dst[i*ldDst:i*ldDst+cols], src[i*ldSrc:])
		}
		return
	}
	size, panel := SizeOf[T](), 2*g.lanes
	// Only the last panel writes zeros, so it goes first.
	for j := (cols - 1) / panel * panel; j >= 0; j -= panel {
		g.copy(&dst[j], ldDst*size, &src[j], ldSrc*size, rows, g.masks[min(panel, cols-j)])
	}
}
