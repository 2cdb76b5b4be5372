package page

import (
	"math"
	"slices"
	"strconv"
	"unsafe"
)

// A column is numbers of a log as JSON: of the digits that the page has room for, whole
// numbers with all of theirs, null for NaN, and infinite ones as texts that JavaScript's
// Number reads.
type column struct {
	values []float64
	digits int // 0: all
}

// MarshalJSON implements json.Marshaler.
func (c column) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 10*len(c.values)+2)
	b = append(b, '[')
	for i, v := range c.values {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case math.IsNaN(v):
			b = append(b, "null"...)
		case math.IsInf(v, 1):
			b = append(b, `"Infinity"`...)
		case math.IsInf(v, -1):
			b = append(b, `"-Infinity"`...)
		case v == math.Trunc(v) && math.Abs(v) < 1e15:
			b = strconv.AppendInt(b, int64(v), 10)
		case c.digits > 0:
			b = strconv.AppendFloat(b, v, 'g', c.digits, 64)
		default:
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		}
	}
	return append(b, ']'), nil
}

// A pool holds each column once: seeds of a method often have their steps, epochs and costs
// in common.
type pool struct {
	columns []column
	at      map[string]int
}

func (p *pool) add(values []float64) int {
	if p.at == nil {
		p.at = map[string]int{}
	}
	key := ""
	if len(values) > 0 {
		key = string(unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), 8*len(values)))
	}
	i, ok := p.at[key]
	if !ok {
		i = len(p.columns)
		p.columns, p.at[key] = append(p.columns, column{values: values}), i
	}
	return i
}

// numbers is how many there are.
func (p *pool) numbers() (n int) {
	for _, c := range p.columns {
		n += len(c.values)
	}
	return n
}

// extremes returns which of n rows to keep so that, cut into the largest number of parts of
// equal length that limit has room for, each part keeps its first and last row and, of every
// column, its rows of the least and of the largest number, and of the first that is infinite
// or missing: no extremum is lost, of any part.
func extremes(n int, columns [][]float64, limit int) []int {
	if n <= limit {
		return nil
	}
	best := pick(n, columns, 1)
	lo, hi := 1, limit // parts
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if kept := pick(n, columns, mid); len(kept) <= limit {
			best, lo = kept, mid
		} else {
			hi = mid - 1
		}
	}
	return best
}

// pick returns, in order, the rows that a number of parts keep.
func pick(n int, columns [][]float64, parts int) []int {
	keep := make([]bool, n)
	for p := range parts {
		from, to := p*n/parts, (p+1)*n/parts
		if from == to {
			continue
		}
		keep[from], keep[to-1] = true, true
		for _, c := range columns {
			least, most, odd := -1, -1, -1
			for i := from; i < to; i++ {
				v := c[i]
				if math.IsNaN(v) || math.IsInf(v, 0) {
					if odd < 0 {
						odd = i
					}
					continue
				}
				if least < 0 || v < c[least] {
					least = i
				}
				if most < 0 || v > c[most] {
					most = i
				}
			}
			for _, i := range []int{least, most, odd} {
				if i >= 0 {
					keep[i] = true
				}
			}
		}
	}
	var rows []int
	for i, k := range keep {
		if k {
			rows = append(rows, i)
		}
	}
	return rows
}

// at returns some rows of a column; all, if rows is nil.
func at(values []float64, rows []int) []float64 {
	if rows == nil {
		return slices.Clone(values)
	}
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = values[r]
	}
	return out
}
