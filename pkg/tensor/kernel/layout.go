package kernel

// Transpose sets dst = srcᵀ for a rows x cols matrix src; ld are row lengths.
func Transpose[T Float](dst []T, ldDst int, src []T, ldSrc, rows, cols int) {
	g := setOf[T]()
	if g == nil || rows < g.lanes || cols < g.lanes {
		for i := range rows {
			transposeRow(dst, ldDst, src, ldSrc, i, cols)
		}
		return
	}
	size, whole := SizeOf[T](), cols/g.lanes
	for i := 0; i < rows; i += g.lanes {
		i = min(i, rows-g.lanes) // the last blocks of rows and columns make some again
		g.transpose(&dst[i], ldDst*size, &src[i*ldSrc], ldSrc*size, whole)
		if whole*g.lanes < cols {
			j := cols - g.lanes
			g.transpose(&dst[j*ldDst+i], ldDst*size, &src[i*ldSrc+j], ldSrc*size, 1)
		}
	}
}

// transposeRow takes row i.
func transposeRow[T Float](dst []T, ldDst int, src []T, ldSrc, i, cols int) {
	at := i
	for _, v := range src[i*ldSrc : i*ldSrc+cols] {
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
		g.copy[1](&dst[j], ldDst*size, &src[j], ldSrc*size, rows, g.masks[min(panel, cols-j)])
	}
}
