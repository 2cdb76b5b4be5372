package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// combineRows writes y = Σ v_c x_c over k rows of n groups of four vectors: the sums stay in
// registers, and each row is read once.
func combineRows(v vectors, f64 bool) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("combineRows%d%s", v.isa, suffix),
		fmt.Sprintf("func(y, x *%[1]s, rowX int, v *%[1]s, k, n int)", typ),
		"sets y to the sum of k rows of n groups of four vectors, each times its v. rowX is in bytes.")
	Load(Param("y"), RDI)
	Load(Param("x"), RSI)
	Load(Param("rowX"), RDX)
	Load(Param("v"), R8)
	Load(Param("k"), R9)
	Load(Param("n"), RCX)
	restore := flushSubnormals()
	Label("group")
	for i := range 4 {
		clearVector(v, v.regs[i])
	}
	MOVQ(RSI, R10)
	MOVQ(R8, R11)
	MOVQ(R9, RBX)
	Label("row")
	broadcast(f64, Mem{Base: R11}, v.regs[4])
	for i := range 4 {
		fma(f64, Mem{Base: R10, Disp: i * v.bytes}, v.regs[4], v.regs[i])
	}
	ADDQ(RDX, R10)
	ADDQ(Imm(uint64(size)), R11)
	DECQ(RBX)
	JNZ(LabelRef("row"))
	for i := range 4 {
		load(f64, v.regs[i], Mem{Base: RDI, Disp: i * v.bytes})
	}
	ADDQ(U32(4*v.bytes), RSI)
	ADDQ(U32(4*v.bytes), RDI)
	DECQ(RCX)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	restore()
	RET()
}

// addDots writes u_c += x_c·t for k rows of n groups of four vectors, added in the rows' own
// precision.
func addDots(v vectors, f64 bool) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("addDots%d%s", v.isa, suffix),
		fmt.Sprintf("func(u, x *%[1]s, rowX int, t *%[1]s, k, n int)", typ),
		"adds to u the products of k rows with t, of n groups of four vectors. rowX is in bytes.")
	Load(Param("u"), RDI)
	Load(Param("x"), RSI)
	Load(Param("rowX"), RDX)
	Load(Param("t"), R8)
	Load(Param("k"), R9)
	Load(Param("n"), RCX)
	restore := flushSubnormals()
	add := func(x, y, z Op) { either(f64, func() { VADDPS(x, y, z) }, func() { VADDPD(x, y, z) })() }
	Label("row")
	for i := range 4 {
		clearVector(v, v.regs[i])
	}
	MOVQ(RSI, R10)
	MOVQ(R8, R11)
	MOVQ(RCX, RBX)
	Label("group")
	for i := range 4 {
		load(f64, Mem{Base: R11, Disp: i * v.bytes}, v.regs[4+i])
		fma(f64, Mem{Base: R10, Disp: i * v.bytes}, v.regs[4+i], v.regs[i])
	}
	ADDQ(U32(4*v.bytes), R10)
	ADDQ(U32(4*v.bytes), R11)
	DECQ(RBX)
	JNZ(LabelRef("group"))
	add(v.regs[0], v.regs[1], v.regs[0])
	add(v.regs[2], v.regs[3], v.regs[2])
	add(v.regs[0], v.regs[2], v.regs[0])
	if v.isa == 512 {
		VEXTRACTF64X4(U8(1), Z0, Y1)
		add(Y0, Y1, Y0)
	}
	VEXTRACTF128(U8(1), Y0, X1)
	add(X0, X1, X0)
	if f64 {
		VHADDPD(X0, X0, X0)
		VADDSD(Mem{Base: RDI}, X0, X0)
		VMOVSD(X0, Mem{Base: RDI})
	} else {
		VHADDPS(X0, X0, X0)
		VHADDPS(X0, X0, X0)
		VADDSS(Mem{Base: RDI}, X0, X0)
		VMOVSS(X0, Mem{Base: RDI})
	}
	ADDQ(Imm(uint64(size)), RDI)
	ADDQ(RDX, RSI)
	DECQ(R9)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	restore()
	RET()
}
