package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gather writes the packing of a panel whose rows lie anywhere and are made of
// pieces, each a vector of 16, 32 or 64 bytes: row r takes piece i from
// src[rows[r]], pieces[2 i] bytes on, to the panel's row, pieces[2 i + 1] bytes on.
//
// A piece writes its whole vector, so pieces go from left to right and rows from
// top to bottom: what one writes too much, the next overwrites.
func gather(vector VecPhysical, bytes int, f64 bool) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("gather%d%s", 8*bytes, suffix),
		fmt.Sprintf("func(dst *%[1]s, rowDst int, src *%[1]s, rows *int32, n int, pieces *int, count int)", typ),
		"copies n rows of count pieces of %d bytes. rowDst is in bytes.", bytes)
	Load(Param("dst"), RDI)
	Load(Param("rowDst"), RDX)
	Load(Param("src"), RSI)
	Load(Param("rows"), R8)
	Load(Param("n"), RCX)
	Load(Param("pieces"), R9)
	Load(Param("count"), RBX)
	start := func() { // AX points to the row's source
		MOVLQSX(Mem{Base: R8}, RAX)
		LEAQ(Mem{Base: RSI, Index: RAX, Scale: uint8(size)}, RAX)
		ADDQ(Imm(4), R8)
	}
	move := func(from, to Register) {
		load(f64, Mem{Base: RAX, Index: from, Scale: 1}, vector)
		load(f64, vector, Mem{Base: RDI, Index: to, Scale: 1})
	}
	// What few pieces there mostly are stays in registers.
	registers := []GPPhysical{R10, R11, R12, R13, R14, R15, RBX, R9}
	for count := 1; count <= 4; count++ {
		CMPQ(RBX, Imm(uint64(count)))
		JNE(LabelRef(fmt.Sprintf("not%d", count)))
		for i, r := range registers[:2*count] {
			MOVQ(Mem{Base: R9, Disp: 8 * i}, r)
		}
		loop := fmt.Sprintf("loop%d", count)
		Label(loop)
		start()
		for i := range count {
			move(registers[2*i], registers[2*i+1])
		}
		ADDQ(RDX, RDI)
		DECQ(RCX)
		JNZ(LabelRef(loop))
		VZEROUPPER()
		RET()
		Label(fmt.Sprintf("not%d", count))
	}
	Label("loop")
	start()
	MOVQ(R9, R10)
	MOVQ(RBX, R11)
	Label("pieces")
	MOVQ(Mem{Base: R10}, R12)
	MOVQ(Mem{Base: R10, Disp: 8}, R13)
	move(R12, R13)
	ADDQ(Imm(16), R10)
	DECQ(R11)
	JNZ(LabelRef("pieces"))
	ADDQ(RDX, RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
