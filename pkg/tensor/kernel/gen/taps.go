package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ahead is how many bytes behind a row of B the one is that comes soon: rows of one tap lie
// next to each other, and other taps come in between.
const ahead = 384

// taps writes the kernel of a block of C of rows x (width vectors) whose sum goes over any
// columns of A and rows of B: a table has a pair for each step, where in a row of A and where
// in B it is. The table serves for several matrices A and B, steps apart, that are added up.
// Sums are in the order of product's, so that they have the same bits.
//
// Registers: AX is A, R8 its row stride, R9 three of it; BX is B; DX runs through the table;
// R10, R12, R13, R14 point to every fourth row of A in the column at hand.
func taps(v vectors, f64 bool, rows, width int) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("taps%d%s%dx%d", v.isa, suffix, rows, width),
		fmt.Sprintf("func(n, stepA, stepB, k int, table *int32, a *%[1]s, rowA int, b *%[1]s, c *%[1]s, rowC int, bias *%[1]s, accumulate int)", typ),
		"sets (accumulate 0), or adds to (1), a block of C of %d rows and %d vectors: the sum of n products A B over the k steps of the table, and the bias, if any, which lies in rows as A's. Strides and steps are in bytes.", rows, width)
	restore := flushSubnormals()
	Load(Param("n"), R15)
	Load(Param("a"), RAX)
	Load(Param("rowA"), R8)
	Load(Param("b"), RBX)
	Load(Param("c"), RDI)
	Load(Param("rowC"), RSI)
	LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R9)
	bases := []GPPhysical{R10, R12, R13, R14}[:(rows+3)/4]
	n := len(v.regs)
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	b, a := v.regs[n-4:n-2], v.regs[n-2:]
	for i := range rows {
		for j := range width {
			clearVector(v, sum(i, j))
		}
	}
	Label("matrix")
	Load(Param("k"), RCX)
	Load(Param("table"), RDX)
	TESTQ(RCX, RCX)
	JZ(LabelRef("done"))
	Label("loop")
	MOVLQSX(Mem{Base: RDX}, R10)
	MOVLQSX(Mem{Base: RDX, Disp: 4}, R11)
	ADDQ(Imm(8), RDX)
	LEAQ(Mem{Base: RAX, Index: R10, Scale: uint8(size)}, R10)
	for i := 1; i < len(bases); i++ {
		LEAQ(Mem{Base: bases[i-1], Index: R8, Scale: 4}, bases[i])
	}
	for j := range width {
		load(f64, Mem{Base: RBX, Index: R11, Scale: uint8(size), Disp: j * v.bytes}, b[j])
		if j*v.bytes%64 == 0 {
			PREFETCHT0(Mem{Base: RBX, Index: R11, Scale: uint8(size), Disp: ahead + j*v.bytes})
		}
	}
	for i := range rows {
		at := row(bases[i/4], R8, R9, i)
		switch {
		case width == 1 && v.isa == 512 && f64:
			VFMADD231PD_BCST(at, b[0], sum(i, 0))
		case width == 1 && v.isa == 512:
			VFMADD231PS_BCST(at, b[0], sum(i, 0))
		default:
			broadcast(f64, at, a[i%2])
			for j := range width {
				fma(f64, a[i%2], b[j], sum(i, j))
			}
		}
	}
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Load(Param("stepA"), R10)
	ADDQ(R10, RAX)
	Load(Param("stepB"), R11)
	ADDQ(R11, RBX)
	DECQ(R15)
	JNZ(LabelRef("matrix"))
	Label("done")
	endTaps(v, f64, rows, width, restore)
}

// maxRun is the largest number of terms that a pair of the table of tapRuns stands for.
const maxRun = 4

// tapRuns writes taps for two vectors where a pair of the table stands for several terms: in a row of A they are next to each other, in
// B stepRun apart. So only the first of them is looked up, and no step has to find the rows of A, for each of which there is a register.
//
// Registers: AX, R8, R9, R12, R13 and R14 are rows of A, R10 the column at hand; BX is B, R11 its row at hand; DX is the end of the
// table, CX how far that is; DI is stepRun.
func tapRuns(v vectors, f64 bool, run, rows int) {
	const width = 2
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("tapRuns%d%s%dx%d", v.isa, suffix, run, rows),
		fmt.Sprintf("func(n, stepA, stepB, k int, table *int32, a *%[1]s, rowA int, b *%[1]s, stepRun int, c *%[1]s, rowC int, bias *%[1]s, accumulate int)", typ),
		"sets (accumulate 0), or adds to (1), a block of C of %d rows and %d vectors: the sum of n products A B over the k pairs of the table, at least one, each for %d terms, and the bias, if any, which lies in rows as A's. Strides and steps are in bytes.", rows, width, run)
	restore := flushSubnormals()
	n := len(v.regs)
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	b, a := v.regs[n-4:n-2], v.regs[n-2:]
	at := []GPPhysical{RAX, R8, R9, R12, R13, R14}[:rows]
	Load(Param("n"), R15)
	Load(Param("a"), RAX)
	Load(Param("rowA"), R10)
	Load(Param("b"), RBX)
	Load(Param("stepRun"), RDI)
	for i := 1; i < rows; i++ {
		LEAQ(Mem{Base: at[i-1], Index: R10, Scale: 1}, at[i])
	}
	for _, r := range v.regs[:rows*width] {
		clearVector(v, r)
	}
	Load(Param("k"), R10)
	Load(Param("table"), RDX)
	LEAQ(Mem{Base: RDX, Index: R10, Scale: 8}, RDX)
	Label("matrix")
	Load(Param("k"), RCX)
	SHLQ(Imm(3), RCX)
	NEGQ(RCX)
	Label("loop")
	MOVLQSX(Mem{Base: RDX, Index: RCX, Scale: 1}, R10)
	MOVLQSX(Mem{Base: RDX, Index: RCX, Scale: 1, Disp: 4}, R11)
	LEAQ(Mem{Base: RBX, Index: R11, Scale: uint8(size)}, R11)
	for term := range run {
		if term > 0 {
			ADDQ(RDI, R11)
		}
		for j := range width {
			load(f64, Mem{Base: R11, Disp: j * v.bytes}, b[j])
		}
		PREFETCHT0(Mem{Base: R11, Disp: ahead})
		for i := range rows {
			broadcast(f64, Mem{Base: at[i], Index: R10, Scale: uint8(size), Disp: term * size}, a[i%2])
			for j := range width {
				fma(f64, a[i%2], b[j], sum(i, j))
			}
		}
	}
	ADDQ(Imm(8), RCX)
	JNZ(LabelRef("loop"))
	Load(Param("stepA"), R10)
	for _, r := range at {
		ADDQ(R10, r)
	}
	Load(Param("stepB"), R11)
	ADDQ(R11, RBX)
	DECQ(R15)
	JNZ(LabelRef("matrix"))
	Load(Param("c"), RDI)
	Load(Param("rowC"), RSI)
	Load(Param("rowA"), R8)
	LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R9)
	endTaps(v, f64, rows, width, restore)
}

// endTaps writes what taps does with its sums: R8 is A's row stride, R9 three of it, and C is at DI with rows SI apart.
func endTaps(v vectors, f64 bool, rows, width int, restore func()) {
	n := len(v.regs)
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	a := v.regs[n-2:]
	bases := []GPPhysical{R10, R12, R13, R14}[:(rows+3)/4]
	Load(Param("bias"), R10)
	TESTQ(R10, R10)
	JZ(LabelRef("unbiased"))
	for i := 1; i < len(bases); i++ {
		LEAQ(Mem{Base: bases[i-1], Index: R8, Scale: 4}, bases[i])
	}
	for i := range rows {
		broadcast(f64, row(bases[i/4], R8, R9, i), a[i%2])
		for j := range width {
			plus(f64, a[i%2], sum(i, j), sum(i, j))
		}
	}
	Label("unbiased")
	setOrAdd(v, f64, rows, width, restore, sum)
}

// setOrAdd ends a function by setting the block of C, or adding to it.
func setOrAdd(v vectors, f64 bool, rows, width int, restore func(), sum func(i, j int) VecPhysical) {
	Load(Param("accumulate"), RBX)
	TESTQ(RBX, RBX)
	JZ(LabelRef("set"))
	eachVector(v, rows, width, restore, func(m Mem, i, j int) {
		plus(f64, m, sum(i, j), sum(i, j))
		load(f64, sum(i, j), m)
	})
	Label("set")
	eachVector(v, rows, width, restore, func(m Mem, i, j int) { load(f64, sum(i, j), m) })
}
