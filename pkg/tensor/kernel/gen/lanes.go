package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transposeRows writes transposes of square blocks of one vector's length whose rows lie
// anywhere: those of the result (to), or those of the source. A table has so many places for
// each block.
func transposeRows(v vectors, f64, to bool, body func(in []VecPhysical) (out []VecPhysical)) {
	suffix, typ, size := element(f64)
	lanes := v.bytes / size
	name, signature := "transposeFrom", "func(dst *%[1]s, rowDst int, src *%[1]s, rows *int32, n int)"
	if to {
		name, signature = "transposeTo", "func(dst *%[1]s, rows *int32, src *%[1]s, rowSrc, n int)"
	}
	function(fmt.Sprintf("%s%d%s", name, v.isa, suffix), fmt.Sprintf(signature, typ),
		"transposes n blocks of %[1]d x %[1]d. Strides are in bytes.", lanes)
	Load(Param("dst"), RDI)
	Load(Param("src"), RSI)
	Load(Param("rows"), RDX)
	Load(Param("n"), RCX)
	if to {
		Load(Param("rowSrc"), R9)
	} else {
		Load(Param("rowDst"), R9)
	}
	LEAQ(Mem{Base: R9, Index: R9, Scale: 2}, R10)
	// each calls f for every row in the order of memory: of the side that is regular, and of
	// the other by the table.
	regular := func(base Register, f func(i int, m Mem)) {
		MOVQ(base, RAX)
		for i := range lanes {
			f(i, row(RAX, R9, R10, i))
			if i%4 == 3 && i < lanes-1 {
				LEAQ(Mem{Base: RAX, Index: R9, Scale: 4}, RAX)
			}
		}
		ADDQ(Imm(uint64(v.bytes)), base)
	}
	listed := func(base Register, f func(i int, m Mem)) {
		for i := range lanes {
			MOVLQSX(Mem{Base: RDX, Disp: 4 * i}, RAX)
			f(i, Mem{Base: base, Index: RAX, Scale: uint8(size)})
		}
		ADDQ(Imm(uint64(4*lanes)), RDX)
	}
	read, write := listed, regular
	if to {
		read, write = regular, listed
	}
	Label("loop")
	read(RSI, func(i int, m Mem) { load(f64, m, v.regs[i]) })
	out := body(v.regs[:lanes])
	write(RDI, func(i int, m Mem) { load(f64, out[i], m) })
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
