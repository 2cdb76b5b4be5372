package main

// multiplyAdd writes z += x y.
func multiplyAdd(v vectors, f64 bool) {
	flushing(v, f64, "multiplyAdd", "adds x y to z", []string{"x", "y", "z"}, nil, func(p *pass) {
		x, y, z := p.load("x", 0), p.load("y", 1), p.load("z", 2)
		fma(f64, x, y, z)
		p.store(z, "z")
	})
}
