package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A block of a factorisation is as many rows as a vector of float64 has lanes, so that a
// square of them is that many registers.
func (v vectors) block() int { return v.bytes / 8 }

// factor writes the kernel of a square on the diagonal of A = Uᵀ U, of r rows and columns
// behind k rows of U. It stays in registers: it loses the products of those rows, is factored
// as L D Lᵀ, whose steps wait for a division and no root, and its rows are divided by the roots
// of D.
func factor(v vectors) {
	r := v.block()
	function(fmt.Sprintf("factor%dd", v.isa), "func(k int, a *float64, rowA int, u *float64)",
		"makes of %[1]d x %[1]d numbers below k rows of U, whose columns begin at a, theirs; u gets k + %[1]d rows of %[1]d columns, inverse on the diagonal.", r)
	restore := flushSubnormals()
	Load(Param("k"), RCX)
	Load(Param("a"), RSI)
	Load(Param("rowA"), RDX)
	Load(Param("u"), RDI)
	LEAQ(Mem{Base: RDX, Index: RDX, Scale: 2}, R9)
	row0, at := v.rowsOf(RSI, R10)
	x := v.regs[:r]
	rest := v.regs[r:]
	one, d, inverse, t := rest[0], rest[1], rest[2], rest[3]
	c := rest[4:6]
	above := d
	MOVQ(U64(0x3ff0000000000000), RAX)
	VMOVQ(RAX, one.AsX())
	VBROADCASTSD(one.AsX(), one)
	index := rest[6:] // lane i in every lane, with AVX-512
	if v.isa == 512 {
		for i := range r {
			MOVQ(U32(i), RAX)
			VPBROADCASTQ(RAX, index[i])
		}
	}
	for i := range r {
		clearVector(v, x[i])
	}
	TESTQ(RCX, RCX)
	JZ(LabelRef("square"))
	Label("loop")
	load(true, Mem{Base: RSI}, above)
	load(true, above, Mem{Base: RDI})
	for i := range r {
		m := Mem{Base: RSI, Disp: 8 * i}
		if v.isa == 512 {
			VFNMADD231PD_BCST(m, above, x[i])
		} else {
			broadcast(true, m, c[i%2])
			VFNMADD231PD(above, c[i%2], x[i])
		}
	}
	ADDQ(RDX, RSI)
	ADDQ(U32(v.bytes), RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Label("square")
	row0()
	for i := range r {
		VADDPD(at(i), x[i], x[i])
	}
	lane := func(i int, from, to VecPhysical) {
		if v.isa == 512 {
			VPERMPD(from, index[i], to)
		} else {
			VPERMPD(U8(0x55*i), from, to)
		}
	}
	for i := range r {
		lane(i, x[i], d)
		VDIVPD(d, one, inverse)
		VMULPD(inverse, x[i], t)
		for j := i + 1; j < r; j++ {
			lane(j, t, c[j%2])
			VFNMADD231PD(x[i], c[j%2], x[j])
		}
		VSQRTSD(d.AsX(), d.AsX(), d.AsX())
		VDIVSD(d.AsX(), one.AsX(), d.AsX())
		VBROADCASTSD(d.AsX(), inverse)
		VMULPD(inverse, x[i], x[i])
		load(true, x[i], Mem{Base: RDI, Disp: i * v.bytes})
		VMOVSD(d.AsX(), Mem{Base: RDI, Disp: i*v.bytes + 8*i})
	}
	for i := range r {
		load(true, x[i], at(i))
	}
	VZEROUPPER()
	restore()
	RET()
}

// rowsOf returns how to address the rows of a block from the one at base, RDX bytes apart,
// with three times that in R9; begin prepares it.
func (v vectors) rowsOf(base, half GPPhysical) (begin func(), at func(i int) Mem) {
	begin = func() {
		if v.block() > 4 {
			LEAQ(Mem{Base: base, Index: RDX, Scale: 4}, half)
		}
	}
	return begin, func(i int) Mem {
		if i < 4 {
			return row(base, RDX, R9, i)
		}
		return row(half, RDX, R9, i)
	}
}

// solve writes the kernel that makes rows of U right of squares that are factored, in strips of
// two vectors. A block of rows stays in registers: it loses the products of the rows above it,
// and its triangle is solved.
func solve(v vectors) {
	r := v.block()
	function(fmt.Sprintf("solve%dd", v.isa), "func(k, blocks int, u, b *float64, rowB, strips, last int, mask *byte)",
		"makes blocks of %d rows of U below k rows, whose columns begin at b, from what factor left in u: whole strips of two vectors, and one of last vectors that mask cuts.", r)
	restore := flushSubnormals()
	Load(Param("b"), RSI)
	Load(Param("rowB"), RDX)
	LEAQ(Mem{Base: RDX, Index: RDX, Scale: 2}, R9)
	Load(Param("strips"), R12)
	TESTQ(R12, R12)
	JZ(LabelRef("rest"))
	Label("strip")
	strip(v, "whole", 2, nil)
	ADDQ(U32(2*v.bytes), RSI)
	DECQ(R12)
	JNZ(LabelRef("strip"))
	Label("rest")
	Load(Param("last"), R12)
	TESTQ(R12, R12)
	JZ(LabelRef("end"))
	Load(Param("mask"), RAX)
	mask := masks(v, RAX)
	CMPQ(R12, Imm(1))
	JE(LabelRef("narrow"))
	strip(v, "wide", 2, mask)
	JMP(LabelRef("end"))
	Label("narrow")
	strip(v, "single", 1, mask)
	Label("end")
	VZEROUPPER()
	restore()
	RET()
}

// strip writes solve for the strip at RSI, of width vectors, with masks or none.
func strip(v vectors, name string, width int, mask []Op) {
	r := v.block()
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	b, a := v.regs[2*r:2*r+2], v.regs[2*r+2:2*r+4]
	if mask != nil && v.isa == 256 { // whose masks are Y12 and Y13
		a = v.regs[14:16]
	}
	begin, at := v.rowsOf(R10, R11)
	vector := func(i, j int) Mem {
		m := at(i)
		m.Disp = j * v.bytes
		return m
	}
	get := func(from Mem, j int, to VecPhysical) {
		if mask == nil {
			load(true, from, to)
		} else {
			loadMasked(v, true, from, mask[j], to)
		}
	}
	Load(Param("u"), RDI)
	Load(Param("k"), R8)
	Load(Param("blocks"), RBX)
	Label(name + "Block")
	MOVQ(RSI, R10)
	for i := range r {
		for j := range width {
			clearVector(v, sum(i, j))
		}
	}
	MOVQ(R8, RCX)
	TESTQ(RCX, RCX)
	JZ(LabelRef(name + "Triangle"))
	Label(name + "Row")
	for j := range width {
		get(Mem{Base: R10, Disp: j * v.bytes}, j, b[j])
	}
	for i := range r {
		broadcast(true, Mem{Base: RDI, Disp: 8 * i}, a[i%2])
		for j := range width {
			VFNMADD231PD(a[i%2], b[j], sum(i, j))
		}
	}
	ADDQ(RDX, R10)
	ADDQ(U32(v.bytes), RDI)
	DECQ(RCX)
	JNZ(LabelRef(name + "Row"))
	Label(name + "Triangle")
	begin()
	for i := range r {
		for j := range width {
			if mask == nil {
				VADDPD(vector(i, j), sum(i, j), sum(i, j))
			} else {
				get(vector(i, j), j, b[j])
				VADDPD(b[j], sum(i, j), sum(i, j))
			}
		}
	}
	for i := range r {
		for c := i; c < r; c++ {
			broadcast(true, Mem{Base: RDI, Disp: i*v.bytes + 8*c}, a[c%2])
			for j := range width {
				if c == i {
					VMULPD(a[c%2], sum(i, j), sum(i, j))
				} else {
					VFNMADD231PD(a[c%2], sum(i, j), sum(c, j))
				}
			}
		}
		for j := range width {
			if mask == nil {
				load(true, sum(i, j), vector(i, j))
			} else {
				storeMasked(v, true, sum(i, j), mask[j], vector(i, j))
			}
		}
	}
	ADDQ(U32(r*v.bytes), RDI)
	ADDQ(U32(r), R8)
	DECQ(RBX)
	JNZ(LabelRef(name + "Block"))
}
