package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// matVec writes y += A x with sums of float64, four rows at a time: x is read, and converted, once
// for all of them, and their sums are added up together. A row that is left over is all four, so that the
// order of its sum is the same.
//
// A step is two vectors of float64 of each row. R9 are the rows that are left, R13 is what lies
// between those that are at work, R12 three times that.
func matVec(v vectors, f64 bool) {
	const rows, together = 4, 2
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("matVec%d%s", v.isa, suffix),
		fmt.Sprintf("func(y, a *%[1]s, rowA int, x *%[1]s, m, n int, mask *byte)", typ),
		"adds to m numbers y the products of rows of A with x, added in float64: n times two vectors of float64, and as many numbers more as mask has. rowA is in bytes.")
	Load(Param("y"), RDI)
	Load(Param("a"), RSI)
	Load(Param("rowA"), RDX)
	Load(Param("x"), R8)
	Load(Param("m"), R9)
	restore := flushSubnormals()
	Load(Param("mask"), RAX)
	mask := []Op(nil)
	TESTQ(RAX, RAX)
	JZ(LabelRef("begin"))
	mask = halfMasks(v, f64, RAX)
	Label("begin")
	sum := func(i, r int) VecPhysical { return v.regs[i*rows+r] }
	t, a := v.regs[8:10], v.regs[10]
	bytes := v.bytes / 8 * size // of a vector's numbers in memory
	at := func(r, i int) Mem {
		m := row(R10, R13, R12, r)
		m.Disp = i * bytes
		return m
	}
	widened := func(from Op, to VecPhysical) {
		if f64 {
			load(true, from, to)
		} else {
			VCVTPS2PD(from, to)
		}
	}
	read := func(from Mem, i int, to VecPhysical) { // what the mask has of it
		if f64 {
			loadMasked(v, true, from, mask[i], to)
			return
		}
		half := to.(Vec).AsY()
		if v.isa == 256 {
			half = to.(Vec).AsX()
		}
		loadMasked(v, false, from, mask[i], half)
		VCVTPS2PD(half, to)
	}
	Label("rows")
	MOVQ(RDX, R13)
	CMPQ(R9, Imm(rows))
	JGE(LabelRef("four"))
	TESTQ(R9, R9)
	JZ(LabelRef("end"))
	XORQ(R13, R13)
	Label("four")
	LEAQ(Mem{Base: R13, Index: R13, Scale: 2}, R12)
	for _, r := range v.regs[:rows*together] {
		clearVector(v, r)
	}
	MOVQ(RSI, R10)
	MOVQ(R8, R11)
	Load(Param("n"), RBX)
	TESTQ(RBX, RBX)
	JZ(LabelRef("rest"))
	Label("loop")
	for i := range together {
		widened(Mem{Base: R11, Disp: i * bytes}, t[i])
		for r := range rows {
			if f64 {
				fma(true, at(r, i), t[i], sum(i, r))
			} else {
				VCVTPS2PD(at(r, i), a)
				fma(true, a, t[i], sum(i, r))
			}
		}
	}
	ADDQ(U32(together*bytes), R10)
	ADDQ(U32(together*bytes), R11)
	DECQ(RBX)
	JNZ(LabelRef("loop"))
	Label("rest")
	TESTQ(RAX, RAX)
	JZ(LabelRef("sum"))
	for i := range together {
		read(Mem{Base: R11, Disp: i * bytes}, i, t[i])
		for r := range rows {
			read(at(r, i), i, a)
			fma(true, a, t[i], sum(i, r))
		}
	}
	Label("sum")
	for r := range rows {
		plus(true, sum(1, r), sum(0, r), sum(0, r))
		if v.isa == 512 {
			y := sum(0, r).(Vec).AsY()
			VEXTRACTF64X4(U8(1), sum(0, r), Y8)
			VADDPD(Y8, y, y)
		}
	}
	VHADDPD(Y1, Y0, Y0)
	VHADDPD(Y3, Y2, Y2)
	VPERM2F128(U8(0x20), Y2, Y0, Y1)
	VPERM2F128(U8(0x31), Y2, Y0, Y0)
	VADDPD(Y1, Y0, Y0)
	sums := Op(Y0)
	if !f64 {
		VCVTPD2PSY(Y0, X0)
		sums = X0
	}
	TESTQ(R13, R13)
	JZ(LabelRef("one"))
	plus(f64, Mem{Base: RDI}, sums, sums)
	load(f64, sums, Mem{Base: RDI})
	ADDQ(Imm(uint64(rows*size)), RDI)
	LEAQ(Mem{Base: RSI, Index: RDX, Scale: 4}, RSI)
	SUBQ(Imm(rows), R9)
	JMP(LabelRef("rows"))
	Label("one")
	if f64 {
		VADDSD(Mem{Base: RDI}, X0, X0)
		VMOVSD(X0, Mem{Base: RDI})
	} else {
		VADDSS(Mem{Base: RDI}, X0, X0)
		VMOVSS(X0, Mem{Base: RDI})
	}
	ADDQ(Imm(uint64(size)), RDI)
	ADDQ(RDX, RSI)
	DECQ(R9)
	JMP(LabelRef("rows"))
	Label("end")
	VZEROUPPER()
	restore()
	RET()
}

// halfMasks loads the masks of two vectors of float64 from the address in r, where float32 has them
// of one vector.
func halfMasks(v vectors, f64 bool, r Register) []Op {
	if f64 {
		return masks(v, r)
	}
	if v.isa == 512 {
		KMOVQ(Mem{Base: r}, K1)
		KSHIFTRQ(U8(v.bytes/8), K1, K2)
		return []Op{K1, K2}
	}
	VMOVDQU(Mem{Base: r}, X12)
	VMOVDQU(Mem{Base: r, Disp: v.bytes / 2}, X13)
	return []Op{X12, X13}
}
