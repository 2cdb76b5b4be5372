package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// largestOfFour writes max pooling with windows of 2x2 next to each other, of two
// rows of float32: which of four is the largest cannot be predicted, so no jump
// depends on it. Shuffles take even and odd values apart, within 128-bit parts of
// two vectors; results are in the order of those parts until the end.
func largestOfFour(v vectors) {
	lanes := v.bytes / 4
	function(fmt.Sprintf("largestOfFour%d", v.isa),
		"func(y *float32, from *int32, x *float32, w, n int, in, out *byte, first int) (done int)",
		"pools n vectors of windows, and one that the masks cut (of its values, and of y; none: nil), of rows w values apart; first is the place of x[0]. It ends before a vector with a NaN, and returns the number of those done.")
	Load(Param("y"), RDI)
	Load(Param("from"), RSI)
	Load(Param("x"), R8)
	Load(Param("w"), R9)
	Load(Param("n"), RCX)
	// The order of results: pairs of windows, from both vectors in turn.
	order := GLOBL(fmt.Sprintf("windows%d", v.isa), attr.RODATA|attr.NOPTR)
	for i := range lanes {
		pair, half := i/4, i%4/2
		DATA(4*i, U32(uint32(2*(half*lanes/2+2*pair+i%2))))
	}
	at := v.regs[0] // the place of the first value of each window
	if v.isa == 512 {
		VMOVDQU32(order, Z0)
	} else {
		VMOVDQU(order, Y0)
	}
	spread := func(from Register, to VecPhysical) { // a number to all lanes
		VMOVD(from, X1)
		VPBROADCASTD(X1, to)
	}
	Load(Param("first"), RAX)
	spread(EAX, v.regs[2])
	VPADDD(v.regs[2], at, at)
	one, below, step := v.regs[8], v.regs[9], v.regs[10]
	MOVL(U32(1), EAX)
	spread(EAX, one)
	spread(R9L, below)
	MOVL(U32(uint32(2*lanes)), EAX)
	spread(EAX, step)
	SHLQ(Imm(2), R9)
	XORQ(RDX, RDX)
	var back VecPhysical
	if v.isa == 512 {
		back = v.regs[11]
		indices := GLOBL("pairs512", attr.RODATA|attr.NOPTR)
		for i, unit := range []uint64{0, 2, 4, 6, 1, 3, 5, 7} {
			DATA(8*i, U64(unit))
		}
		VMOVDQU64(indices, back)
	}
	body := func(in []Op, out Op) {
		r := v.regs
		for row := range 2 {
			for j := range 2 {
				m := Mem{Base: R8, Disp: j * v.bytes}
				if row == 1 {
					m.Index, m.Scale = R9, 1
				}
				if in == nil {
					load(false, m, r[1+j])
				} else {
					loadMasked(v, false, m, in[j], r[1+j])
				}
			}
			VSHUFPS(U8(0x88), r[2], r[1], r[3+2*row])
			VSHUFPS(U8(0xdd), r[2], r[1], r[4+2*row])
		}
		a, b, c, d := r[3], r[4], r[5], r[6]
		upper, lower := r[7], r[1] // distances to the larger value of each row
		const unordered, greater = 3, 0x1e
		if v.isa == 512 {
			VCMPPS(U8(unordered), a, b, K3)
			VCMPPS(U8(unordered), c, d, K4)
			KORTESTW(K3, K4)
			JNZ(LabelRef("end"))
			VCMPPS(U8(greater), a, b, K3)
			VMOVAPS(b, K3, a)
			VMOVDQA32_Z(one, K3, upper)
			VCMPPS(U8(greater), c, d, K3)
			VMOVAPS(d, K3, c)
			VMOVDQA32(below, lower)
			VPADDD(one, lower, K3, lower)
			VCMPPS(U8(greater), a, c, K3)
			VMOVAPS(c, K3, a)
			VMOVDQA32(lower, K3, upper)
		} else {
			VCMPPS(U8(unordered), a, b, lower)
			VCMPPS(U8(unordered), c, d, upper)
			VORPS(lower, upper, upper)
			VMOVMSKPS(upper, EAX)
			TESTL(EAX, EAX)
			JNZ(LabelRef("end"))
			VCMPPS(U8(greater), a, b, r[2])
			VBLENDVPS(r[2], b, a, a)
			VPAND(one, r[2], upper)
			VCMPPS(U8(greater), c, d, r[2])
			VBLENDVPS(r[2], d, c, c)
			VPAND(one, r[2], lower)
			VPADDD(below, lower, lower)
			VCMPPS(U8(greater), a, c, r[2])
			VBLENDVPS(r[2], c, a, a)
			VBLENDVPS(r[2], lower, upper, upper)
		}
		VPADDD(at, upper, upper)
		for _, x := range []struct {
			value VecPhysical
			to    Mem
		}{{a, Mem{Base: RDI}}, {upper, Mem{Base: RSI}}} {
			if v.isa == 512 {
				VPERMPD(x.value, back, x.value)
			} else {
				VPERMPD(U8(0xd8), x.value, x.value)
			}
			if out == nil {
				load(false, x.value, x.to)
			} else {
				storeMasked(v, false, x.value, out, x.to)
			}
		}
		INCQ(RDX)
	}
	TESTQ(RCX, RCX)
	JZ(LabelRef("tail"))
	Label("loop")
	body(nil, nil)
	VPADDD(step, at, at)
	ADDQ(Imm(uint64(v.bytes)), RDI)
	ADDQ(Imm(uint64(v.bytes)), RSI)
	ADDQ(U32(uint32(2*v.bytes)), R8)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Label("tail")
	Load(Param("in"), RAX)
	TESTQ(RAX, RAX)
	JZ(LabelRef("end"))
	in := masks(v, RAX)
	Load(Param("out"), RAX)
	var out Op = Y11
	if v.isa == 512 {
		out = K5
		KMOVQ(Mem{Base: RAX}, K5)
	} else {
		VMOVDQU(Mem{Base: RAX}, Y11)
	}
	body(in, out)
	Label("end")
	Store(RDX, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
