package main

// jets writes the passes of activations on jets; jets.go of package kernel says what the letters are.
func jets(v vectors, f64 bool) {
	elementwise(v, f64, "tanhCurvature", "sets s = -2 y d and t = -2 d (1 - 3 y²)", []string{"y", "d", "s", "t"}, nil, func(p *pass) {
		y, d, six := p.load("y", 0), p.load("d", 1), p.free[2]
		minus2 := p.set(-2, 3)
		p.mul(p.set(6, 4), y, six)
		p.fma(six, y, minus2) // 6 y² - 2
		p.mul(d, minus2, six)
		p.store(six, "t")
		p.mul(p.set(-2, 3), y, y)
		p.mul(d, y, y)
		p.store(y, "s")
	})
	elementwise(v, f64, "jetForward", "sets e = s z + e y and y = d z + s y", []string{"d", "s", "z", "e", "y"}, nil, func(p *pass) {
		d, s, z, e, y := p.load("d", 0), p.load("s", 1), p.load("z", 2), p.load("e", 3), p.load("y", 4)
		p.mul(y, e, e)
		p.fma(s, z, e)
		p.store(e, "e")
		p.mul(s, y, y)
		p.fma(d, z, y)
		p.store(y, "y")
	})
	elementwise(v, f64, "jetJVP", "sets y = d z + e v + 2 s y and y0 = d v", []string{"d", "s", "e", "v", "z", "y", "y0"}, nil, func(p *pass) {
		d, s, e, dz, z, y := p.load("d", 0), p.load("s", 1), p.load("e", 2), p.load("v", 3), p.load("z", 4), p.load("y", 5)
		p.add(y, y, y)
		p.mul(s, y, y)
		p.fma(e, dz, y)
		p.fma(d, z, y)
		p.store(y, "y")
		p.mul(d, dz, dz)
		p.store(dz, "y0")
	})
	elementwise(v, f64, "jetVJP", "sets z0 = d y0 + s z0 + e v and z = d v", []string{"d", "s", "e", "y0", "v", "z0", "z"}, nil, func(p *pass) {
		d, s, e, y0, dy, z0 := p.load("d", 0), p.load("s", 1), p.load("e", 2), p.load("y0", 3), p.load("v", 4), p.load("z0", 5)
		p.mul(s, z0, z0)
		p.fma(e, dy, z0)
		p.fma(d, y0, z0)
		p.store(z0, "z0")
		p.mul(d, dy, dy)
		p.store(dy, "z")
	})
}
