package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// product writes the kernel of a block of C of rows x (width vectors): all of
// it stays in registers while k goes by. A is read in place, element by
// element, through two strides; B is a panel of width vectors for each k.
//
// Registers: R8 is A's row stride, R13 its column stride; BX is B, in steps of DX; C is at DI, with rows SI apart.
func product(v vectors, f64 bool, rows, width int) {
	suffix, typ, _ := element(f64)
	more := "A line is fetched ahead for each step of k, rowNext apart from next on. There is one block, no end, and no rowsNext."
	if v.steps > 1 {
		more = "Rows of A or its columns have no gaps. So many blocks lie below each other, whose rows of A begin stepA apart; they are finished as end says, if it is not nil. For each block rowsNext rows of as many vectors are fetched, rowNext apart from next on."
	}
	function(fmt.Sprintf("product%d%s%dx%d", v.isa, suffix, rows, width),
		fmt.Sprintf("func(k int, a *%[1]s, rowA, colA int, b *%[1]s, rowB int, c *%[1]s, rowC int, mask *byte, alpha %[1]s, accumulate int, next *%[1]s, rowNext, blocks, stepA int, end *byte, rowsNext int)", typ),
		"sets (accumulate 0), or adds to (1), a block of C of %d rows and %d vectors: alpha A B. Strides are in bytes; no mask stands for all lanes. %s", rows, width, more)
	restore := flushSubnormals()
	Load(Param("c"), RDI)
	Load(Param("rowC"), RSI)
	if v.steps > 1 {
		productBlocks(v, f64, rows, width)
		VZEROUPPER()
		restore()
		RET()
		return
	}
	Load(Param("k"), RCX)
	Load(Param("a"), RAX)
	Load(Param("rowA"), R8)
	Load(Param("colA"), R13)
	Load(Param("b"), RBX)
	Load(Param("rowB"), RDX)
	Load(Param("next"), R14)
	Load(Param("rowNext"), R15)
	productStep(v, f64, rows, width)
	productEnd(v, f64, rows, width, restore)
}

// productStep writes the loop of product with a step of k in each turn.
//
// AX, R10, R11, R12 point to every fourth row of A; R9 is three of its row strides; R14 is what is fetched
// ahead, in steps of R15.
func productStep(v vectors, f64 bool, rows, width int) {
	LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R9)
	bases := []GPPhysical{RAX, R10, R11, R12}[:(rows+3)/4]
	for i := 1; i < len(bases); i++ {
		LEAQ(Mem{Base: bases[i-1], Index: R8, Scale: 4}, bases[i])
	}
	at := func(i int) Mem { return row(bases[i/4], R8, R9, i) }
	n := len(v.regs)
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	b := v.regs[n-4 : n-2]
	a := v.regs[n-2:]
	for i := range rows {
		for j := range width {
			clearVector(v, sum(i, j))
		}
	}
	TESTQ(RCX, RCX)
	JLE(LabelRef("done"))
	Label("loop")
	for j := range width {
		load(f64, Mem{Base: RBX, Disp: j * v.bytes}, b[j])
		if j*v.bytes%64 == 0 {
			PREFETCHT0(Mem{Base: RBX, Index: RDX, Scale: 8, Disp: j * v.bytes})
		}
	}
	for i := range rows {
		switch {
		case width == 1 && v.isa == 512 && f64:
			VFMADD231PD_BCST(at(i), b[0], sum(i, 0))
		case width == 1 && v.isa == 512:
			VFMADD231PS_BCST(at(i), b[0], sum(i, 0))
		default:
			broadcast(f64, at(i), a[i%2])
			for j := range width {
				fma(f64, a[i%2], b[j], sum(i, j))
			}
		}
	}
	PREFETCHT0(Mem{Base: R14})
	ADDQ(R15, R14)
	ADDQ(RDX, RBX)
	for _, r := range bases {
		ADDQ(R13, r)
	}
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Label("done")
}

// productEnd writes what a product of AVX-512 does with its sums.
func productEnd(v vectors, f64 bool, rows, width int, restore func()) {
	n := len(v.regs)
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	alpha, c := v.regs[n-1], v.regs[n-2]
	broadcast(f64, address("alpha"), alpha)
	Load(Param("mask"), RAX)
	Load(Param("accumulate"), RBX)
	TESTQ(RAX, RAX)
	JZ(LabelRef("whole"))
	mask := masks(v, RAX)
	TESTQ(RBX, RBX)
	JZ(LabelRef("setMasked"))
	each := func(f func(m Mem, i, j int)) { eachVector(v, rows, width, restore, f) }
	each(func(m Mem, i, j int) {
		loadMasked(v, f64, m, mask[j], c)
		fma(f64, alpha, sum(i, j), c)
		storeMasked(v, f64, c, mask[j], m)
	})
	Label("setMasked")
	each(func(m Mem, i, j int) {
		multiply(f64, alpha, sum(i, j), sum(i, j))
		storeMasked(v, f64, sum(i, j), mask[j], m)
	})
	Label("whole")
	TESTQ(RBX, RBX)
	JZ(LabelRef("set"))
	each(func(m Mem, i, j int) {
		load(f64, m, c)
		fma(f64, alpha, sum(i, j), c)
		load(f64, c, m)
	})
	Label("set")
	each(func(m Mem, i, j int) {
		multiply(f64, alpha, sum(i, j), sum(i, j))
		load(f64, sum(i, j), m)
	})
}

// eachVector ends a function with f for every vector (i, j) of the block of C, at
// RDI with rows RSI bytes apart.
func eachVector(v vectors, rows, width int, restore func(), f func(m Mem, i, j int)) {
	overBlock(v, rows, width, RDI, RSI, f)
	VZEROUPPER()
	restore()
	RET()
}

// overBlock writes f for every vector (i, j) of a block that begins at from, with rows step bytes
// apart, and leaves from at its last row.
func overBlock(v vectors, rows, width int, from, step Register, f func(m Mem, i, j int)) {
	for i := range rows {
		for j := range width {
			f(Mem{Base: from, Disp: j * v.bytes}, i, j)
		}
		if i < rows-1 {
			ADDQ(step, from)
		}
	}
}

// peak writes a loop of independent multiply-adds in registers: the most that
// a core can do.
func peak(v vectors, f64 bool) {
	suffix, _, _ := element(f64)
	function(fmt.Sprintf("peak%d%s", v.isa, suffix), "func(n int)",
		"makes n rounds of 12 independent multiply-adds of vectors.")
	Load(Param("n"), RCX)
	for _, r := range v.regs[:14] {
		clearVector(v, r)
	}
	Label("loop")
	for _, r := range v.regs[:12] {
		fma(f64, v.regs[12], v.regs[13], r)
	}
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
