package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// widths are the numbers of vectors that the sums of addRows are held for at a time: eight
// hide the time that a sum takes, fewer are for what is left.
var widths = []int{8, 4, 2, 1}

// examples writes a loop over m examples around what a function does with one, whose operands are
// step bytes apart from one to the next: a call for each would switch subnormal numbers off and on.
// The body ends at its end.
func examples(operands []string, body func()) {
	Label("example")
	body()
	Label("end")
	for _, name := range operands {
		MOVQ(address("step"+strings.ToUpper(name)), RBX)
		ADDQ(RBX, address(name))
	}
	DECQ(address("m"))
	JNZ(LabelRef("example"))
}

// addRows writes y += Σ v_c x_c over k rows: the sums stay in registers, and each row is
// read once.
func addRows(v vectors, f64 bool) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("addRows%d%s", v.isa, suffix),
		fmt.Sprintf("func(y, x *%[1]s, rowX int, v *%[1]s, k, n int, mask *byte, m, stepY, stepX, stepV int)", typ),
		"adds to y the sum of k rows, each times its v; n whole vectors, and one that mask cuts. So for each of m examples. rowX and steps are in bytes.")
	restore := flushSubnormals()
	examples([]string{"y", "x", "v"}, func() { addRowsOf(v, f64, size) })
	VZEROUPPER()
	restore()
	RET()
}

// addRowsOf writes addRows for one example.
func addRowsOf(v vectors, f64 bool, size int) {
	Load(Param("y"), RDI)
	Load(Param("x"), RSI)
	Load(Param("rowX"), RDX)
	Load(Param("v"), R8)
	Load(Param("k"), R9)
	Load(Param("n"), RCX)
	factor := v.regs[8]
	rows := func(name string, body func()) { // for each row, with its v in factor
		MOVQ(RSI, R10)
		MOVQ(R8, R11)
		MOVQ(R9, RBX)
		Label(name)
		broadcast(f64, Mem{Base: R11}, factor)
		body()
		ADDQ(RDX, R10)
		ADDQ(Imm(uint64(size)), R11)
		DECQ(RBX)
		JNZ(LabelRef(name))
	}
	for _, w := range widths {
		group, next := fmt.Sprintf("group%d", w), fmt.Sprintf("next%d", w)
		Label(group)
		CMPQ(RCX, Imm(uint64(w)))
		JLT(LabelRef(next))
		for i := range w {
			load(f64, Mem{Base: RDI, Disp: i * v.bytes}, v.regs[i])
		}
		rows(fmt.Sprintf("row%d", w), func() {
			for i := range w {
				fma(f64, Mem{Base: R10, Disp: i * v.bytes}, factor, v.regs[i])
			}
		})
		for i := range w {
			load(f64, v.regs[i], Mem{Base: RDI, Disp: i * v.bytes})
		}
		ADDQ(U32(w*v.bytes), RSI)
		ADDQ(U32(w*v.bytes), RDI)
		SUBQ(Imm(uint64(w)), RCX)
		JMP(LabelRef(group))
		Label(next)
	}
	Load(Param("mask"), RAX)
	TESTQ(RAX, RAX)
	JZ(LabelRef("end"))
	mask := masks(v, RAX)[0]
	loadMasked(v, f64, Mem{Base: RDI}, mask, v.regs[0])
	rows("last", func() {
		loadMasked(v, f64, Mem{Base: R10}, mask, v.regs[1])
		fma(f64, v.regs[1], factor, v.regs[0])
	})
	storeMasked(v, f64, v.regs[0], mask, Mem{Base: RDI})
}

// addDots writes u_c += x_c·t over k rows, added in their own precision.
func addDots(v vectors, f64 bool) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("addDots%d%s", v.isa, suffix),
		fmt.Sprintf("func(u, x *%[1]s, rowX int, t *%[1]s, k, n int, mask *byte, m, stepU, stepX, stepT int)", typ),
		"adds to u the products of k rows with t; n whole vectors, and one that mask cuts. So for each of m examples. rowX and steps are in bytes.")
	restore := flushSubnormals()
	examples([]string{"u", "x", "t"}, func() { addDotsOf(v, f64, size) })
	VZEROUPPER()
	restore()
	RET()
}

// addDotsOf writes addDots for one example.
func addDotsOf(v vectors, f64 bool, size int) {
	Load(Param("u"), RDI)
	Load(Param("x"), RSI)
	Load(Param("rowX"), RDX)
	Load(Param("t"), R8)
	Load(Param("k"), R9)
	Load(Param("mask"), RAX)
	mask := Op(nil)
	TESTQ(RAX, RAX)
	JZ(LabelRef("begin"))
	mask = masks(v, RAX)[0]
	Label("begin")
	if v.isa == 256 {
		fourDots(v, f64, mask)
	}
	Label("row")
	for i := range 4 {
		clearVector(v, v.regs[i])
	}
	MOVQ(RSI, R10)
	MOVQ(R8, R11)
	Load(Param("n"), RBX)
	for _, w := range []int{4, 1} {
		group, next := fmt.Sprintf("group%d", w), fmt.Sprintf("next%d", w)
		Label(group)
		CMPQ(RBX, Imm(uint64(w)))
		JLT(LabelRef(next))
		for i := range w {
			load(f64, Mem{Base: R11, Disp: i * v.bytes}, v.regs[4+i])
			fma(f64, Mem{Base: R10, Disp: i * v.bytes}, v.regs[4+i], v.regs[i])
		}
		ADDQ(U32(w*v.bytes), R10)
		ADDQ(U32(w*v.bytes), R11)
		SUBQ(Imm(uint64(w)), RBX)
		JMP(LabelRef(group))
		Label(next)
	}
	TESTQ(RAX, RAX)
	JZ(LabelRef("sum"))
	loadMasked(v, f64, Mem{Base: R11}, mask, v.regs[4])
	loadMasked(v, f64, Mem{Base: R10}, mask, v.regs[5])
	fma(f64, v.regs[4], v.regs[5], v.regs[3])
	Label("sum")
	sumFour(v, f64)
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
}

// fourDots writes the loop of addDots for four rows at a time, of two vectors each in every turn: t is read
// once for all of them, and their sums are added up together.
func fourDots(v vectors, f64 bool, mask Op) {
	const rows, together = 4, 2
	sum := func(i, r int) VecPhysical { return v.regs[i*rows+r] }
	t, x := v.regs[8:10], v.regs[10]
	at := func(r, i int) Mem {
		m := row(R10, RDX, R12, r)
		m.Disp = i * v.bytes
		return m
	}
	LEAQ(Mem{Base: RDX, Index: RDX, Scale: 2}, R12)
	Label("four")
	CMPQ(R9, Imm(rows))
	JLT(LabelRef("rest"))
	for _, r := range v.regs[:rows*together] {
		clearVector(v, r)
	}
	MOVQ(RSI, R10)
	MOVQ(R8, R11)
	Load(Param("n"), RBX)
	for _, w := range []int{together, 1} {
		group, next := fmt.Sprintf("fourGroup%d", w), fmt.Sprintf("fourNext%d", w)
		Label(group)
		SUBQ(Imm(uint64(w)), RBX)
		JLT(LabelRef(next))
		for i := range w {
			load(f64, Mem{Base: R11, Disp: i * v.bytes}, t[i])
			for r := range rows {
				fma(f64, at(r, i), t[i], sum(i, r))
			}
		}
		ADDQ(U32(w*v.bytes), R10)
		ADDQ(U32(w*v.bytes), R11)
		JMP(LabelRef(group))
		Label(next)
		ADDQ(Imm(uint64(w)), RBX)
	}
	TESTQ(RAX, RAX)
	JZ(LabelRef("fourSum"))
	loadMasked(v, f64, Mem{Base: R11}, mask, t[0])
	for r := range rows {
		loadMasked(v, f64, at(r, 0), mask, x)
		fma(f64, t[0], x, sum(0, r))
	}
	Label("fourSum")
	for r := range rows {
		plus(f64, sum(1, r), sum(0, r), sum(0, r))
	}
	if f64 {
		VHADDPD(Y1, Y0, Y0)
		VHADDPD(Y3, Y2, Y2)
		VPERM2F128(U8(0x20), Y2, Y0, Y1)
		VPERM2F128(U8(0x31), Y2, Y0, Y0)
		VADDPD(Y1, Y0, Y0)
		VADDPD(Mem{Base: RDI}, Y0, Y0)
		VMOVUPD(Y0, Mem{Base: RDI})
		ADDQ(Imm(rows*8), RDI)
	} else {
		VHADDPS(Y1, Y0, Y0)
		VHADDPS(Y3, Y2, Y2)
		VHADDPS(Y2, Y0, Y0)
		VEXTRACTF128(U8(1), Y0, X1)
		VADDPS(X1, X0, X0)
		VADDPS(Mem{Base: RDI}, X0, X0)
		VMOVUPS(X0, Mem{Base: RDI})
		ADDQ(Imm(rows*4), RDI)
	}
	LEAQ(Mem{Base: RSI, Index: RDX, Scale: 4}, RSI)
	SUBQ(Imm(rows), R9)
	JMP(LabelRef("four"))
	Label("rest")
	TESTQ(R9, R9)
	JZ(LabelRef("end"))
}

// scaleRows writes y = v x, row by row.
func scaleRows(v vectors, f64 bool) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("scaleRows%d%s", v.isa, suffix),
		fmt.Sprintf("func(y, x, v *%[1]s, k, n int, mask *byte, nextY, nextX int)", typ),
		"sets each of k rows of y to that of x times its v; n whole vectors, and one that mask cuts. A row begins nextY, or nextX, bytes behind the whole vectors of the one before.")
	Load(Param("y"), RDI)
	Load(Param("x"), RSI)
	Load(Param("v"), R8)
	Load(Param("k"), R9)
	Load(Param("nextY"), R10)
	Load(Param("nextX"), R11)
	restore := flushSubnormals()
	factor, x := v.regs[0], v.regs[1]
	Load(Param("mask"), RAX)
	mask := Op(nil)
	TESTQ(RAX, RAX)
	JZ(LabelRef("row"))
	mask = masks(v, RAX)[0]
	Label("row")
	broadcast(f64, Mem{Base: R8}, factor)
	Load(Param("n"), RCX)
	TESTQ(RCX, RCX)
	JZ(LabelRef("last"))
	Label("vector")
	multiply(f64, Mem{Base: RSI}, factor, x)
	load(f64, x, Mem{Base: RDI})
	ADDQ(Imm(uint64(v.bytes)), RSI)
	ADDQ(Imm(uint64(v.bytes)), RDI)
	DECQ(RCX)
	JNZ(LabelRef("vector"))
	Label("last")
	TESTQ(RAX, RAX)
	JZ(LabelRef("next"))
	loadMasked(v, f64, Mem{Base: RSI}, mask, x)
	multiply(f64, x, factor, x)
	storeMasked(v, f64, x, mask, Mem{Base: RDI})
	Label("next")
	ADDQ(R11, RSI)
	ADDQ(R10, RDI)
	ADDQ(Imm(uint64(size)), R8)
	DECQ(R9)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	restore()
	RET()
}
