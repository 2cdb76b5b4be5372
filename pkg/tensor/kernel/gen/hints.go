package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// prefetchW writes PREFETCHW disp(R10), 0 <= disp < 128, which Go's assembler does not know. Processors
// without it do nothing.
func prefetchW(disp int) {
	for _, b := range []uint8{0x41, 0x0f, 0x0d, 0x4a, uint8(disp)} {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{Imm(uint64(b))}})
	}
}

// fetch writes the hint that memory will be read soon.
func fetch() {
	function("fetch", "func(p *uint8, lines int)", "fetches so many lines, at least one, into the first-level cache.")
	Load(Param("p"), RAX)
	Load(Param("lines"), RCX)
	Label("loop")
	PREFETCHT0(Mem{Base: RAX})
	ADDQ(Imm(64), RAX)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	RET()
}

// pause writes the hint of a waiting loop.
func pause() {
	function("pause", "func(n int)", "waits n times as long as the processor suggests to a waiting loop.")
	Load(Param("n"), RCX)
	Label("loop")
	PAUSE()
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	RET()
}
