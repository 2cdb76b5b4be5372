package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// correlated returns how many filters and taps the largest kernel of correlate has: as many
// as registers hold the products of. AVX2 has five taps only, as two registers hold masks.
func correlated(v vectors) (filters, taps int) {
	if v.isa == 512 {
		return 3, 9
	}
	return 2, 5
}

// correlate writes the products of some rows of A, lines of signals, with shifted copies of an
// image: for filter f and tap t, Σ a[f][line][i] b[taps[t]][line][i], lane by lane, over the
// lines of n examples. So the values of a line are the lanes.
//
// Registers: AX is A and R8 its row stride, BX is B, CX counts vectors, and R9 to R15, DX and
// SI are the distances of taps.
func correlate(v vectors, f64 bool, filters int) {
	suffix, typ, size := element(f64)
	_, taps := correlated(v)
	function(fmt.Sprintf("correlate%d%s%d", v.isa, suffix, filters),
		fmt.Sprintf("func(n, stepA, stepB, lines, whole int, mask *byte, a *%[1]s, rowA, lineA int, b *%[1]s, lineB int, taps *int32, c *%[1]s, rowC, accumulate int)", typ),
		"sets (accumulate 0), or adds to (1), %d rows of %d vectors: the products of rows of A with B at the taps, added up over n examples of so many lines, each of whole vectors and one that mask cuts (nil: none). Strides are in bytes, taps in elements.", filters, taps)
	restore := flushSubnormals()
	local := AllocLocal(48)
	slot := func(i int) Mem { return local.Offset(8 * i) }
	const left, example, image, lines, lineA, lineB = 0, 1, 2, 3, 4, 5
	keep := func(name string, i int) {
		Load(Param(name), RDI)
		MOVQ(RDI, slot(i))
	}
	keep("n", left)
	keep("a", example)
	keep("b", image)
	Load(Param("rowA"), R8)
	Load(Param("taps"), RDI)
	at := []GPPhysical{R9, R10, R11, R12, R13, R14, R15, RDX, RSI}[:taps]
	for t, r := range at {
		MOVLQSX(Mem{Base: RDI, Disp: 4 * t}, r)
	}
	sum := func(f, t int) VecPhysical { return v.regs[f*taps+t] }
	a, x := v.regs[10:12], VecPhysical(Y14)
	if v.isa == 512 {
		a, x = v.regs[27:30], Z30
	}
	for f := range filters {
		for t := range taps {
			clearVector(v, sum(f, t))
		}
	}
	body := func(mask Op) {
		read := func(m Mem, to VecPhysical) {
			if mask == nil {
				load(f64, m, to)
			} else {
				loadMasked(v, f64, m, mask, to)
			}
		}
		for f := range filters {
			m := Mem{Base: RAX}
			if f > 0 {
				m.Index, m.Scale = R8, uint8(f)
			}
			read(m, a[f])
		}
		for t, r := range at {
			read(Mem{Base: RBX, Index: r, Scale: uint8(size)}, x)
			for f := range filters {
				fma(f64, x, a[f], sum(f, t))
			}
		}
	}
	add := func(name string, i int) { // to a slot
		Load(Param(name), RDI)
		ADDQ(RDI, slot(i))
	}
	Label("example")
	keep("lines", lines)
	MOVQ(slot(example), RAX)
	MOVQ(slot(image), RBX)
	MOVQ(RAX, slot(lineA))
	MOVQ(RBX, slot(lineB))
	Label("line")
	MOVQ(slot(lineA), RAX)
	MOVQ(slot(lineB), RBX)
	Load(Param("whole"), RCX)
	TESTQ(RCX, RCX)
	JZ(LabelRef("tail"))
	Label("loop")
	body(nil)
	ADDQ(Imm(uint64(v.bytes)), RAX)
	ADDQ(Imm(uint64(v.bytes)), RBX)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Label("tail")
	Load(Param("mask"), RDI)
	TESTQ(RDI, RDI)
	JZ(LabelRef("next"))
	body(masks(v, RDI)[0])
	Label("next")
	add("lineA", lineA)
	add("lineB", lineB)
	DECQ(slot(lines))
	JNZ(LabelRef("line"))
	add("stepA", example)
	add("stepB", image)
	DECQ(slot(left))
	JNZ(LabelRef("example"))

	Load(Param("c"), RDI)
	Load(Param("rowC"), RSI)
	setOrAdd(v, f64, filters, taps, restore, sum)
}
