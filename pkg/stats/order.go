package stats

import (
	"cmp"
	"math"
	"slices"
)

// An Estimate is a number with a distribution-free interval. Ends may be infinite, where
// the values are.
type Estimate struct {
	Value, Lo, Hi float64
	Coverage      float64 // the probability with which the interval holds the true value, at least
}

// unknown is the estimate of no numbers.
var unknown = Estimate{math.NaN(), math.NaN(), math.NaN(), math.NaN()}

// MedianOf returns the median of some numbers, of which some may be infinite, and the
// interval between two of their order statistics, x(k) and x(n+1-k), which holds the
// median of any continuous distribution with the probability
//
//	1 - 2 P(B < k),  B binomial of n and 1/2,
//
// and of any other at least so often (Conover 1999, Practical Nonparametric Statistics,
// section 3.2). k is the largest with a coverage of 95 %. Of fewer than six numbers none
// has it: the interval is their range, with the coverage 1 - 2^(1-n), which is 0 for one
// number and 93.75 % for five.
func MedianOf(v []float64) Estimate { return MedianBetween(v, v) }

// MedianBetween is [MedianOf] for numbers that are only known to lie between others,
// least[i] and most[i]: the value is the median of the most, the interval begins at an
// order statistic of the least and ends at one of the most, and so holds the median
// whatever the numbers are.
func MedianBetween(least, most []float64) Estimate {
	n := len(most)
	if n == 0 {
		return unknown
	}
	k, coverage := orderStatistic(n)
	lo, hi := slices.Sorted(slices.Values(least)), slices.Sorted(slices.Values(most))
	return Estimate{Value: Median(most), Lo: lo[k-1], Hi: hi[n-k], Coverage: coverage}
}

// orderStatistic returns the k of [MedianOf] for n numbers, and its coverage.
func orderStatistic(n int) (k int, coverage float64) {
	k, coverage = 1, 1-2*binomialTail(n, 0)
	for 2*(k+1) <= n {
		next := 1 - 2*binomialTail(n, k)
		if next < level {
			break
		}
		k, coverage = k+1, next
	}
	return k, coverage
}

// binomialTail is P(B <= k) for B binomial of n and 1/2.
func binomialTail(n, k int) float64 {
	sum := 0.0
	for i := 0; i <= min(k, n); i++ {
		sum += math.Exp(logChoose(n, i) - float64(n)*math.Ln2)
	}
	if n <= 50 { // sums of 2^-n, which rounding need not touch
		sum = math.Round(math.Ldexp(sum, n)) / math.Ldexp(1, n)
	}
	return min(sum, 1)
}

func logChoose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return lg(n) - lg(k) - lg(n-k)
}

// Ranks returns the places of numbers in ascending order, 1 for the least; equal numbers,
// infinite ones too, share the mean of their places. NaN comes last, as equal numbers do.
func Ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	compare := func(i, j int) int {
		switch in, jn := math.IsNaN(v[i]), math.IsNaN(v[j]); {
		case in && jn || v[i] == v[j]:
			return 0
		case jn || v[i] < v[j]:
			return -1
		}
		return 1
	}
	slices.SortStableFunc(order, compare)
	ranks := make([]float64, len(v))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && compare(order[from], order[to]) == 0 {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = float64(from+1+to) / 2
		}
		from = to
	}
	return ranks
}

// Holm adjusts p-values for there being several, so that the chance of any false rejection
// stays below the level at which the adjusted ones are read: in ascending order the i-th of
// m, from 0, is multiplied by m - i, and none is less than the one before (Holm 1979, A
// Simple Sequentially Rejective Multiple Test Procedure). NaN, of a test that was not made,
// stays, and does not count.
func Holm(p []float64) []float64 {
	var order []int
	out := slices.Clone(p)
	for i, x := range p {
		if !math.IsNaN(x) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	least := 0.0
	for at, i := range order {
		least = max(least, min(1, float64(len(order)-at)*p[i]))
		out[i] = least
	}
	return out
}
