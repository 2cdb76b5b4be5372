package oracles

// third returns a third of all, another third for another turn: so many combinations
// together see each of them. With the tag long each sees all.
func third[T any](all []T, turn int) (out []T) {
	for i, v := range all {
		if everySeed || i%3 == turn%3 {
			out = append(out, v)
		}
	}
	return out
}

// seeds returns a third of the seeds below all.
func seeds(all uint64, turn int) []uint64 {
	every := make([]uint64, all)
	for i := range every {
		every[i] = uint64(i)
	}
	return third(every, turn)
}
