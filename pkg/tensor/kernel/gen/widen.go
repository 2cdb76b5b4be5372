package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// widen writes the conversion of float32 to float64.
func widen(v vectors) {
	function(fmt.Sprintf("widen%d", v.isa), "func(y *float64, x *float32, n int)",
		"sets y to x, n vectors of %d numbers.", v.bytes/8)
	Load(Param("y"), RDI)
	Load(Param("x"), RSI)
	Load(Param("n"), RCX)
	Label("loop")
	VCVTPS2PD(Mem{Base: RSI}, v.regs[0])
	load(true, v.regs[0], Mem{Base: RDI})
	ADDQ(Imm(uint64(v.bytes/2)), RSI)
	ADDQ(Imm(uint64(v.bytes)), RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
