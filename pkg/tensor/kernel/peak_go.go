package kernel

import "runtime"

// peakGo runs n rounds of 8 independent multiply-adds.
func peakGo[T Float](n int) (multiplyAdds int) {
	var s [8]T
	x, y := T(0.5), T(n)
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for range n {
		s0 += T(x * y)
		s1 += T(x * y)
		s2 += T(x * y)
		s3 += T(x * y)
		s4 += T(x * y)
		s5 += T(x * y)
		s6 += T(x * y)
		s7 += T(x * y)
	}
	runtime.KeepAlive(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7)
	return 8
}
