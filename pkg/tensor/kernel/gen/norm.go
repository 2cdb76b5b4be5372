package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// normKernels writes passes over values that a norm takes to h = (x - mean) r, which is never
// stored, and the sums over them.
func normKernels(v vectors, f64 bool) {
	minus := func(x, y, z Op) { either(f64, func() { VSUBPS(x, y, z) }, func() { VSUBPD(x, y, z) })() } // z = y - x
	hat := func(p *pass) VecPhysical {
		h := p.load("x", 0)
		minus(p.params["mean"], h, h)
		multiply(f64, p.params["r"], h, h)
		return h
	}
	flushing(v, f64, "normal", "sets y = w h + b for h = (x - mean) r", []string{"x", "y"}, []string{"mean", "r", "w", "b"}, func(p *pass) {
		h := hat(p)
		multiply(f64, p.params["w"], h, h)
		plus(f64, p.params["b"], h, h)
		p.store(h, "y")
	})
	flushing(v, f64, "normalBack", "sets z = alpha h + beta + gamma y for h = (x - mean) r", []string{"x", "y", "z"}, []string{"mean", "r", "alpha", "beta", "gamma"}, func(p *pass) {
		h := hat(p)
		multiply(f64, p.params["alpha"], h, h)
		plus(f64, p.params["beta"], h, h)
		fma(f64, p.load("y", 1), p.params["gamma"], h)
		p.store(h, "z")
	})

	// The first two registers add up one sum, the next two another.
	r := v.regs
	sums(v, f64, "sum", "returns the sum of x", []string{"x"}, nil, []string{"sum"}, func(p *pass) {
		for i, wide := range widened(p, p.load("x", 0)) {
			VADDPD(wide, r[i], r[i])
		}
	})
	sums(v, f64, "squares", "returns the sum of (x - mean)²", []string{"x"}, []string{"mean"}, []string{"sum"}, func(p *pass) {
		x := p.load("x", 0)
		minus(p.params["mean"], x, x)
		switch {
		case p.mask == nil:
		case v.isa == 512:
			either(f64, func() { VMOVAPS_Z(x, p.mask, x) }, func() { VMOVAPD_Z(x, p.mask, x) })()
		default:
			VANDPS(p.mask, x, x)
		}
		for i, wide := range widened(p, x) {
			VFMADD231PD(wide, wide, r[i])
		}
	})
	sums(v, f64, "normalDots", "returns <h, y> for h = (x - mean) r, and the sum of y", []string{"x", "y"}, []string{"mean", "r"}, []string{"dot", "sum"}, func(p *pass) {
		h := hat(p)
		h1 := widened(p, h)
		p.free = p.free[3:]
		y1 := widened(p, p.load("y", 0))
		for i := range h1 {
			VFMADD231PD(h1[i], y1[i], r[i])
			VADDPD(y1[i], r[2+i], r[2+i])
		}
		p.free = v.regs[4:]
	})
}

// widened returns a vector as vectors of float64: itself, or the halves of float32 in the
// next two free registers.
func widened(p *pass, x VecPhysical) []VecPhysical {
	if p.f64 {
		return []VecPhysical{x}
	}
	low, high := p.free[1], p.free[2]
	if p.v.isa == 512 {
		VEXTRACTF64X4(U8(1), x, high.AsY())
		VCVTPS2PD(x.AsY(), low)
		VCVTPS2PD(high.AsY(), high)
	} else {
		VEXTRACTF128(U8(1), x, high.AsX())
		VCVTPS2PD(x.AsX(), low)
		VCVTPS2PD(high.AsX(), high)
	}
	return []VecPhysical{low, high}
}

// sums writes a function that adds up one or two sums in float64 over slices of equal length,
// n whole vectors and one that mask cuts (none: nil).
func sums(v vectors, f64 bool, name, doc string, slices, params, results []string, body func(p *pass)) {
	suffix, typ, _ := element(f64)
	signature := fmt.Sprintf("func(%s *%s, n int, mask *byte", strings.Join(slices, ", "), typ)
	for _, s := range params {
		signature += fmt.Sprintf(", %s %s", s, typ)
	}
	function(fmt.Sprintf("%s%d%s", name, v.isa, suffix), signature+fmt.Sprintf(") (%s float64)", strings.Join(results, ", ")), "%s, added in float64; n whole vectors, and one that mask cuts.", doc)
	restore := flushSubnormals()
	p := overLoop(v, f64, slices, params)
	for i := range 4 {
		clearVector(v, v.regs[i])
	}
	p.free = v.regs[4:]
	p.loop(1, body)
	for i := range results {
		a, b := v.regs[2*i], v.regs[2*i+1]
		VADDPD(a, b, a)
		if v.isa == 512 {
			VEXTRACTF64X4(U8(1), a, b.AsY())
			VADDPD(a.AsY(), b.AsY(), a.AsY())
		}
		VEXTRACTF128(U8(1), a.AsY(), b.AsX())
		VADDPD(a.AsX(), b.AsX(), a.AsX())
		VHADDPD(a.AsX(), a.AsX(), a.AsX())
		Store(a.AsX(), ReturnIndex(i))
	}
	VZEROUPPER()
	restore()
	RET()
}
