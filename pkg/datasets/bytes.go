package datasets

// Bytes returns about how many bytes the examples take in memory.
func (p *Set) Bytes() int {
	n := 0
	seen := map[*Examples]bool{}
	for _, s := range []*Split{p.Train, p.Valid, p.Test} {
		if s == nil {
			continue
		}
		if !seen[s.from] {
			seen[s.from] = true
			n += len(s.from.Pixels) + 8*(len(s.from.Values)+len(s.from.Labels)+len(s.from.Targets))
		}
		n += 8 * (len(s.index) + len(s.values) + len(s.targets.Data))
	}
	return n
}
