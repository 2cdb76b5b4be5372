package kernel

// Examples in lanes: the values that 2 [Lanes] examples have at one place lie next to each
// other, so that whole vectors take part in whatever is done for each place, however small
// an image is.

// checkLanes panics unless the slices hold n values of each example and, as far as the last
// place tells, all in lanes.
func checkLanes[T Float](lanes int, in []T, places []int32, examples []T, ld int) {
	n := len(places)
	if n > 0 && (len(examples) < (2*lanes-1)*ld+n || len(in) < int(places[n-1])+2*lanes) {
		panic("kernel: examples or lanes that are longer than their data")
	}
}

// ToLanes sets dst[places[i] + e] = src[e ld + i] for 2 Lanes examples e.
func ToLanes[T Float](dst []T, places []int32, src []T, ld int) {
	g := tapsOf[T]()
	checkLanes(g.lanes, dst, places, src, ld)
	size, n := SizeOf[T](), len(places)
	if n < g.lanes {
		for i, at := range places {
			for e := range 2 * g.lanes {
				dst[int(at)+e] = src[e*ld+i]
			}
		}
		return
	}
	for half := 0; half < 2*g.lanes; half += g.lanes {
		g.to(&dst[half], &places[0], &src[half*ld], ld*size, n/g.lanes)
		if n%g.lanes > 0 { // some of which are written again
			g.to(&dst[half], &places[n-g.lanes], &src[half*ld+n-g.lanes], ld*size, 1)
		}
	}
}

// FromLanes is the way back: it sets dst[e ld + i] = src[places[i] + e].
func FromLanes[T Float](dst []T, ld int, src []T, places []int32) {
	g := tapsOf[T]()
	checkLanes(g.lanes, src, places, dst, ld)
	size, n := SizeOf[T](), len(places)
	if n < g.lanes {
		for i, at := range places {
			for e := range 2 * g.lanes {
				dst[e*ld+i] = src[int(at)+e]
			}
		}
		return
	}
	for half := 0; half < 2*g.lanes; half += g.lanes {
		g.from(&dst[half*ld], ld*size, &src[half], &places[0], n/g.lanes)
		if n%g.lanes > 0 {
			g.from(&dst[half*ld+n-g.lanes], ld*size, &src[half], &places[n-g.lanes], 1)
		}
	}
}
