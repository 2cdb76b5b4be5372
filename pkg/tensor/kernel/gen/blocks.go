package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// productBlocks writes the loop of product over blocks below each other: with a small k much of
// the time would go into calls, and into switching subnormal numbers off and on.
//
// R14 is A of the block, R15 the blocks that are left.
func productBlocks(v vectors, f64 bool, rows, width int) {
	gate := AllocLocal(8) // how far the gate of the block is from the first
	MOVQ(U32(0), gate)
	Load(Param("a"), R14)
	Load(Param("blocks"), R15)
	Label("block")
	Load(Param("k"), RCX)
	MOVQ(R14, RAX)
	Load(Param("rowA"), R8)
	Load(Param("colA"), R13)
	Load(Param("b"), RBX)
	Load(Param("rowB"), RDX)
	fetchNext(v, width)
	fetchBlock(v, rows, width, gate)
	productSteps(v, f64, rows, width)
	finishBlock(v, f64, rows, width, gate)
	ADDQ(address("stepA"), R14)
	DECQ(R15)
	JNZ(LabelRef("block"))
}

// productSteps writes the loops of product with four steps of k in each turn: one for an A whose
// rows have no gaps, one for an A whose columns have none. Then places within a turn are constants,
// and little is around the multiply-adds. Where two threads share a core, each has half of the
// instructions that it starts in a cycle, 3 of 6 with AMD Zen 3, and their number bounds the
// loop: 4 x 3 vectors take 20 for 12 multiply-adds, where 6 x 2 with a step in each turn take 27. What comes
// next of a packed B is left to the processor, which sees that it is read in order.
//
// AX and R10 point to every fourth row of A; R9 is three times A's stride, R11 three times B's, R12 the steps that are left over.
func productSteps(v vectors, f64 bool, rows, width int) {
	_, _, size := element(f64)
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	b := v.regs[rows*width:][:width]
	a := v.regs[rows*width+width:]
	step := func(p int, at func(i, p int) Mem) {
		from := row(RBX, RDX, R11, p)
		for j := range width {
			from.Disp = j * v.bytes
			load(f64, from, b[j])
		}
		for i := range rows {
			r := a[i%len(a)]
			broadcast(f64, at(i, p), r)
			for j := range width {
				fma(f64, r, b[j], sum(i, j))
			}
		}
	}
	loops := func(name string, at func(i, p int) Mem, move func(steps int)) {
		SHRQ(Imm(2), RCX)
		JZ(LabelRef(name + "Rest"))
		Label(name + "Loop")
		for p := range v.steps {
			step(p, at)
		}
		LEAQ(Mem{Base: RBX, Index: RDX, Scale: 4}, RBX)
		move(v.steps)
		DECQ(RCX)
		JNZ(LabelRef(name + "Loop"))
		Label(name + "Rest")
		ANDQ(Imm(uint64(v.steps-1)), R12)
		JZ(LabelRef("done"))
		Label(name + "Last")
		step(0, at)
		ADDQ(RDX, RBX)
		move(1)
		DECQ(R12)
		JNZ(LabelRef(name + "Last"))
	}
	for i := range rows {
		for j := range width {
			clearVector(v, sum(i, j))
		}
	}
	LEAQ(Mem{Base: RDX, Index: RDX, Scale: 2}, R11)
	MOVQ(RCX, R12)
	CMPQ(R13, Imm(uint64(size)))
	JNE(LabelRef("columns"))
	LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R9)
	bases := []GPPhysical{RAX, R10}[:(rows+3)/4]
	for i := 1; i < len(bases); i++ {
		LEAQ(Mem{Base: bases[i-1], Index: R8, Scale: 4}, bases[i])
	}
	loops("rows", func(i, p int) Mem {
		m := row(bases[i/4], R8, R9, i)
		m.Disp = p * size
		return m
	}, func(steps int) {
		for _, r := range bases {
			ADDQ(Imm(uint64(steps*size)), r)
		}
	})
	JMP(LabelRef("done"))
	Label("columns")
	LEAQ(Mem{Base: R13, Index: R13, Scale: 2}, R9)
	loops("columns", func(i, p int) Mem {
		m := row(RAX, R13, R9, p)
		m.Disp = i * size
		return m
	}, func(steps int) {
		if steps == 1 {
			ADDQ(R13, RAX)
		} else {
			LEAQ(Mem{Base: RAX, Index: R13, Scale: 4}, RAX)
		}
	})
	Label("done")
}

// fetchNext fetches rowsNext rows of what comes next, and moves next, its own argument, behind them for the
// next block: into the second-level cache, since the first is full of what is at work. R9, R10 and R11 are lost.
func fetchNext(v vectors, width int) {
	next := address("next")
	Load(Param("rowsNext"), R9)
	TESTQ(R9, R9)
	JZ(LabelRef("ahead"))
	MOVQ(next, R10)
	Load(Param("rowNext"), R11)
	Label("nextRow")
	PREFETCHT1(Mem{Base: R10})
	PREFETCHT1(Mem{Base: R10, Disp: width*v.bytes - 1})
	ADDQ(R11, R10)
	DECQ(R9)
	JNZ(LabelRef("nextRow"))
	MOVQ(R10, next)
	Label("ahead")
}

// fetchBlock fetches a block of C, which may lie across lines, while its sums are made: to be
// written, so that another core which wrote it before gives it away by then. And its gate, if
// there is one.
func fetchBlock(v vectors, rows, width int, gate Mem) {
	each := func(step Op, fetch func(disp int)) {
		const line = 64
		last := width*v.bytes - 1
		for i := range rows {
			for at := 0; at < last+line; at += line {
				fetch(min(at, last))
			}
			if i < rows-1 {
				ADDQ(step, R10)
			}
		}
	}
	MOVQ(RDI, R10)
	each(RSI, prefetchW)
	Load(Param("end"), R9)
	TESTQ(R9, R9)
	JZ(LabelRef("fetched"))
	MOVQ(Mem{Base: R9, Disp: endGate}, R10)
	TESTQ(R10, R10)
	JZ(LabelRef("fetched"))
	ADDQ(gate, R10)
	MOVQ(Mem{Base: R9, Disp: endRowGate}, R11)
	each(R11, func(disp int) { PREFETCHT0(Mem{Base: R10, Disp: disp}) })
	Label("fetched")
}

// Places of an ending, see there.
const (
	endBias    = 0
	endGate    = 8
	endRowGate = 16
	endRectify = 24
)

// finishBlock writes what a product of AVX2 does with its sums: multiplied by alpha and added to C, if
// asked for, they are finished in the registers, and stored. The last vector of a row is
// read under its mask even if that is whole; masked stores take many cycles. Then C and the gate are
// those of the next block.
func finishBlock(v vectors, f64 bool, rows, width int, gate Mem) {
	sum := func(i, j int) VecPhysical { return v.regs[i*width+j] }
	mask, spare, c, alpha := Y12, Y13, Y14, Y15
	each := func(from, step Register, f func(m Mem, i, j int)) { overBlock(v, rows, width, from, step, f) }
	read := func(m Mem, j int, to Op) {
		if j < width-1 {
			load(f64, m, to)
		} else {
			loadMasked(v, f64, m, mask, to)
		}
	}
	broadcast(f64, address("alpha"), alpha)
	Load(Param("mask"), RAX)
	Load(Param("accumulate"), RBX)
	Load(Param("end"), R8)
	VPCMPEQD(mask, mask, mask)
	TESTQ(RAX, RAX)
	JZ(LabelRef("masked"))
	VMOVDQU(Mem{Base: RAX, Disp: (width - 1) * v.bytes}, mask)
	Label("masked")
	TESTQ(RBX, RBX)
	JZ(LabelRef("set"))
	MOVQ(RDI, R10)
	each(R10, RSI, func(m Mem, i, j int) {
		read(m, j, c)
		either(f64, func() { VFMADD213PS(c, alpha, sum(i, j)) }, func() { VFMADD213PD(c, alpha, sum(i, j)) })()
	})
	JMP(LabelRef("finish"))
	Label("set")
	for i := range rows {
		for j := range width {
			multiply(f64, alpha, sum(i, j), sum(i, j))
		}
	}
	Label("finish")
	TESTQ(R8, R8)
	JZ(LabelRef("store"))
	zero := alpha
	clearVector(v, zero)
	rectify := func(body func(x Op)) {
		MOVQ(Mem{Base: R8, Disp: endRectify}, R11)
		TESTQ(R11, R11)
		JZ(LabelRef("gate"))
		for _, x := range v.regs[:rows*width] {
			body(x)
		}
	}
	MOVQ(Mem{Base: R8, Disp: endBias}, R9)
	TESTQ(R9, R9)
	JZ(LabelRef("unbiased"))
	for j := range width {
		read(Mem{Base: R9, Disp: j * v.bytes}, j, c)
		for i := range rows {
			plus(f64, sum(i, j), c, sum(i, j))
		}
	}
	// As the kernels of finishes do, to the bit: -0 stays with a bias, and becomes 0 without.
	rectify(func(x Op) { largest(f64, x, zero, x) })
	JMP(LabelRef("gate"))
	Label("unbiased")
	rectify(func(x Op) { openWhere(v, f64, x, zero, x, spare) })
	Label("gate")
	MOVQ(Mem{Base: R8, Disp: endGate}, R9)
	TESTQ(R9, R9)
	JZ(LabelRef("store"))
	ADDQ(gate, R9)
	MOVQ(Mem{Base: R8, Disp: endRowGate}, R11)
	each(R9, R11, func(m Mem, i, j int) {
		read(m, j, c)
		closeWhere(f64, c, zero, sum(i, j), spare)
	})
	ADDQ(R11, R9)
	SUBQ(Mem{Base: R8, Disp: endGate}, R9)
	MOVQ(R9, gate)
	Label("store")
	TESTQ(RAX, RAX)
	JZ(LabelRef("whole"))
	each(RDI, RSI, func(m Mem, i, j int) {
		if j < width-1 {
			load(f64, sum(i, j), m)
		} else {
			storeMasked(v, f64, sum(i, j), mask, m)
		}
	})
	JMP(LabelRef("next"))
	Label("whole")
	each(RDI, RSI, func(m Mem, i, j int) { load(f64, sum(i, j), m) })
	Label("next")
	ADDQ(RSI, RDI)
}

// closeWhere sets x to 0 where the gate is 0 or below, as openWhere does, in a function that takes subnormal
// numbers for 0, which those of a gate are not: as integers, the bits of numbers above 0 and of NaNs are above
// those of -Inf, and not 0.
func closeWhere(f64 bool, gate, zero, x, spare Op) {
	openLanes(f64, gate, zero, spare)
	VANDPS(gate, x, x)
}

// openLanes makes the lanes of a gate all ones where it lets pass, and 0 elsewhere.
func openLanes(f64 bool, gate, zero, spare Op) {
	either(f64, func() { VPCMPGTD(negativeInfinity(f64), gate, spare) }, func() { VPCMPGTQ(negativeInfinity(f64), gate, spare) })()
	either(f64, func() { VPCMPEQD(zero, gate, gate) }, func() { VPCMPEQQ(zero, gate, gate) })()
	VPANDN(spare, gate, gate)
}

// negativeInfinity is a vector of AVX2 of -Inf.
func negativeInfinity(f64 bool) Mem {
	if f64 {
		return table("negativeInfinityd", 4, func(int) Constant { return U64(0xfff << 52) })
	}
	return table("negativeInfinitys", 8, func(int) Constant { return U32(0x1ff << 23) })
}
