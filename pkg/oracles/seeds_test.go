package oracles

// seeds returns a third of the seeds below all, another third for another turn: so many
// combinations together see each of them. With the tag long each sees all.
func seeds(all uint64, turn int) (out []uint64) {
	for s := range all {
		if everySeed || int(s)%3 == turn%3 {
			out = append(out, s)
		}
	}
	return out
}
