package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// largestOfFour writes max pooling with windows of 2x2 next to each other, of float32: which
// of four is the largest cannot be predicted, so no jump depends on it. Shuffles take even
// and odd values apart, within 128-bit parts of two vectors; results are in the order of
// those parts until the end. Where rectify, what is not above 0 becomes 0, and its place -1.
func largestOfFour(v vectors, rectify bool) {
	lanes := v.bytes / 4
	name, doc := "largestOfFour", ""
	if rectify {
		name, doc = "largestPositiveOfFour", " Values that are not above 0 become 0, their places -1."
	}
	function(fmt.Sprintf("%s%d", name, v.isa),
		"func(y *float32, from *int32, x *float32, w, rows, n, rest int, in, out *byte, first int) (done int)",
		"pools rows of n vectors of windows and one of rest more that the masks cut (of its values, and of y), from rows of w values; first is the place of x[0]. It ends in a row with a NaN, and returns the number of rows done.%s", doc)
	Load(Param("y"), RDI)
	Load(Param("from"), RSI)
	Load(Param("x"), R10)
	Load(Param("w"), R9)
	Load(Param("rest"), R11)
	SHLQ(Imm(2), R11)
	Load(Param("first"), R12)
	// The order of results: pairs of windows, from both vectors in turn.
	order := table(fmt.Sprintf("windows%d", v.isa), lanes, func(i int) Constant {
		pair, half := i/4, i%4/2
		return U32(uint32(2 * (half*lanes/2 + 2*pair + i%2)))
	})
	at := v.regs[0] // the place of the first value of each window
	if v.isa == 512 {
		VMOVDQU32(order, Z0)
	} else {
		VMOVDQU(order, Y0)
	}
	one, below, step, start := v.regs[8], v.regs[9], v.regs[10], v.regs[14]
	move(v, at, start)
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
		VMOVDQU64(table("pairs512", 8, func(i int) Constant { return U64(uint64(i%4*2 + i/4)) }), back)
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
		if rectify && v.isa == 512 {
			clearVector(v, r[2])
			VCMPPS(U8(greater), r[2], a, K3)
			VMOVAPS_Z(a, K3, a)
			VPTERNLOGD(U8(0xff), r[2], r[2], r[2]) // -1
			VMOVDQA32(upper, K3, r[2])
			VMOVDQA32(r[2], upper)
		} else if rectify {
			clearVector(v, r[2])
			VCMPPS(U8(greater), r[2], a, r[2])
			VANDPS(r[2], a, a)
			VPCMPEQD(c, c, c) // -1
			VPXOR(r[2], c, r[2])
			VPOR(r[2], upper, upper)
		}
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
	}
	windows(v, Y11, func() {
		spread(R12L, at)
		VPADDD(start, at, at)
	}, func(in []Op, out Op) {
		body(in, out)
		if in == nil {
			VPADDD(step, at, at)
		}
	}, func() {
		Load(Param("w"), RAX)
		LEAQ(Mem{Base: R12, Index: RAX, Scale: 2}, R12)
		INCQ(RDX)
		Load(Param("rows"), RAX)
		CMPQ(RDX, RAX)
	})
	Label("end")
	Store(RDX, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// tables has those that are written, by name: functions share them.
var tables = map[string]Mem{}

// table returns the read-only table of that name, whose n entries f gives.
func table(name string, n int, f func(i int) Constant) Mem {
	data, ok := tables[name]
	if !ok {
		data = GLOBL(name, attr.RODATA|attr.NOPTR)
		for i := range n {
			DATA(f(i).Bytes()*i, f(i))
		}
		tables[name] = data
	}
	return data
}

// spread copies a number to all lanes, by way of X1.
func spread(from Register, to VecPhysical) {
	VMOVD(from, X1)
	VPBROADCASTD(X1, to)
}

// move copies a vector.
func move(v vectors, from, to VecPhysical) {
	if v.isa == 512 {
		VMOVDQU32(from, to)
	} else {
		VMOVDQU(from, to)
	}
}

// spreadOfFour writes the derivative of largestOfFour: each value goes to its place, and the
// rest of the windows becomes 0. A place is compared with those of the vector that it may
// be in.
func spreadOfFour(v vectors) {
	lanes := v.bytes / 4
	function(fmt.Sprintf("spreadOfFour%d", v.isa),
		"func(x *float32, y *float32, from *int32, w, rows, n, rest int, in, out *byte)",
		"sets rows of windows of x, in rows of w values: y at its place, and 0 elsewhere; n vectors of windows and one of rest more that the masks cut (of its values, and of y).")
	Load(Param("x"), R10)
	Load(Param("y"), RDI)
	Load(Param("from"), RSI)
	Load(Param("w"), R9)
	Load(Param("rows"), RDX)
	Load(Param("rest"), R11)
	SHLQ(Imm(2), R11)
	r := v.regs
	start, step, below, at := r[11], r[8], r[9], r[10]
	low, high := r[14], r[15] // which value goes to each lane of two vectors
	numbers := func(name string, f func(i int) int, to VecPhysical) {
		data := table(fmt.Sprintf("%s%d", name, v.isa), lanes, func(i int) Constant { return U32(uint32(f(i))) })
		if v.isa == 512 {
			VMOVDQU32(data, to)
		} else {
			VMOVDQU(data, to)
		}
	}
	numbers("spreadLow", func(i int) int { return i / 2 }, low)
	numbers("spreadHigh", func(i int) int { return (lanes + i) / 2 }, high)
	numbers("spreadStart", func(i int) int { return i }, start)
	spread(R9L, below)
	MOVL(U32(uint32(lanes)), EAX)
	spread(EAX, step)
	SHLQ(Imm(2), R9)
	body := func(in []Op, out Op) {
		if in == nil {
			load(false, Mem{Base: RDI}, r[0])
			load(false, Mem{Base: RSI}, r[1])
		} else {
			loadMasked(v, false, Mem{Base: RDI}, out, r[0])
			loadMasked(v, false, Mem{Base: RSI}, out, r[1])
		}
		for j, order := range []VecPhysical{low, high} {
			VPERMPS(r[0], order, r[2])
			VPERMD(r[1], order, r[3])
			for row := range 2 {
				m := Mem{Base: R8, Disp: j * v.bytes}
				place := at
				if row == 1 {
					m.Index, m.Scale = R9, 1
					VPADDD(below, at, r[5])
					place = r[5]
				}
				if v.isa == 512 {
					VPCMPEQD(place, r[3], K3)
					VMOVAPS_Z(r[2], K3, r[4])
				} else {
					VPCMPEQD(place, r[3], r[4])
					VANDPS(r[2], r[4], r[4])
				}
				if in == nil {
					load(false, r[4], m)
				} else {
					storeMasked(v, false, r[4], in[j], m)
				}
			}
			VPADDD(step, at, at)
		}
	}
	windows(v, Y7, func() { move(v, start, at) }, body, func() {
		VPADDD(below, start, start)
		VPADDD(below, start, start)
		DECQ(RDX)
	})
	VZEROUPPER()
	RET()
}

// windows writes the loops over rows of windows, from R10 on in rows R9 bytes apart, with
// results at RDI and RSI, R11 bytes of which the masks cut: begin starts a row; body takes a
// vector of windows, at R8, or those that the masks leave (of results: K5, or cut with
// AVX2); next goes on to the next row, and says by the zero flag that there is none.
func windows(v vectors, cut VecPhysical, begin func(), body func(in []Op, out Op), next func()) {
	Load(Param("in"), RAX)
	var in []Op
	var out Op = cut
	TESTQ(RAX, RAX)
	JZ(LabelRef("row"))
	in = masks(v, RAX)
	Load(Param("out"), RAX)
	if v.isa == 512 {
		out = K5
		KMOVQ(Mem{Base: RAX}, K5)
	} else {
		VMOVDQU(Mem{Base: RAX}, cut)
	}
	Label("row")
	begin()
	MOVQ(R10, R8)
	Load(Param("n"), RCX)
	TESTQ(RCX, RCX)
	JZ(LabelRef("tail"))
	Label("loop")
	body(nil, nil)
	ADDQ(Imm(uint64(v.bytes)), RDI)
	ADDQ(Imm(uint64(v.bytes)), RSI)
	ADDQ(U32(uint32(2*v.bytes)), R8)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Label("tail")
	TESTQ(R11, R11)
	JZ(LabelRef("next"))
	body(in, out)
	ADDQ(R11, RDI)
	ADDQ(R11, RSI)
	Label("next")
	LEAQ(Mem{Base: R10, Index: R9, Scale: 2}, R10)
	next()
	JNZ(LabelRef("row"))
}
