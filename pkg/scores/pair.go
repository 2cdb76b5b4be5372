package scores

import (
	"fmt"
	"math"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/stats"
)

// A Pair is a method compared with another, seed by seed: runs of one seed have the same
// initial weights and the same batches.
type Pair struct {
	A, B  results.Series
	N     int    // seeds in which both have a value
	Diffs []Diff // A - B
	Wins  int    // seeds in which A is better
	Ties  int    // in which neither is: equal values, or both never reached or diverged
	Open  int    // in which it cannot be told: see Diff
	Shift stats.Estimate
	How   string // what the estimate is
	Test  stats.Test
	Holm  float64 // P, adjusted for all pairs of the score
	Note  string
}

// A Diff is the difference of one seed. It is infinite where one run never reached the
// target, or diverged, and NaN where the run that never reached it ended before the other
// did, so that it is not known which would have been first.
type Diff struct {
	Seed uint64
	X    float64
}

// What the estimate of a pair is.
const (
	HodgesLehmann     = "Hodges-Lehmann"
	MedianDifferences = "median"
)

// pairs compares the lines at some places: every two, all with a baseline, or the two that
// are named.
func (s *Score) pairs(at []int, baseline string, compare []string) {
	for i, a := range at {
		for _, b := range at[i+1:] {
			x, y := s.Lines[a], s.Lines[b]
			if compare != nil {
				if x.named(compare[1]) && y.named(compare[0]) {
					x, y = y, x
				}
				if !x.named(compare[0]) || !y.named(compare[1]) {
					continue
				}
			}
			if baseline != "" {
				if x.Series.Method == baseline {
					x, y = y, x
				}
				if y.Series.Method != baseline || x.Series.Method == baseline {
					continue
				}
			}
			s.Pairs = append(s.Pairs, s.compare(x, y))
		}
	}
	var p []float64
	for _, pair := range s.Pairs {
		p = append(p, pair.Test.P)
	}
	tests := 0
	for i, q := range stats.Holm(p) {
		s.Pairs[i].Holm = q
		if !math.IsNaN(q) {
			tests++
		}
	}
	for i := range s.Pairs {
		s.Pairs[i].weigh(tests)
	}
}

// named reports whether a line is that of a method, or has a label.
func (l *Line) named(name string) bool { return l.Series.Method == name || l.Series.Label == name }

// compare takes the differences of two lines.
func (s *Score) compare(x, y Line) Pair {
	p := Pair{A: x.Series, B: y.Series, How: HodgesLehmann, Holm: math.NaN()}
	of := map[uint64]Value{}
	for _, v := range y.Values {
		of[v.Seed] = v
	}
	finite := true
	var d, scale, low, high []float64
	for _, a := range x.Values {
		b, ok := of[a.Seed]
		if !ok || math.IsNaN(a.X) || math.IsNaN(b.X) {
			continue
		}
		p.Diffs = append(p.Diffs, Diff{Seed: a.Seed})
		d, scale = append(d, difference(a, b)), append(scale, max(math.Abs(a.X), math.Abs(b.X)))
	}
	d = stats.Unround(d, scale)
	for i, diff := range d {
		p.Diffs[i].X = diff
		finite = finite && !math.IsInf(diff, 0) && !math.IsNaN(diff)
		switch turned := worse(s.Metric, s.Kind, diff); {
		case math.IsNaN(diff):
			p.Open++
		case turned < 0:
			p.Wins++
		case turned == 0:
			p.Ties++
		}
		if math.IsNaN(diff) {
			low, high = append(low, math.Inf(-1)), append(high, math.Inf(1))
		} else {
			low, high = append(low, diff), append(high, diff)
		}
	}
	p.N = len(d)
	if finite {
		p.Shift, p.Test = stats.Shift(d), stats.SignedRank(d)
		return p
	}
	p.How, p.Test = MedianDifferences, stats.Signs(d)
	p.Shift = stats.MedianBetween(low, high)
	if stats.Median(low) != p.Shift.Value {
		p.Shift.Value = math.NaN()
	}
	return p
}

// difference is a - b, as far as it is known: see Diff. One that ended where the other
// reached the target, but for rounding, did not end before.
func difference(a, b Value) float64 {
	switch {
	case a.X == b.X: // infinite ones too
		return 0
	case math.IsInf(a.X, 1) && a.Least < b.X*(1-1e-12), math.IsInf(b.X, 1) && b.Least < a.X*(1-1e-12):
		return math.NaN()
	}
	return a.X - b.X
}

// enough is what P is to be below to be called significant.
const enough = 0.05

// weigh says what the P of a pair cannot tell, and of what the differences are.
func (p *Pair) weigh(tests int) {
	add := func(format string, args ...any) {
		if p.Note != "" {
			p.Note += "; "
		}
		p.Note += fmt.Sprintf(format, args...)
	}
	n := fmt.Sprintf("n = %d", p.Test.N)
	if p.Ties > 0 {
		n = fmt.Sprintf("n = %d beside ties", p.Test.N)
	}
	switch least := p.Test.Least(); {
	case p.N == 0:
		add("no seed has values of both")
	case p.Test.N == 0:
		add("no difference")
	case least >= enough:
		add("%s: no p below %g is possible (least %.2g)", n, enough, least)
	case least*float64(tests) >= enough:
		add("%s: over %d pairs no p (Holm) below %g is possible (least %.2g)", n, tests, enough, math.Min(1, least*float64(tests)))
	}
	if !p.Test.Exact {
		add("normal approximation")
	}
	if most := max(len(p.A.Runs), len(p.B.Runs)); p.N > 0 && p.N < most {
		add("%d of %d seeds have values of both", p.N, most)
	}
	if p.Open > 0 {
		add("%d open: one ended before the other reached it; p is the largest that they allow", p.Open)
	}
}

// Tells reports whether P can be below 0.05 at all, so that it is worth reading.
func (p Pair) Tells() bool { return p.Test.N > 0 && p.Test.Least() < enough }
