// Package size counts numbers and bytes that settings ask for, however many: sums
// and products stop at the largest number there is, where the integers of the
// language would go on from the smallest.
package size

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Max stands for as much and for more.
const Max = math.MaxInt

// Product returns the product of counts, none of which may be negative.
func Product(counts ...int) int {
	p := uint64(1)
	for i, n := range counts {
		check(n)
		hi, lo := bits.Mul64(p, uint64(n))
		if hi != 0 || lo > Max {
			if slices.Contains(counts[i+1:], 0) {
				return 0
			}
			return Max
		}
		p = lo
	}
	return int(p)
}

// Sum returns the sum of counts, none of which may be negative.
func Sum(counts ...int) int {
	s := 0
	for _, n := range counts {
		check(n)
		if s > Max-n {
			return Max
		}
		s += n
	}
	return s
}

func check(n int) {
	if n < 0 {
		panic("size: a negative count")
	}
}

// Bytes formats a number of bytes for people.
func Bytes(n int) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	unit, x := 0, float64(n)/(1<<10)
	for x >= 1<<10 && unit < len(units)-1 {
		unit, x = unit+1, x/(1<<10)
	}
	if n == Max {
		return "more than can be counted"
	}
	return fmt.Sprintf("%.1f %s", x, units[unit])
}

var units = []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
