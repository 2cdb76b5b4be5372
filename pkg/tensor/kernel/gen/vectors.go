package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectors are the registers of an instruction set.
type vectors struct {
	isa   int // in names: 512, 256
	bytes int
	rows  int // of C in the largest kernel of taps
	regs  []VecPhysical

	heights []int // rows of C in the largest product kernel of so many vectors, from one on
	steps   int   // of k in a turn of a product's loop
}

var (
	avx512 = vectors{512, 64, 14, []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}, []int{14, 14}, 1}
	avx2 = vectors{256, 32, 6, []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}, []int{6, 6, 4}, 4}
)

// element returns the suffix of names, the Go type and the size of an element.
func element(f64 bool) (suffix, typ string, size int) {
	if f64 {
		return "d", "float64", 8
	}
	return "s", "float32", 4
}

// function begins a function that does not split the stack.
func function(name, signature, doc string, args ...any) {
	TEXT(name, NOSPLIT, signature)
	Doc(name + " " + fmt.Sprintf(doc, args...))
	Pragma("noescape")
}

// address is where an argument of the function is.
func address(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

func clearVector(v vectors, r Op) {
	if v.isa == 512 {
		VPXORD(r, r, r)
	} else {
		VXORPS(r, r, r)
	}
}

func load(f64 bool, from, to Op) {
	if f64 {
		VMOVUPD(from, to)
	} else {
		VMOVUPS(from, to)
	}
}

func broadcast(f64 bool, from, to Op) {
	if f64 {
		VBROADCASTSD(from, to)
	} else {
		VBROADCASTSS(from, to)
	}
}

// fma adds x y to z.
func fma(f64 bool, x, y, z Op) {
	if f64 {
		VFMADD231PD(x, y, z)
	} else {
		VFMADD231PS(x, y, z)
	}
}

func multiply(f64 bool, x, y, z Op) {
	if f64 {
		VMULPD(x, y, z)
	} else {
		VMULPS(x, y, z)
	}
}

// plus sets z = x + y.
func plus(f64 bool, x, y, z Op) {
	if f64 {
		VADDPD(x, y, z)
	} else {
		VADDPS(x, y, z)
	}
}

// sumFour adds up the first four registers, down to the lanes of X0.
func sumFour(v vectors, f64 bool) {
	plus(f64, v.regs[0], v.regs[1], v.regs[0])
	plus(f64, v.regs[2], v.regs[3], v.regs[2])
	plus(f64, v.regs[0], v.regs[2], v.regs[0])
	if v.isa == 512 {
		VEXTRACTF64X4(U8(1), Z0, Y1)
		plus(f64, Y0, Y1, Y0)
	}
	VEXTRACTF128(U8(1), Y0, X1)
	plus(f64, X0, X1, X0)
}

// masks loads the masks of two vectors from the address in r: opmasks K1 and K2
// for AVX-512, vectors Y12 and Y13 for AVX2.
func masks(v vectors, r Register) []Op {
	if v.isa == 512 {
		KMOVQ(Mem{Base: r}, K1)
		KMOVQ(Mem{Base: r, Disp: 8}, K2)
		return []Op{K1, K2}
	}
	VMOVDQU(Mem{Base: r}, Y12)
	VMOVDQU(Mem{Base: r, Disp: 32}, Y13)
	return []Op{Y12, Y13}
}

// loadMasked reads the chosen lanes and makes the others 0; lanes that are not
// chosen are not read.
func loadMasked(v vectors, f64 bool, from, mask, to Op) {
	switch {
	case v.isa == 512 && f64:
		VMOVUPD_Z(from, mask, to)
	case v.isa == 512:
		VMOVUPS_Z(from, mask, to)
	case f64:
		VMASKMOVPD(from, mask, to)
	default:
		VMASKMOVPS(from, mask, to)
	}
}

// storeMasked writes the chosen lanes only.
func storeMasked(v vectors, f64 bool, from, mask, to Op) {
	switch {
	case v.isa == 512 && f64:
		VMOVUPD(from, mask, to)
	case v.isa == 512:
		VMOVUPS(from, mask, to)
	case f64:
		VMASKMOVPD(from, mask, to)
	default:
		VMASKMOVPS(from, mask, to)
	}
}

// flushSubnormals makes the function take subnormal operands for 0, and make 0 of
// subnormal results, until it calls restore: with such numbers a division, a root,
// and on many processors every instruction, takes many times as long. The control
// register is the thread's, so Go code must not see it changed. restore belongs
// behind VZEROUPPER: before it, it may take 100 cycles.
func flushSubnormals() (restore func()) {
	const flushToZero, denormalsAreZero = 1 << 15, 1 << 6 // of MXCSR
	saved := AllocLocal(8)
	changed := saved.Offset(4)
	STMXCSR(saved)
	MOVL(saved, EAX)
	ORL(U32(flushToZero|denormalsAreZero), EAX)
	MOVL(EAX, changed)
	LDMXCSR(changed)
	return func() { LDMXCSR(saved) }
}
