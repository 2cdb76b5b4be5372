package main

import (
	"fmt"
	"math/bits"

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

// solve writes the kernel that makes rows of U right of squares that are factored, in strips as
// wide as the panels of products. A block of rows stays in registers: it loses the products of the
// rows above it, some of them in each turn, as a product does its steps, and its triangle is solved.
func solve(v vectors) {
	r, wide := v.block(), len(v.heights)
	function(fmt.Sprintf("solve%dd", v.isa), "func(k, blocks int, u, b *float64, rowB, strips, last int, mask *byte)",
		"makes blocks of %d rows of U below k rows, a multiple of %d, whose columns begin at b, from what factor left in u: whole strips of %d vectors, and one of last vectors that mask cuts.", r, v.steps, wide)
	restore := flushSubnormals()
	Load(Param("b"), RSI)
	Load(Param("rowB"), RDX)
	LEAQ(Mem{Base: RDX, Index: RDX, Scale: 2}, R9)
	Load(Param("strips"), R12)
	TESTQ(R12, R12)
	JZ(LabelRef("rest"))
	Label("strip")
	strip(v, "whole", wide, nil)
	ADDQ(U32(wide*v.bytes), RSI)
	DECQ(R12)
	JNZ(LabelRef("strip"))
	Label("rest")
	Load(Param("last"), R12)
	TESTQ(R12, R12)
	JZ(LabelRef("end"))
	Load(Param("mask"), RAX)
	if wide > 2 { // of three vectors, two are whole
		CMPQ(R12, Imm(3))
		JNE(LabelRef("two"))
		strip(v, "pair", 2, nil)
		ADDQ(U32(2*v.bytes), RSI)
		ADDQ(U32(2*v.bytes), RAX)
		MOVQ(U32(1), R12)
		Label("two")
	}
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
	solved := a // b is free where the triangle is solved
	if width > 2 {
		b, a = v.regs[width*r:][:width], v.regs[width*(r+1):]
		solved = []VecPhysical{a[0], b[0]}
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
	if v.steps == 1 {
		TESTQ(RCX, RCX)
	} else {
		SHRQ(Imm(uint64(bits.TrailingZeros(uint(v.steps)))), RCX)
	}
	JZ(LabelRef(name + "Triangle"))
	Label(name + "Row")
	for p := range v.steps {
		from := row(R10, RDX, R9, p)
		for j := range width {
			from.Disp = j * v.bytes
			get(from, j, b[j])
		}
		for i := range r {
			c := a[i%len(a)]
			broadcast(true, Mem{Base: RDI, Disp: p*v.bytes + 8*i}, c)
			for j := range width {
				VFNMADD231PD(c, b[j], sum(i, j))
			}
		}
	}
	if v.steps == 1 {
		ADDQ(RDX, R10)
	} else {
		LEAQ(Mem{Base: R10, Index: RDX, Scale: 4}, R10)
	}
	ADDQ(U32(v.steps*v.bytes), RDI)
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
			known := solved[c%2]
			broadcast(true, Mem{Base: RDI, Disp: i*v.bytes + 8*c}, known)
			for j := range width {
				if c == i {
					VMULPD(known, sum(i, j), sum(i, j))
				} else {
					VFNMADD231PD(known, sum(i, j), sum(c, j))
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
