package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// deal writes the packing of a transposed A for product kernels of four rows in AVX2: each line of a
// row of Aᵀ holds the next step of k of several pieces.
func deal(f64 bool) {
	const line = 64
	suffix, typ, size := element(f64)
	step := 4 * size
	function(fmt.Sprintf("deal256%s", suffix), fmt.Sprintf("func(dst *%[1]s, piece int, src *%[1]s, rowSrc, n int)", typ),
		"copies the first %d bytes of n rows, which are rowSrc bytes apart, %d at a time to pieces that begin piece bytes apart.", line, step)
	Load(Param("dst"), RDI)
	Load(Param("piece"), R8)
	Load(Param("src"), RSI)
	Load(Param("rowSrc"), R9)
	Load(Param("n"), RCX)
	if !f64 { // which has two pieces in a line, and float32 four
		LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R10)
	}
	Label("loop")
	PREFETCHT0(Mem{Base: RSI, Index: R9, Scale: 8}) // rows lie in different pages, where processors do not look ahead
	for i := range line / 32 {
		VMOVUPS(Mem{Base: RSI, Disp: 32 * i}, avx2.regs[i])
	}
	for i := range line / 32 {
		r := avx2.regs[i]
		if f64 {
			VMOVUPS(r, row(RDI, R8, R10, i))
		} else {
			VMOVUPS(r.AsX(), row(RDI, R8, R10, 2*i))
			VEXTRACTF128(U8(1), r, row(RDI, R8, R10, 2*i+1))
		}
	}
	ADDQ(R9, RSI)
	ADDQ(U8(step), RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
