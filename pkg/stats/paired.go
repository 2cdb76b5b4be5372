package stats

import (
	"cmp"
	"math"
	"slices"
)

// A Test is a two-sided test of whether paired differences are about 0.
type Test struct {
	Name  string
	P     float64 // NaN without differences
	N     int     // differences that are not 0, which alone the test is of
	Exact bool    // P is that of the distribution itself; else of a normal one
}

// The names of the tests.
const (
	SignedRankTest = "Wilcoxon signed-rank"
	SignTest       = "sign"
)

// Least is the least P that the test could have had: 2^(1-N), where all differences have
// one sign. Below six differences it is above 0.05, whatever they are.
func (t Test) Least() float64 { return math.Min(1, math.Ldexp(1, 1-t.N)) }

// exactly is the number of differences up to which SignedRank counts all signs.
const exactly = 25

// rounding is what numbers may be off by that are computed in another way or order, as a
// share of their sizes.
const rounding = 1e-12

// Unround takes rounding out of differences of numbers, of which scale has the larger size
// for each: 0.3 - 0.2 is not 0.2 - 0.1, and the tests below go by which differences are 0
// and which have equal sizes. What is within 1e-12 of the scale of 0 is 0, and what is so
// near another in size has its size. Infinite differences and NaN stay.
func Unround(d, scale []float64) []float64 {
	out := slices.Clone(d)
	var order []int
	for i, x := range d {
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
		case math.Abs(x) <= rounding*scale[i]:
			out[i] = 0
		default:
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(math.Abs(d[i]), math.Abs(d[j])) })
	for from, at := 0, 0; at < len(order); at++ {
		i, first := order[at], order[from]
		if math.Abs(d[i])-math.Abs(d[first]) > rounding*max(scale[i], scale[first]) {
			from, first = at, i
		}
		out[i] = math.Copysign(d[first], d[i])
	}
	return out
}

// SignedRank is the signed-rank test of Wilcoxon (1945, Individual Comparisons by Ranking
// Methods), of finite differences. Those that are 0 are left out, as there; the others
// are ranked by their sizes, equal ones sharing the mean of their ranks, and W is the sum
// of the ranks of those above 0. If every difference is as likely to have either sign, all
// 2^N choices of signs are: P is the share of them in which W is as far from its mean as
// it is, so that it is exact with ties too: [Unround] finds them. That holds if differences are symmetric about
// 0. Of more than 25, P is that of the normal distribution of W's mean and variance, the
// sum of the squared ranks / 4, with a correction of 1/2 for continuity.
func SignedRank(d []float64) Test {
	ranks, w := signedRanks(d)
	t := Test{Name: SignedRankTest, N: len(ranks), Exact: len(ranks) <= exactly, P: 1}
	if len(d) == 0 {
		t.P = math.NaN()
		return t
	}
	if t.N == 0 {
		return t
	}
	total, squares := 0.0, 0.0
	for _, r := range ranks {
		total, squares = total+r, squares+r*r
	}
	far := math.Abs(w - total/2)
	if !t.Exact {
		z := max(0, far-0.5) / math.Sqrt(squares/4)
		t.P = math.Erfc(z / math.Sqrt2)
		return t
	}
	share := signSums(ranks)
	p := 0.0
	for sum, s := range share { // of twice the ranks, which are whole numbers
		if math.Abs(float64(sum)/2-total/2) >= far-1e-9 {
			p += s
		}
	}
	t.P = min(p, 1)
	return t
}

// signedRanks returns the ranks of the sizes of the differences that are not 0, and the
// sum of those of the ones above 0.
func signedRanks(d []float64) (ranks []float64, w float64) {
	var sizes []float64
	var above []bool
	for _, x := range d {
		if x != 0 {
			sizes, above = append(sizes, math.Abs(x)), append(above, x > 0)
		}
	}
	ranks = Ranks(sizes)
	for i, r := range ranks {
		if above[i] {
			w += r
		}
	}
	return ranks, w
}

// signSums returns, by twice the sum, the share of all choices of signs in which the ranks
// of those above 0 have that sum. Mean ranks are halves of whole numbers.
func signSums(ranks []float64) []float64 {
	total := 0
	for _, r := range ranks {
		total += int(math.Round(2 * r))
	}
	share := make([]float64, total+1)
	share[0] = 1
	for _, r := range ranks {
		twice := int(math.Round(2 * r))
		for sum := total; sum >= 0; sum-- {
			share[sum] /= 2
			if sum >= twice {
				share[sum] += share[sum-twice] / 2
			}
		}
	}
	return share
}

// Signs is the sign test (Conover 1999, section 3.4) of differences that may be infinite,
// as of a run that reached a target and one that never did: P is the chance that of N fair
// coins as many or more fall on one side. Those that are 0 are left out. The sign of a NaN
// is not known: P is the largest that any signs would give, so that nothing is claimed
// that is not so.
func Signs(d []float64) Test {
	above, below, open := 0, 0, 0
	for _, x := range d {
		switch {
		case math.IsNaN(x):
			open++
		case x > 0:
			above++
		case x < 0:
			below++
		}
	}
	t := Test{Name: SignTest, N: above + below + open, Exact: true, P: math.NaN()}
	if len(d) == 0 {
		return t
	}
	t.P = 0
	for more := range open + 1 {
		few := min(above+more, below+open-more)
		t.P = max(t.P, min(1, 2*binomialTail(t.N, few)))
	}
	return t
}

// Shift is the Hodges-Lehmann estimate of the centre of finite differences, the median of
// the means of all pairs of them, each with itself too (Hodges and Lehmann 1963, Estimates
// of Location Based on Rank Tests). The interval lies between two of these means in order,
// the k-th from below and from above: it holds the centre of symmetric differences with
// the probability 1 - 2 P(W < k), W the statistic of [SignedRank] (Conover 1999, section
// 5.7). k is the largest with 95 %. Of fewer than six differences the interval is their
// range, with the coverage that it has. Of more than 25 W is taken to be normal.
func Shift(d []float64) Estimate {
	n := len(d)
	if n == 0 {
		return unknown
	}
	means := make([]float64, 0, n*(n+1)/2)
	for i, x := range d {
		for _, y := range d[i:] {
			means = append(means, x/2+y/2)
		}
	}
	slices.Sort(means)
	k, coverage := walsh(n)
	return Estimate{Value: Median(means), Lo: means[k-1], Hi: means[len(means)-k], Coverage: coverage}
}

// walsh returns the k of [Shift], and its coverage.
func walsh(n int) (k int, coverage float64) {
	var below func(k int) float64 // P(W < k)
	if n <= exactly {
		ranks := make([]float64, n)
		for i := range ranks {
			ranks[i] = float64(i + 1)
		}
		share := signSums(ranks)
		below = func(k int) float64 {
			p := 0.0
			for w := range k {
				p += share[2*w]
			}
			return p
		}
	} else {
		m := float64(n)
		mean, sd := m*(m+1)/4, math.Sqrt(m*(m+1)*(2*m+1)/24)
		below = func(k int) float64 { return math.Erfc((mean-float64(k)+0.5)/sd/math.Sqrt2) / 2 }
	}
	k, coverage = 1, 1-2*below(1)
	for 2*(k+1) <= n*(n+1)/2 {
		next := 1 - 2*below(k+1)
		if next < level {
			break
		}
		k, coverage = k+1, next
	}
	return k, coverage
}
