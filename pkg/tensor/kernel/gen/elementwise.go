package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A pass is one pass over vectors of memory, a register at a time.
type pass struct {
	v      vectors
	f64    bool
	params map[string]VecPhysical // broadcast scalars
	bases  map[string]Register
	mask   Op // of the last, partial vector; nil before it
	free   []VecPhysical
	disp   int      // of this vector from the one at hand, in bytes
	later  []func() // the instructions of a pass that is written in turn with others
	inTurn bool
}

// do writes an instruction, or keeps it for its turn.
func (p *pass) do(instruction func()) {
	if p.inTurn {
		p.later = append(p.later, instruction)
		return
	}
	instruction()
}

// flushing is elementwise with subnormal numbers taken for 0.
func flushing(v vectors, f64 bool, name, doc string, slices, params []string, body func(p *pass)) {
	overVectors(v, f64, true, 1, name, doc, slices, params, body)
}

// elementwise writes a function over slices of equal length: n whole vectors,
// then one that mask cuts (none: nil). The body handles one vector.
func elementwise(v vectors, f64 bool, name, doc string, slices, params []string, body func(p *pass)) {
	overVectors(v, f64, false, 1, name, doc, slices, params, body)
}

// interleaved is elementwise for long chains of instructions, each of which waits for the one before: with AVX2 two vectors go
// by together, an instruction of each in turn, and the body has half of the registers. A processor looks ahead over so many
// instructions that wait, AMD Zen 3 over 64 of vectors, which are those of one or two vectors. With AVX-512 it was not measured, and is not done.
func interleaved(v vectors, f64 bool, name, doc string, slices []string, body func(p *pass)) {
	together := 1
	if v.isa == 256 {
		together = 2
	}
	overVectors(v, f64, false, together, name, doc, slices, nil, body)
}

func overVectors(v vectors, f64, flush bool, together int, name, doc string, slices, params []string, body func(p *pass)) {
	suffix, typ, _ := element(f64)
	signature := fmt.Sprintf("func(%s *%s, n int, mask *byte", strings.Join(slices, ", "), typ)
	for _, s := range params {
		signature += fmt.Sprintf(", %s %s", s, typ)
	}
	function(fmt.Sprintf("%s%d%s", name, v.isa, suffix), signature+")", "%s; n whole vectors, and one that mask cuts.", doc)
	restore := func() {}
	if flush {
		restore = flushSubnormals()
	}
	p := overLoop(v, f64, slices, params)
	p.loop(together, body)
	VZEROUPPER()
	restore()
	RET()
}

// overLoop loads slices and scalars.
func overLoop(v vectors, f64 bool, slices, params []string) *pass {
	p := &pass{v: v, f64: f64, params: map[string]VecPhysical{}, bases: map[string]Register{}}
	pointers := []Register{RDI, RSI, R8, R9, R10, R11, RBX}
	for i, s := range slices {
		Load(Param(s), pointers[i].(GPPhysical))
		p.bases[s] = pointers[i]
	}
	// The upper registers but Y12 and Y13, which hold masks of AVX2.
	high := len(v.regs)
	for _, s := range params {
		high--
		if v.isa == 256 && high == 13 {
			high = 11
		}
		broadcast(f64, address(s), v.regs[high])
		p.params[s] = v.regs[high]
	}
	if v.isa == 256 && high > 12 {
		high = 12
	}
	p.free = v.regs[:high]
	return p
}

// loop writes the loop over n whole vectors, so many together, and one that mask cuts.
func (p *pass) loop(together int, body func(p *pass)) {
	Load(Param("n"), RCX)
	XORQ(RAX, RAX)
	if together > 1 {
		SUBQ(Imm(uint64(together)), RCX)
		JLT(LabelRef("few"))
		Label("together")
		p.inTurns(together, body)
		ADDQ(Imm(uint64(together*p.v.bytes)), RAX)
		SUBQ(Imm(uint64(together)), RCX)
		JGE(LabelRef("together"))
		Label("few")
		ADDQ(Imm(uint64(together)), RCX)
	}
	TESTQ(RCX, RCX)
	JZ(LabelRef("tail"))
	Label("loop")
	body(p)
	ADDQ(Imm(uint64(p.v.bytes)), RAX)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	Label("tail")
	Load(Param("mask"), RDX)
	TESTQ(RDX, RDX)
	JZ(LabelRef("end"))
	p.mask = masks(p.v, RDX)[0]
	body(p)
	Label("end")
}

// inTurns writes the body for so many vectors, an instruction of each in turn, all of which are written by do. They share the
// registers out, those of masks and scalars too: vectors are whole, and there are no scalars.
func (p *pass) inTurns(together int, body func(p *pass)) {
	if len(p.params) > 0 {
		panic("gen: vectors in turn leave no registers for scalars")
	}
	each := len(p.v.regs) / together
	passes := make([]*pass, together)
	for i := range passes {
		q := *p
		q.free, q.disp, q.inTurn = p.v.regs[i*each:(i+1)*each], i*p.v.bytes, true
		body(&q)
		passes[i] = &q
	}
	for i := range passes[0].later {
		for _, q := range passes {
			q.later[i]()
		}
	}
}

func (p *pass) at(s string) Mem { return Mem{Base: p.bases[s], Index: RAX, Scale: 1, Disp: p.disp} }

// load reads a vector of slice s into register r, and returns it.
func (p *pass) load(s string, r int) VecPhysical {
	to := p.free[r]
	p.do(func() {
		if p.mask == nil {
			load(p.f64, p.at(s), to)
		} else {
			loadMasked(p.v, p.f64, p.at(s), p.mask, to)
		}
	})
	return to
}

func (p *pass) store(x Op, s string) {
	p.do(func() {
		if p.mask == nil {
			load(p.f64, x, p.at(s))
		} else {
			storeMasked(p.v, p.f64, x, p.mask, p.at(s))
		}
	})
}

// either calls the instruction of the precision.
func either[F any](f64 bool, s, d F) F {
	if f64 {
		return d
	}
	return s
}

func elementwiseKernels(v vectors, f64 bool) {
	fnma := func(x, y, z Op) { either(f64, func() { VFNMADD231PS(x, y, z) }, func() { VFNMADD231PD(x, y, z) })() } // z -= x y
	add := func(x, y, z Op) { plus(f64, x, y, z) }
	mul := func(x, y, z Op) { multiply(f64, x, y, z) }
	minus := func(x, y, z Op) { either(f64, func() { VSUBPS(y, x, z) }, func() { VSUBPD(y, x, z) })() } // z = x - y
	div := func(x, y, z Op) { either(f64, func() { VDIVPS(x, y, z) }, func() { VDIVPD(x, y, z) })() }   // z = y/x
	root := func(x, z Op) { either(f64, func() { VSQRTPS(x, z) }, func() { VSQRTPD(x, z) })() }

	flushing(v, f64, "axpy", "sets y += alpha x", []string{"x", "y"}, []string{"alpha"}, func(p *pass) {
		x, y := p.load("x", 0), p.load("y", 1)
		fma(f64, p.params["alpha"], x, y)
		p.store(y, "y")
	})
	flushing(v, f64, "scale", "sets x *= alpha", []string{"x"}, []string{"alpha"}, func(p *pass) {
		x := p.load("x", 0)
		mul(p.params["alpha"], x, x)
		p.store(x, "x")
	})
	flushing(v, f64, "multiply", "sets z = x y", []string{"x", "y", "z"}, nil, func(p *pass) {
		x, y := p.load("x", 0), p.load("y", 1)
		mul(x, y, x)
		p.store(x, "z")
	})
	elementwise(v, f64, "gate", "sets y to x, and to 0 where the gate is 0 or below", []string{"gate", "x", "y"}, nil, func(p *pass) {
		gate, x, zero := p.load("gate", 0), p.load("x", 1), p.free[2]
		clearVector(v, zero)
		openWhere(v, f64, gate, zero, x, p.free[3])
		p.store(x, "y")
	})

	// The updates. g is minus the gradient: d - decay w. In each, u is the
	// change of w; the function named ...Step adds it to w in the same pass.
	for _, step := range []bool{false, true} {
		name, to := "Update", []string{"u"}
		finish := func(p *pass, w, u Op) { p.store(u, "u") }
		if step {
			name, to = "Step", nil
			finish = func(p *pass, w, u Op) {
				add(w, u, u)
				p.store(u, "w")
			}
		}
		flushing(v, f64, "sgd"+name, "makes u = rate (d - decay w)", append(to, "d", "w"), []string{"rate", "decay"}, func(p *pass) {
			d, w := p.load("d", 0), p.load("w", 1)
			fnma(p.params["decay"], w, d)
			mul(p.params["rate"], d, d)
			finish(p, w, d)
		})
		for _, nesterov := range []bool{false, true} {
			kind, doc := "momentum", "makes v = mu v + (d - decay w), u = rate v"
			if nesterov {
				kind, doc = "nesterov", "makes g = d - decay w, v = mu v + g, u = rate (g + mu v)"
			}
			flushing(v, f64, kind+name, doc, append(to, "d", "w", "v"), []string{"rate", "decay", "mu"}, func(p *pass) {
				d, w, m := p.load("d", 0), p.load("w", 1), p.load("v", 2)
				fnma(p.params["decay"], w, d)
				mul(p.params["mu"], m, m)
				add(d, m, m)
				p.store(m, "v")
				if nesterov {
					fma(f64, p.params["mu"], m, d)
					mul(p.params["rate"], d, d)
				} else {
					mul(p.params["rate"], m, d)
				}
				finish(p, w, d)
			})
		}
		// With AVX2, nine scalars leave five registers, and ten leave four.
		for _, ahead := range []bool{false, true} {
			kind, doc, scalars := "adam", "u = rate m/(root √v + eps) - shrink w", []string{"decay", "beta1", "rest1", "beta2", "rest2", "rate", "root", "eps", "shrink"}
			if ahead {
				kind, doc, scalars = "nadam", "u = (rate m + ahead g)/(root √v + eps) - shrink w", append(scalars, "ahead")
			}
			flushing(v, f64, kind+name,
				"makes g = d - decay w, m = beta1 m + rest1 g, v = beta2 v + rest2 g g, "+doc,
				append(to, "d", "w", "m", "v"), scalars, func(p *pass) {
					g, w, t := p.load("d", 0), p.load("w", 1), p.free[2]
					fnma(p.params["decay"], w, g)
					m := p.load("m", 3)
					mul(p.params["beta1"], m, m)
					fma(f64, p.params["rest1"], g, m)
					p.store(m, "m")
					if ahead {
						mul(p.params["rate"], m, m)
						fma(f64, p.params["ahead"], g, m)
					}
					mul(g, g, g)
					mul(p.params["rest2"], g, g)
					s := p.load("v", 2)
					fma(f64, p.params["beta2"], s, g)
					p.store(g, "v")
					root(g, t)
					mul(p.params["root"], t, t)
					add(p.params["eps"], t, t)
					if !ahead {
						mul(p.params["rate"], m, m)
					}
					div(t, m, m)
					fnma(p.params["shrink"], w, m)
					finish(p, w, m)
				})
		}
		flushing(v, f64, "lion"+name,
			"makes c = beta1 m + rest1 d, u = rate sign(c) - shrink w, m = beta2 m + rest2 d, where sign(c) is huge c cut to low and high",
			append(to, "d", "w", "m"), []string{"beta1", "rest1", "beta2", "rest2", "huge", "low", "high", "rate", "shrink"}, func(p *pass) {
				d, w, m := p.load("d", 0), p.load("w", 1), p.load("m", 2)
				c := p.free[3]
				mul(p.params["beta1"], m, c)
				fma(f64, p.params["rest1"], d, c)
				mul(p.params["beta2"], m, m)
				fma(f64, p.params["rest2"], d, m)
				p.store(m, "m")
				mul(p.params["huge"], c, c)
				// The first operand is what a NaN leaves: c itself.
				either(f64, func() { VMAXPS(c, p.params["low"], c) }, func() { VMAXPD(c, p.params["low"], c) })()
				either(f64, func() { VMINPS(c, p.params["high"], c) }, func() { VMINPD(c, p.params["high"], c) })()
				mul(p.params["rate"], c, c)
				fnma(p.params["shrink"], w, c)
				finish(p, w, c)
			})
		for _, adaptive := range []bool{false, true} {
			kind, doc, with, scalars := "free", "makes g = d - decay w", []string{"d", "w", "z"}, []string{"decay", "share", "ahead", "rate"}
			if adaptive {
				kind, doc = "freeAdam", "makes v = beta2 v + rest2 d d, g = d/(root √v + eps) - decay w"
				with, scalars = append(with, "v"), append(scalars, "beta2", "rest2", "root", "eps")
			}
			flushing(v, f64, kind+name, doc+", u = share (z - w) + ahead g, z = z + rate g", append(to, with...), scalars, func(p *pass) {
				g, w, t := p.load("d", 0), p.load("w", 1), p.free[2]
				if adaptive {
					mul(g, g, t)
					mul(p.params["rest2"], t, t)
					s := p.load("v", 3)
					fma(f64, p.params["beta2"], s, t)
					p.store(t, "v")
					root(t, t)
					mul(p.params["root"], t, t)
					add(p.params["eps"], t, t)
					div(t, g, g)
				}
				fnma(p.params["decay"], w, g)
				z := p.load("z", 2)
				u := p.free[3]
				minus(z, w, u)
				fma(f64, p.params["rate"], g, z)
				p.store(z, "z")
				mul(p.params["share"], u, u)
				fma(f64, p.params["ahead"], g, u)
				finish(p, w, u)
			})
		}
	}
	dot(v, f64, false)
	dot(v, f64, true)
	addRows(v, f64)
	addDots(v, f64)
	matVec(v, f64)
}

// dot writes the product of n groups of four vectors of float64, which float32
// is converted to; or the sum of one such vector, which is copied on the way.
func dot(v vectors, f64, sum bool) {
	suffix, typ, size := element(f64)
	if sum {
		function(fmt.Sprintf("copySum%d%s", v.isa, suffix), fmt.Sprintf("func(y, x *%s, n int) float64", typ),
			"copies n groups of four vectors of float64, and returns their sum.")
		Load(Param("y"), RDI)
	} else {
		function(fmt.Sprintf("dot%d%s", v.isa, suffix), fmt.Sprintf("func(x, y *%s, n int) float64", typ),
			"returns <x, y> over n groups of four vectors of float64.")
		Load(Param("y"), RDI)
	}
	Load(Param("x"), RSI)
	Load(Param("n"), RCX)
	step := v.bytes / 8 * size
	restore := func() {}
	if !sum {
		restore = flushSubnormals()
	}
	for i := range 4 {
		clearVector(v, v.regs[i])
	}
	Label("loop")
	for i := range 4 {
		x, y := Mem{Base: RSI, Disp: i * step}, Mem{Base: RDI, Disp: i * step}
		a, b := v.regs[4+i], v.regs[8+i]
		switch {
		case sum && f64:
			VMOVUPD(x, a)
			VMOVUPD(a, y)
			VADDPD(a, v.regs[i], v.regs[i])
		case sum:
			half := []VecPhysical{Y4, Y5, Y6, Y7}[i]
			if v.isa == 256 {
				half = []VecPhysical{X4, X5, X6, X7}[i]
			}
			VMOVUPS(x, half)
			VMOVUPS(half, y)
			VCVTPS2PD(half, a)
			VADDPD(a, v.regs[i], v.regs[i])
		case f64:
			VMOVUPD(x, a)
			VFMADD231PD(y, a, v.regs[i])
		default:
			VCVTPS2PD(x, a)
			VCVTPS2PD(y, b)
			VFMADD231PD(a, b, v.regs[i])
		}
	}
	if sum { // across the ends of pages, too
		for at := 0; at < 4*step; at += 64 {
			PREFETCHT1(Mem{Base: RSI, Disp: 4096 + at})
		}
	}
	ADDQ(U32(4*step), RSI)
	ADDQ(U32(4*step), RDI)
	DECQ(RCX)
	JNZ(LabelRef("loop"))
	sumFour(v, true)
	VHADDPD(X0, X0, X0)
	Store(X0, ReturnIndex(0))
	VZEROUPPER()
	restore()
	RET()
}
