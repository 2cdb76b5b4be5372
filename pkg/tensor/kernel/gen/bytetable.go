package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// lookUp writes the look-up of bytes in a table of 256 float32. The table comes as four planes
// of 256 bytes, the first, second, third and fourth bytes of its numbers, which fit into 16
// registers: VPERMI2B looks up 64 bytes in two of them at once. Then the four bytes of each
// number are brought together.
func lookUp() {
	function("lookUp512s", "func(dst *float32, src *uint8, n int, planes, next *uint8)",
		"sets dst to what n times 64 bytes stand for. Behind the four planes are 64 bytes that order bytes so that interleaving leaves numbers in their order. Bytes from next on, as many, are fetched ahead.")
	Load(Param("dst"), RDI)
	Load(Param("src"), RSI)
	Load(Param("n"), RCX)
	Load(Param("planes"), RAX)
	Load(Param("next"), RDX)
	z := avx512.regs
	table, order, at, upper, planes := z[:16], z[16], z[17], z[18], z[20:24]
	for i, r := range table {
		VMOVDQU64(Mem{Base: RAX, Disp: 64 * i}, r)
	}
	VMOVDQU64(Mem{Base: RAX, Disp: 1024}, order)
	Label("loop")
	PREFETCHT0(Mem{Base: RDX})
	ADDQ(Imm(64), RDX)
	VPERMB(Mem{Base: RSI}, order, at)
	VPMOVB2M(at, K1) // bytes of 128 and more are in the upper half of a plane
	for p, to := range planes {
		VMOVDQA64(at, to)
		VMOVDQA64(at, upper)
		VPERMI2B(table[4*p+1], table[4*p], to)
		VPERMI2B(table[4*p+3], table[4*p+2], upper)
		VMOVDQU8(upper, K1, to)
	}
	low, high := z[24:26], z[26:28] // pairs of bytes, of the first and second eight in each 128 bits
	for i := range 2 {
		VPUNPCKLBW(planes[2*i+1], planes[2*i], low[i])
		VPUNPCKHBW(planes[2*i+1], planes[2*i], high[i])
	}
	VPUNPCKLWD(low[1], low[0], z[28])
	VPUNPCKHWD(low[1], low[0], z[29])
	VPUNPCKLWD(high[1], high[0], z[30])
	VPUNPCKHWD(high[1], high[0], z[31])
	for i := range 4 {
		VMOVDQU64(z[28+i], Mem{Base: RDI, Disp: 64 * i})
	}
	ADDQ(Imm(64), RSI)
	ADDQ(U32(256), RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// linearBytes writes slope b + offset for bytes b, in float64, rounded to float32 at last.
func linearBytes() {
	const ahead = 512 // bytes that are fetched ahead, to be written
	function("linearBytes256s", "func(dst *float32, src *uint8, n int, slope, offset float64)",
		"sets 8 n numbers to slope times their byte, plus offset, rounded to float32.")
	Load(Param("dst"), RDI)
	Load(Param("src"), RSI)
	Load(Param("n"), RCX)
	y, x := avx2.regs, []VecPhysical{X0, X1, X2, X3}
	slope, offset := y[4], y[5]
	for i, name := range []string{"slope", "offset"} {
		VBROADCASTSD(address(name), y[4+i])
	}
	LEAQ(Mem{Base: RDI, Disp: ahead}, R10)
	Label("loop")
	prefetchW(0)
	ADDQ(Imm(32), R10)
	for i := range 2 {
		VPMOVZXBD(Mem{Base: RSI, Disp: 4 * i}, x[i])
		VCVTDQ2PD(x[i], y[i])
		VFMADD213PD(offset, slope, y[i])
		VCVTPD2PSY(y[i], x[i])
	}
	VINSERTF128(U8(1), X1, Y0, Y0)
	VMOVUPS(Y0, Mem{Base: RDI})
	ADDQ(Imm(8), RSI)
	ADDQ(Imm(32), RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
