package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// finishes writes what a product does to a panel of C, of two vectors, when it is complete:
// a bias added to each row, also with numbers below 0 set to 0, and numbers set to 0 where a
// gate is not above 0.
func finishes(v vectors, f64 bool) {
	suffix, typ, _ := element(f64)
	n := len(v.regs)
	zero := v.regs[n-6]
	add := func(name, doc string, rectify bool) {
		function(fmt.Sprintf("%s%d%s", name, v.isa, suffix),
			fmt.Sprintf("func(c *%[1]s, rowC, rows int, bias *%[1]s, mask *byte)", typ),
			"%s; no mask stands for two whole vectors. rowC is in bytes.", doc)
		restore := flushSubnormals()
		Load(Param("bias"), RSI)
		bias := v.regs[2:4]
		panelRows(v, f64, restore, func(mask []Op) {
			clearVector(v, zero)
			for j := range 2 {
				loadOptional(v, f64, Mem{Base: RSI, Disp: j * v.bytes}, mask, j, bias[j])
			}
		}, func(mask []Op, at func(j int) Mem) {
			for j := range 2 {
				c := v.regs[j]
				loadOptional(v, f64, at(j), mask, j, c)
				plus(f64, c, bias[j], c)
				if rectify {
					largest(f64, c, zero, c)
				}
				storeOptional(v, f64, c, mask, j, at(j))
			}
		})
	}
	add("addBias", "adds a bias to rows of a panel of C", false)
	add("addRectify", "adds a bias to rows of a panel of C and sets what is below 0 to 0", true)

	function(fmt.Sprintf("gateRows%d%s", v.isa, suffix),
		fmt.Sprintf("func(c *%[1]s, rowC int, gate *%[1]s, rowGate, rows int, mask *byte)", typ),
		"sets rows of a panel of C to 0 where the gate is 0 or below; no mask stands for two whole vectors. Rows are in bytes.")
	Load(Param("gate"), RSI)
	Load(Param("rowGate"), R9)
	panelRows(v, f64, func() {}, func([]Op) { clearVector(v, zero) }, func(mask []Op, at func(j int) Mem) {
		for j := range 2 {
			c, gate := v.regs[j], v.regs[2+j]
			loadOptional(v, f64, at(j), mask, j, c)
			loadOptional(v, f64, Mem{Base: RSI, Disp: j * v.bytes}, mask, j, gate)
			openWhere(v, f64, gate, zero, c, v.regs[4])
			storeOptional(v, f64, c, mask, j, at(j))
		}
		ADDQ(R9, RSI)
	})
}

// panelRows ends a function with a loop over rows of C, RDI in steps of R8, twice: under
// masks, and without. begin is written before each.
func panelRows(v vectors, f64 bool, restore func(), begin func(mask []Op), body func(mask []Op, at func(j int) Mem)) {
	Load(Param("c"), RDI)
	Load(Param("rowC"), R8)
	Load(Param("rows"), RCX)
	Load(Param("mask"), RAX)
	TESTQ(RAX, RAX)
	JZ(LabelRef("whole"))
	for _, name := range []string{"masked", "whole"} {
		var mask []Op
		if name == "masked" {
			mask = masks(v, RAX)
		} else {
			Label(name)
		}
		begin(mask)
		Label(name + "Row")
		body(mask, func(j int) Mem { return Mem{Base: RDI, Disp: j * v.bytes} })
		ADDQ(R8, RDI)
		DECQ(RCX)
		JNZ(LabelRef(name + "Row"))
		VZEROUPPER()
		restore()
		RET()
	}
}

// loadOptional loads vector j of a row, under its mask if there is one.
func loadOptional(v vectors, f64 bool, from Op, mask []Op, j int, to Op) {
	if mask == nil {
		load(f64, from, to)
	} else {
		loadMasked(v, f64, from, mask[j], to)
	}
}

// storeOptional stores vector j of a row.
func storeOptional(v vectors, f64 bool, from Op, mask []Op, j int, to Op) {
	if mask == nil {
		load(f64, from, to)
	} else {
		storeMasked(v, f64, from, mask[j], to)
	}
}

// largest sets to = max(x, y), x where it is a NaN: MAX returns its second operand, in Go's
// order the first, if one is.
func largest(f64 bool, x, y, to Op) {
	either(f64, func() { VMAXPS(x, y, to) }, func() { VMAXPD(x, y, to) })()
}

// openWhere sets x to 0 where the gate is 0 or below; a NaN in the gate lets x pass.
func openWhere(v vectors, f64 bool, gate, zero, x, free Op) {
	const notLessOrEqual = 6 // unordered counts
	if v.isa == 512 {
		either(f64, func() { VCMPPS(U8(notLessOrEqual), zero, gate, K3) }, func() { VCMPPD(U8(notLessOrEqual), zero, gate, K3) })()
		either(f64, func() { VMOVAPS_Z(x, K3, x) }, func() { VMOVAPD_Z(x, K3, x) })()
		return
	}
	either(f64, func() { VCMPPS(U8(notLessOrEqual), zero, gate, free) }, func() { VCMPPD(U8(notLessOrEqual), zero, gate, free) })()
	VANDPS(free, x, x)
}
