package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gatedRows is the number of rows of A in the largest kernel of gated: A has a vector for each of its columns,
// and the sums are of two vectors.
func gatedRows(v vectors, f64 bool) int {
	_, _, size := element(f64)
	return min(v.heights[1], v.bytes/size)
}

// gated writes the kernel of a product whose terms are chosen for each example: the rows of A, and a panel of B, are the
// same for all, and an example has a list of the terms that count. It is where they are in A, in units of four bytes, from
// one vector to the next; in B, whose rows are of two vectors, it is that in units of eight. So an index serves
// both, and a term takes few instructions besides its multiply-adds.
//
// RAX is A, RBX B, RDX the list of the example, R12 what comes next in it and RCX how many are left; RDI is C, with rows RSI
// apart, R8 the gate of the example, and R11 the mask.
func gated(v vectors, f64 bool, rows int) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("gated%d%s%d", v.isa, suffix, rows),
		fmt.Sprintf("func(a, b *%[1]s, open *uint32, stepOpen int, c *%[1]s, rowC, stepC int, mask *byte, accumulate int, gate *%[1]s, rowGate, examples int)", typ),
		"sets (accumulate 0), or adds to (1), for each example, %d rows of C, two vectors wide: the sum of the terms of A B that it lists behind their number. Then they are set to 0 where its gate, if there is one, is 0 or below. Steps from an example to the next, and rows, are in bytes; no mask stands for all lanes.", rows)
	restore := flushSubnormals()
	Load(Param("a"), RAX)
	Load(Param("b"), RBX)
	Load(Param("open"), RDX)
	Load(Param("c"), RDI)
	Load(Param("rowC"), RSI)
	Load(Param("gate"), R8)
	Load(Param("mask"), R11)
	sum := func(i, j int) VecPhysical { return v.regs[2*i+j] }
	n := len(v.regs)
	b, a := v.regs[n-4:n-2], v.regs[n-2:]
	term := func(p int) {
		MOVL(Mem{Base: R12, Disp: 4 * p}, R9L)
		for j := range 2 {
			load(f64, Mem{Base: RBX, Index: R9, Scale: 8, Disp: j * v.bytes}, b[j])
		}
		for i := range rows {
			broadcast(f64, Mem{Base: RAX, Index: R9, Scale: 4, Disp: i * size}, a[i%2])
			for j := range 2 {
				fma(f64, a[i%2], b[j], sum(i, j))
			}
		}
	}
	Label("example")
	MOVQ(RDI, R10)
	overBlock(v, rows, 1, R10, RSI, func(Mem, int, int) {
		prefetchW(0)
		prefetchW(2*v.bytes - 1)
	})
	CMPQ(address("accumulate"), Imm(0))
	JNE(LabelRef("add"))
	for _, r := range v.regs[:2*rows] {
		clearVector(v, r)
	}
	Label("sum")
	MOVL(Mem{Base: RDX}, ECX)
	LEAQ(Mem{Base: RDX, Disp: 4}, R12)
	SUBQ(Imm(2), RCX)
	JLT(LabelRef("one"))
	Label("two")
	term(0)
	term(1)
	ADDQ(Imm(8), R12)
	SUBQ(Imm(2), RCX)
	JGE(LabelRef("two"))
	Label("one")
	ANDQ(Imm(1), RCX) // of -2 or -1
	JZ(LabelRef("summed"))
	term(0)
	Label("summed")
	TESTQ(R11, R11)
	JZ(LabelRef("whole"))
	gatedEnd(v, f64, rows, "masked", masks(v, R11))
	JMP(LabelRef("next"))
	Label("whole")
	gatedEnd(v, f64, rows, "unmasked", nil)
	Label("next")
	ADDQ(address("stepOpen"), RDX)
	ADDQ(address("stepC"), RDI)
	DECQ(address("examples"))
	JNZ(LabelRef("example"))
	VZEROUPPER()
	restore()
	RET()
	Label("add")
	read := func(mask []Op) {
		MOVQ(RDI, R10)
		overBlock(v, rows, 2, R10, RSI, func(m Mem, i, j int) { loadOptional(v, f64, m, mask, j, sum(i, j)) })
		JMP(LabelRef("sum"))
	}
	TESTQ(R11, R11)
	JZ(LabelRef("addWhole"))
	read(masks(v, R11))
	Label("addWhole")
	read(nil)
}

// gatedEnd writes what gated does with the sums of an example.
func gatedEnd(v vectors, f64 bool, rows int, name string, mask []Op) {
	gate, spare := v.regs[len(v.regs)-2], v.regs[len(v.regs)-1]
	TESTQ(R8, R8)
	JZ(LabelRef(name))
	for j := range 2 {
		loadOptional(v, f64, Mem{Base: R8, Disp: j * v.bytes}, mask, j, gate)
		isOpen(v, f64, gate, spare)
		for i := range rows {
			x := v.regs[2*i+j]
			if v.isa == 512 {
				either(f64, func() { VMOVAPS_Z(x, K3, x) }, func() { VMOVAPD_Z(x, K3, x) })()
			} else {
				VANDPS(gate, x, x)
			}
		}
	}
	ADDQ(address("rowGate"), R8)
	Label(name)
	MOVQ(RDI, R10)
	overBlock(v, rows, 2, R10, RSI, func(m Mem, i, j int) { storeOptional(v, f64, v.regs[2*i+j], mask, j, m) })
}

// isOpen finds the lanes of a gate that are not 0 or below, as closeWhere does: K3 for AVX-512, and all ones in the gate for
// AVX2.
func isOpen(v vectors, f64 bool, gate, spare Op) {
	infinite := negativeInfinity(f64)
	switch {
	case v.isa == 512 && f64:
		VPCMPGTQ_BCST(infinite, gate, K3)
		VPTESTMQ(gate, gate, K3, K3)
	case v.isa == 512:
		VPCMPGTD_BCST(infinite, gate, K3)
		VPTESTMD(gate, gate, K3, K3)
	default:
		openLanes(f64, gate, table("zeros", 4, func(int) Constant { return U64(0) }), spare)
	}
}
