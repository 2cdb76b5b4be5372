//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// permutesBytes says whether the processor looks bytes up in two registers at once.
var permutesBytes = cpu.X86.HasAVX512VBMI

// lookUpBlocks is ByteTable.LookUp of float32 for the first so many bytes.
func (t *ByteTable[T]) lookUpBlocks(dst []float32, src, next []uint8) (done int) {
	switch {
	case active == AVX512 && permutesBytes:
		n := len(src) / 64
		if n == 0 {
			return 0
		}
		if len(next) < 64*n {
			next = src
		}
		lookUp512s(&dst[0], &src[0], n, &t.planes[0], &next[0])
		return 64 * n
	case active != Go && t.linear:
		n := len(src) / 8
		if n == 0 {
			return 0
		}
		linearBytes256s(&dst[0], &src[0], n, t.slope, t.offset)
		return 8 * n
	}
	return 0
}
