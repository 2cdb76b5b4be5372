package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The coefficients come from scripts/polynomials.py.
var (
	// (exp(r) - 1 - r)/r² for |r| <= log(2)/2
	expTail32 = []float64{0.50000000134658092001, 0.16666666681623231402, 0.041666464925285905408, 0.0083333109254809008349, 0.001393364999630925043, 0.00019890990824673653848}
	expTail64 = []float64{0.5, 0.16666666666666670991, 0.041666666666666669755, 0.0083333333333261351258, 0.0013888888888883748305, 0.00019841269874820625271,
		0.000024801587325547741216, 2.755725540020642443e-6, 2.7557273643110295328e-7, 2.5105217004720745164e-8, 2.0914686968086877233e-9}
	// (atanh(s)/s - 1)/s² as a function of s² for s <= 1/3
	atanhTail32 = []float64{0.33333333325011807005, 0.20000005384974832161, 0.14285152860941831225, 0.11132355604500662288, 0.087323512327203870914, 0.10393808427873376085}
	atanhTail64 = []float64{0.33333333333333329281, 0.20000000000007291337, 0.14285714283554378581, 0.11111111358713931495, 0.090908947180664290846,
		0.076927850324793115517, 0.066570721048274680752, 0.060005364047953562676, 0.044003692430723369411, 0.080820228059717661105}
	// (1 + 2z) exp(z²) erfc(z) as a function of t = (z - 2)/(z + 2) for z <= 10.5
	erfc32 = []float64{1.2769783817334728233, -0.092763830204585982025, -0.16603042327406950263, 0.1640514121924789209, -0.054219384887102307823, -0.008035221724056731059,
		0.0087171234758454750912, 0.0012743819860502055925, -0.0014343819948141432828, -0.0004490260757806307, 0.00016605635506000920228, 0.00011888200833522489079, 0.000019226664485216816879}
)

var constants = map[string]Mem{}

// constant is the address of a number, of a float's bits if it is no integer.
func constant(v Constant, name string) Mem {
	if m, ok := constants[name]; ok {
		return m
	}
	m := ConstData(name, v)
	constants[name] = m
	return m
}

func (p *pass) number(v float64) Mem {
	if p.f64 {
		return constant(F64(v), fmt.Sprintf("d%x", math.Float64bits(v)))
	}
	return constant(F32(v), fmt.Sprintf("s%x", math.Float32bits(float32(v))))
}

// set broadcasts a number to register r.
func (p *pass) set(v float64, r int) VecPhysical {
	p.do(func() { broadcast(p.f64, p.number(v), p.free[r]) })
	return p.free[r]
}

// operand is set for an instruction that may read its first operand from memory: AVX2 has it there in all
// lanes, and needs no register and one instruction less.
func (p *pass) operand(v float64, r int) Op {
	if p.v.isa == 512 {
		return p.set(v, r)
	}
	if p.f64 {
		return table(fmt.Sprintf("lanes%x", math.Float64bits(v)), 4, func(int) Constant { return F64(v) })
	}
	return table(fmt.Sprintf("lanes%xs", math.Float32bits(float32(v))), 8, func(int) Constant { return F32(v) })
}

// The instructions of the precision, destination last.
func (p *pass) add(x, y, z Op) {
	p.do(either(p.f64, func() { VADDPS(x, y, z) }, func() { VADDPD(x, y, z) }))
}
func (p *pass) sub(x, y, z Op) {
	p.do(either(p.f64, func() { VSUBPS(x, y, z) }, func() { VSUBPD(x, y, z) }))
}                              // z = y - x
func (p *pass) mul(x, y, z Op) { p.do(func() { multiply(p.f64, x, y, z) }) }
func (p *pass) div(x, y, z Op) {
	p.do(either(p.f64, func() { VDIVPS(x, y, z) }, func() { VDIVPD(x, y, z) }))
} // z = y/x
func (p *pass) or(x, y, z Op) {
	p.do(either(p.f64, func() { VORPS(x, y, z) }, func() { VORPD(x, y, z) }))
}
func (p *pass) and(x, y, z Op) {
	p.do(either(p.f64, func() { VANDPS(x, y, z) }, func() { VANDPD(x, y, z) }))
}
func (p *pass) fma(x, y, z Op) { p.do(func() { fma(p.f64, x, y, z) }) } // z += x y
func (p *pass) fnma(x, y, z Op) {
	p.do(either(p.f64, func() { VFNMADD231PS(x, y, z) }, func() { VFNMADD231PD(x, y, z) }))
} // z -= x y

// onto sets z = x z + x.
func (p *pass) onto(x, z Op) {
	p.do(either(p.f64, func() { VFMADD213PS(x, x, z) }, func() { VFMADD213PD(x, x, z) }))
}

// max and min give x where it is a NaN.
func (p *pass) max(x, y, z Op) {
	p.do(either(p.f64, func() { VMAXPS(x, y, z) }, func() { VMAXPD(x, y, z) }))
}
func (p *pass) min(x, y, z Op) {
	p.do(either(p.f64, func() { VMINPS(x, y, z) }, func() { VMINPD(x, y, z) }))
}

func (p *pass) copy(x, z Op) { p.do(either(p.f64, func() { VMOVAPS(x, z) }, func() { VMOVAPD(x, z) })) }

// bySign sets z to neg where x has its sign bit set, to pos elsewhere.
func (p *pass) bySign(x, neg, pos, z VecPhysical) {
	if p.v.isa == 256 {
		p.do(either(p.f64, func() { VBLENDVPS(x, neg, pos, z) }, func() { VBLENDVPD(x, neg, pos, z) }))
		return
	}
	p.do(either(p.f64, func() { VPMOVD2M(x, K2) }, func() { VPMOVQ2M(x, K2) }))
	p.do(either(p.f64, func() { VBLENDMPS(neg, pos, K2, z) }, func() { VBLENDMPD(neg, pos, K2, z) }))
}

// polynomial sets z = c[0] + c[1] x + ...; register t is lost.
func (p *pass) polynomial(c []float64, x, z VecPhysical, t int) {
	p.do(func() { broadcast(p.f64, p.number(c[len(c)-1]), z) })
	for i := len(c) - 2; i >= 0; i-- {
		k := p.operand(c[i], t)
		p.do(either(p.f64, func() { VFMADD213PS(k, x, z) }, func() { VFMADD213PD(k, x, z) })) // z = x z + k
	}
}

// reduced writes y = n log 2 + r, |r| <= log(2)/2, for y <= 0, and leaves n in
// register n and exp(r) - 1 in register q. y is cut off at least, where the
// result is 0. Registers r and t are lost.
func (p *pass) reduced(y VecPhysical, least float64, n, r, q, t int) {
	N, R, Q := p.free[n], p.free[r], p.free[q]
	p.max(y, p.set(least, t), R)
	p.mul(p.operand(math.Log2E, t), R, N)
	switch {
	case p.v.isa == 512 && p.f64:
		p.do(func() { VRNDSCALEPD(U8(0), N, N) })
	case p.v.isa == 512:
		p.do(func() { VRNDSCALEPS(U8(0), N, N) })
	case p.f64:
		p.do(func() { VROUNDPD(U8(0), N, N) })
	default:
		p.do(func() { VROUNDPS(U8(0), N, N) })
	}
	// log 2 as the sum of two numbers: the product with the first is fused, so
	// only the sum is rounded.
	high := either(p.f64, float64(float32(math.Ln2)), math.Ln2)
	low := either(p.f64, math.Ln2-float64(float32(math.Ln2)), 2.3190468138462996e-17)
	p.fnma(p.operand(high, t), N, R)
	p.fnma(p.operand(low, t), N, R)
	p.polynomial(either(p.f64, expTail32, expTail64), R, Q, t)
	T := p.free[t]
	p.mul(R, R, T)
	p.do(either(p.f64, func() { VFMADD213PS(R, T, Q) }, func() { VFMADD213PD(R, T, Q) })) // q = r² q + r
}

// scaled multiplies z by 2^n, n <= 0, as far down as exp does not round to 0. Registers n and t are lost.
func (p *pass) scaled(z VecPhysical, n, t int) {
	if p.v.isa == 512 {
		p.do(either(p.f64, func() { VSCALEFPS(p.free[n], z, z) }, func() { VSCALEFPD(p.free[n], z, z) }))
		return
	}
	lower := p.lifted(n, t)
	p.mul(p.free[n], z, z)
	p.mul(lower, z, z)
}

// power sets z to 2^n, in the range of scaled, with the help of a register that holds 1. Registers n and t, another than z, are lost.
func (p *pass) power(one, z VecPhysical, n, t int) {
	if p.v.isa == 512 {
		p.copy(one, z)
		p.scaled(z, n, t)
		return
	}
	p.mul(p.lifted(n, t), p.free[n], z)
}

// lifted sets register n, in AVX2, to 2^(n+lift), and returns 2^-lift, since 2^n itself may be too small for a
// normal number. Register t is lost.
func (p *pass) lifted(n, t int) (lower Op) {
	N, T := p.free[n], p.free[t]
	if p.f64 {
		const lift, bias = 512, 1023
		p.do(func() { VCVTPD2DQY(N, T.(Vec).AsX()) })
		p.do(func() { VPMOVSXDQ(T.(Vec).AsX(), N) })
		p.do(func() { VPADDQ(table("liftedd", 4, func(int) Constant { return U64(bias + lift) }), N, N) })
		p.do(func() { VPSLLQ(U8(52), N, N) })
		return p.operand(0x1p-512, t)
	}
	const lift, bias = 64, 127
	p.do(func() { VCVTPS2DQ(N, N) })
	p.do(func() { VPADDD(table("lifteds", 8, func(int) Constant { return U32(bias + lift) }), N, N) })
	p.do(func() { VPSLLD(U8(23), N, N) })
	return p.operand(0x1p-64, t)
}

// least is where exp rounds to 0.
func least(f64 bool) float64 { return either(f64, -105.0, -746.0) }

// exp sets z = exp(y) for y <= 0. Registers n, r and t are lost.
func (p *pass) exp(y VecPhysical, n, r, t, z int) {
	p.reduced(y, least(p.f64), n, r, z, t)
	p.add(p.operand(1, t), p.free[z], p.free[z])
	p.scaled(p.free[z], n, t)
}

// minusAbs sets z = -|x|.
func (p *pass) minusAbs(x VecPhysical, z int) VecPhysical {
	p.or(p.operand(math.Copysign(0, -1), z), x, p.free[z])
	return p.free[z]
}

// withSign gives z, which is not below 0 or a NaN, the sign of x, also where z is 0. Register t is lost.
func (p *pass) withSign(x, z VecPhysical, t int) {
	sign, size := math.Copysign(0, -1), p.free[t]
	if p.v.isa == 512 { // one instruction takes from x where there are bits of the sign, from z elsewhere
		p.set(sign, t)
		p.do(either(p.f64, func() { VPTERNLOGD(U8(0xd8), size, x, z) }, func() { VPTERNLOGQ(U8(0xd8), size, x, z) }))
		return
	}
	p.and(p.operand(sign, t), x, size)
	p.or(size, z, z)
}

func transcendental(v vectors, f64 bool) {
	interleaved(v, f64, "exp", "sets y = exp(x) for x <= 0", []string{"x", "y"}, func(p *pass) {
		x := p.load("x", 0)
		p.exp(x, 1, 2, 3, 4)
		p.store(p.free[4], "y")
	})
	slices := []string{"x", "y", "d"}
	// With e = exp(-|x|), the smaller of s and 1 - s is e/(1+e), and s' = e/(1+e)².
	interleaved(v, f64, "sigmoid", "sets y = 1/(1 + exp(-x)) and d to its derivative", slices, func(p *pass) {
		x := p.load("x", 0)
		p.exp(p.minusAbs(x, 5), 1, 2, 3, 4)
		e, large, small := p.free[4], p.free[6], p.free[7]
		one := p.set(1, 1)
		p.add(one, e, small)
		p.div(small, one, large)
		p.mul(e, large, small)
		p.bySign(x, small, large, e)
		p.store(e, "y")
		p.mul(small, large, small)
		p.store(small, "d")
	})
	// With e = exp(-2|x|) = 2^n (1 + q), tanh |x| = (1 - e)/(1 + e), where 1 - e is
	// (1 - 2^n) - 2^n q and loses no digits near 0; and tanh' = 4 e/(1+e)². Both take 1/(1+e),
	// the one division.
	interleaved(v, f64, "tanh", "sets y = tanh(x) and d to its derivative", slices, func(p *pass) {
		x := p.load("x", 0)
		a := p.minusAbs(x, 5)
		p.add(a, a, a)
		p.reduced(a, least(f64), 1, 2, 4, 3)
		q, power, one := p.free[4], p.free[7], p.set(1, 3)
		p.power(one, power, 1, 2)
		less, more, inverse := p.free[5], p.free[6], p.free[1]
		p.sub(power, one, less)
		p.add(one, power, more)
		p.fnma(power, q, less) // 1 - e
		p.fma(power, q, more)
		p.onto(power, q) // e
		p.div(more, one, inverse)
		p.mul(inverse, less, less) // tanh |x|
		p.withSign(x, less, 2)
		p.store(less, "y")
		p.add(inverse, inverse, inverse)
		p.mul(inverse, q, q)
		p.mul(inverse, q, q)
		p.store(q, "d")
	})
	// log(1 + exp x) = max(x, 0) + log(1 + e) with e = exp(-|x|), and
	// log(1 + e) = 2 atanh(s) with s = e/(2+e). The derivative is the sigmoid.
	interleaved(v, f64, "softplus", "sets y = log(1 + exp(x)) and d to its derivative", slices, func(p *pass) {
		x := p.load("x", 0)
		p.exp(p.minusAbs(x, 5), 1, 2, 3, 4)
		e, one := p.free[4], p.set(1, 1)
		large, small, s, w, q := p.free[2], p.free[3], p.free[5], p.free[6], p.free[7]
		p.add(one, e, small)
		p.div(small, one, large)
		p.mul(e, large, small)
		p.bySign(x, small, large, large)
		p.store(large, "d")
		p.add(p.set(2, 1), e, s)
		p.div(s, e, s)
		p.mul(s, s, w)
		p.polynomial(either(f64, atanhTail32, atanhTail64), w, q, 1)
		p.mul(w, s, w)
		p.fma(q, w, s) // s + s³ q
		p.add(s, s, s)
		zero := p.free[1]
		p.do(func() { clearVector(v, zero) })
		p.max(x, zero, zero)
		p.add(zero, s, s)
		p.store(s, "y")
	})
	if !f64 {
		gelu(v)
	}
}

// gelu is for float32: as many digits as float64 has would take a polynomial of a high degree.
func gelu(v vectors) {
	// With z = |x|/√2, erfc(z) = exp(-z²) H(t)/(1 + 2z): exp takes x²/2 as a
	// rounded number and its rounding error. Phi is erfc(z)/2 or its complement,
	// and gelu' = Phi + x phi.
	elementwise(v, false, "gelu", "sets y = x Phi(x) and d to its derivative", []string{"x", "y", "d"}, nil, func(p *pass) {
		x, near := p.load("x", 0), p.free[1]
		p.min(x, p.set(15, 2), near)
		p.max(near, p.set(-15, 2), near)
		half, s, lost := p.free[2], p.free[3], p.free[4]
		p.mul(p.operand(0.5, 5), near, half)
		p.mul(near, half, s)
		p.copy(half, lost)
		p.do(func() { VFMSUB213PS(s, near, lost) }) // x²/2 - s
		p.minusAbs(s, 5)
		p.exp(p.free[5], 6, 7, 8, 9)
		e := p.free[9]
		p.fnma(lost, e, e)

		z := p.minusAbs(near, 2)
		p.mul(p.operand(-math.Sqrt2/2, 3), z, z)
		p.min(z, p.set(10.5, 3), z)
		t, h := p.free[4], p.free[5]
		two := p.set(2, 3)
		p.sub(two, z, t)
		p.add(two, z, h)
		p.div(h, t, t)
		p.polynomial(erfc32, t, h, 6)
		p.fma(two, z, p.set(1, 7)) // 1 + 2z
		p.div(p.free[7], h, h)
		p.mul(e, h, h)
		p.mul(p.operand(0.5, 3), h, h) // Phi(-|x|)
		p.sub(h, p.set(1, 3), p.free[4])
		p.bySign(near, h, p.free[4], p.free[4])
		p.mul(x, p.free[4], p.free[5])
		p.store(p.free[5], "y")
		p.mul(p.operand(1/math.Sqrt(2*math.Pi), 3), e, e)
		p.fma(near, e, p.free[4])
		p.store(p.free[4], "d")
	})
}
