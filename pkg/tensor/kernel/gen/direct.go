package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// directRows is the largest number of rows of C for which B is read in place:
// with more, packing a panel once and reading it in order is cheaper.
const directRows = 4

// direct writes the kernel of a block of C of rows x two vectors whose B is not
// packed: row r of B is a vector at src[rows[r]] and another, second bytes on.
// Sums are in the order of product's, so that they have the same bits.
func direct(v vectors, f64 bool, rows int) {
	suffix, typ, size := element(f64)
	function(fmt.Sprintf("direct%d%s%d", v.isa, suffix, rows),
		fmt.Sprintf("func(k int, a *%[1]s, rowA int, src *%[1]s, rows *int32, second int, c *%[1]s, rowC int, accumulate int)", typ),
		"sets (accumulate 0), or adds to (1), a block of C of %d rows and two vectors: A B. Strides are in bytes.", rows)
	restore := flushSubnormals()
	Load(Param("k"), RCX)
	Load(Param("a"), RAX)
	Load(Param("rowA"), R8)
	Load(Param("src"), RBX)
	Load(Param("rows"), R10)
	Load(Param("second"), RDX)
	Load(Param("c"), RDI)
	Load(Param("rowC"), RSI)
	LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R9)
	n := len(v.regs)
	sum := func(i, j int) VecPhysical { return v.regs[i*2+j] }
	b, a := v.regs[n-4:n-2], v.regs[n-2:]
	for i := range rows {
		for j := range 2 {
			clearVector(v, sum(i, j))
		}
	}
	Label("loop")
	MOVLQSX(Mem{Base: R10}, R11)
	LEAQ(Mem{Base: RBX, Index: R11, Scale: uint8(size)}, R11)
	ADDQ(Imm(4), R10)
	load(f64, Mem{Base: R11}, b[0])
	load(f64, Mem{Base: R11, Index: RDX, Scale: 1}, b[1])
	for i := range rows {
		broadcast(f64, row(RAX, R8, R9, i), a[i%2])
		for j := range 2 {
			fma(f64, a[i%2], b[j], sum(i, j))
		}
	}
	ADDQ(Imm(uint64(size)), RAX)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	setOrAdd(v, f64, rows, 2, restore, sum)
}
