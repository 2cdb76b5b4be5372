//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// permutesBytes says whether the processor looks bytes up in two registers at once.
var permutesBytes = cpu.X86.HasAVX512VBMI

// lookUpBlocks is ByteTable.LookUp for the first so many bytes.
func lookUpBlocks(dst []float32, src, next []uint8, planes *uint8) (done int) {
	n := len(src) / 64
	if n == 0 || active != AVX512 || !permutesBytes {
		return 0
	}
	if len(next) < 64*n {
		next = src
	}
	lookUp512s(&dst[0], &src[0], n, planes, &next[0])
	return 64 * n
}
