package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// copyPanel writes the packing of a panel of B that is not transposed: n rows of
// up to so many vectors, padded with zeros.
func copyPanel(v vectors, f64 bool, width int) {
	suffix, typ, _ := element(f64)
	function(fmt.Sprintf("copyPanel%d%sx%d", v.isa, suffix, width),
		fmt.Sprintf("func(dst *%[1]s, rowDst int, src *%[1]s, rowSrc, n int, mask *byte)", typ),
		"copies n rows of %d vectors, 0 in lanes that the mask leaves out. Strides are in bytes.", width)
	Load(Param("dst"), RDI)
	Load(Param("rowDst"), R8)
	Load(Param("src"), RSI)
	Load(Param("rowSrc"), R9)
	Load(Param("n"), RCX)
	Load(Param("mask"), RAX)
	mask := masks(v, RAX)
	if width > len(mask) {
		VMOVDQU(Mem{Base: RAX, Disp: 2 * v.bytes}, Y14)
		mask = append(mask, Y14)
	}
	Label("loop")
	if v.steps > 1 { // rows of a large matrix lie in different pages, where processors do not look ahead
		for j := 0; j < width*v.bytes; j += 64 {
			PREFETCHT0(Mem{Base: RSI, Index: R9, Scale: 8, Disp: j})
		}
	}
	for j := range width {
		loadMasked(v, f64, Mem{Base: RSI, Disp: j * v.bytes}, mask[j], v.regs[j])
	}
	for j := range width {
		load(f64, v.regs[j], Mem{Base: RDI, Disp: j * v.bytes})
	}
	ADDQ(R8, RDI)
	ADDQ(R9, RSI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// row addresses row i of rows that are stride bytes apart; triple is three
// strides. Every fourth row the caller moves base on.
func row(base, stride, triple Register, i int) Mem {
	m := Mem{Base: base}
	switch i % 4 {
	case 1:
		m.Index, m.Scale = stride, 1
	case 2:
		m.Index, m.Scale = stride, 2
	case 3:
		m.Index, m.Scale = triple, 1
	}
	return m
}

// transpose begins a function that packs a panel of a transposed B: n square
// blocks of one vector's length, next to each other in src, below each other in
// dst. The function body transposes the block in the registers it is given.
func transpose(v vectors, f64 bool, body func(in []VecPhysical) (out []VecPhysical)) {
	suffix, typ, size := element(f64)
	lanes := v.bytes / size
	function(fmt.Sprintf("transpose%d%s", v.isa, suffix),
		fmt.Sprintf("func(dst *%[1]s, rowDst int, src *%[1]s, rowSrc, n int)", typ),
		"transposes n blocks of %[1]d x %[1]d. Strides are in bytes.", lanes)
	Load(Param("dst"), RDI)
	Load(Param("rowDst"), R8)
	Load(Param("src"), RSI)
	Load(Param("rowSrc"), R9)
	Load(Param("n"), RCX)
	LEAQ(Mem{Base: R9, Index: R9, Scale: 2}, R10)
	LEAQ(Mem{Base: R8, Index: R8, Scale: 2}, R11)
	Label("loop")
	MOVQ(RSI, RAX)
	for i := range lanes {
		load(f64, row(RAX, R9, R10, i), v.regs[i])
		if i%4 == 3 && i < lanes-1 {
			LEAQ(Mem{Base: RAX, Index: R9, Scale: 4}, RAX)
		}
	}
	out := body(v.regs[:lanes])
	for i := range lanes {
		load(f64, out[i], row(RDI, R8, R11, i))
		if i%4 == 3 {
			LEAQ(Mem{Base: RDI, Index: R8, Scale: 4}, RDI)
		}
	}
	ADDQ(Imm(uint64(v.bytes)), RSI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// transpose512 exchanges pairs of elements, then pairs of pairs, within the
// 128-bit quarters of vectors, and last the quarters.
func transpose512(f64 bool) func(a []VecPhysical) []VecPhysical {
	return func(a []VecPhysical) []VecPhysical {
		t := avx512.regs[16:]
		if f64 {
			for i := 0; i < 8; i += 2 {
				VUNPCKLPD(a[i+1], a[i], t[i])
				VUNPCKHPD(a[i+1], a[i], t[i+1])
			}
			out := make([]VecPhysical, 8)
			for c := range 2 {
				VSHUFF64X2(U8(0x88), t[2+c], t[c], a[0])
				VSHUFF64X2(U8(0x88), t[6+c], t[4+c], a[1])
				VSHUFF64X2(U8(0xdd), t[2+c], t[c], a[2])
				VSHUFF64X2(U8(0xdd), t[6+c], t[4+c], a[3])
				o := avx512.regs[8+4*c:]
				VSHUFF64X2(U8(0x88), a[1], a[0], o[0])
				VSHUFF64X2(U8(0xdd), a[1], a[0], o[1])
				VSHUFF64X2(U8(0x88), a[3], a[2], o[2])
				VSHUFF64X2(U8(0xdd), a[3], a[2], o[3])
				out[c], out[4+c], out[2+c], out[6+c] = o[0], o[1], o[2], o[3]
			}
			return out
		}
		for i := 0; i < 16; i += 2 {
			VUNPCKLPS(a[i+1], a[i], t[i])
			VUNPCKHPS(a[i+1], a[i], t[i+1])
		}
		for i := 0; i < 16; i += 4 {
			VUNPCKLPD(t[i+2], t[i], a[i])
			VUNPCKHPD(t[i+2], t[i], a[i+1])
			VUNPCKLPD(t[i+3], t[i+1], a[i+2])
			VUNPCKHPD(t[i+3], t[i+1], a[i+3])
		}
		for j := range 4 {
			VSHUFF32X4(U8(0x88), a[4+j], a[j], t[j])
			VSHUFF32X4(U8(0xdd), a[4+j], a[j], t[4+j])
			VSHUFF32X4(U8(0x88), a[12+j], a[8+j], t[8+j])
			VSHUFF32X4(U8(0xdd), a[12+j], a[8+j], t[12+j])
		}
		for j := range 4 {
			VSHUFF32X4(U8(0x88), t[8+j], t[j], a[j])
			VSHUFF32X4(U8(0xdd), t[8+j], t[j], a[8+j])
			VSHUFF32X4(U8(0x88), t[12+j], t[4+j], a[4+j])
			VSHUFF32X4(U8(0xdd), t[12+j], t[4+j], a[12+j])
		}
		return a
	}
}

// transpose256 does the same with two 128-bit halves.
func transpose256(f64 bool) func(a []VecPhysical) []VecPhysical {
	return func(a []VecPhysical) []VecPhysical {
		t := avx2.regs[8:]
		if f64 {
			VUNPCKLPD(a[1], a[0], t[0])
			VUNPCKHPD(a[1], a[0], t[1])
			VUNPCKLPD(a[3], a[2], t[2])
			VUNPCKHPD(a[3], a[2], t[3])
			for c := range 2 {
				VPERM2F128(U8(0x20), t[2+c], t[c], a[c])
				VPERM2F128(U8(0x31), t[2+c], t[c], a[2+c])
			}
			return a
		}
		for i := 0; i < 8; i += 2 {
			VUNPCKLPS(a[i+1], a[i], t[i])
			VUNPCKHPS(a[i+1], a[i], t[i+1])
		}
		for i := 0; i < 8; i += 4 {
			VUNPCKLPD(t[i+2], t[i], a[i])
			VUNPCKHPD(t[i+2], t[i], a[i+1])
			VUNPCKLPD(t[i+3], t[i+1], a[i+2])
			VUNPCKHPD(t[i+3], t[i+1], a[i+3])
		}
		for j := range 4 {
			VPERM2F128(U8(0x20), a[4+j], a[j], t[j])
			VPERM2F128(U8(0x31), a[4+j], a[j], t[4+j])
		}
		return t
	}
}
