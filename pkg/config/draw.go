package config

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// A Draw is a random key: values drawn from a range, or chosen from a list.
type Draw struct {
	Key    string         `yaml:"key"`
	Range  string         `yaml:"range,omitempty"` // lo..hi[:log][:int]
	Values []strict.Value `yaml:"values,omitempty,flow"`
	where  string
}

func (d *Draw) UnmarshalStrict(v strict.Value) error {
	type plain Draw
	p := plain{where: place(v)}
	err := v.Decode(&p)
	*d = Draw(p)
	return err
}

// An interval is what numbers are drawn from: uniform in lo..hi, or uniform in
// their logarithm; or whole numbers, both ends included.
type interval struct {
	lo, hi     float64
	log, whole bool
}

// parseInterval reads lo..hi[:log][:int].
func parseInterval(text string) (iv interval, err error) {
	if len(text) > 100 {
		return iv, fmt.Errorf("expected a range LO..HI, got %s", strict.Quote(text))
	}
	bounds, options, _ := strings.Cut(text, ":")
	lo, hi, ok := strings.Cut(bounds, "..")
	if !ok {
		return iv, fmt.Errorf("expected a range LO..HI, LO..HI:log or LO..HI:int, got %q", text)
	}
	for _, b := range []struct {
		text string
		to   *float64
	}{{lo, &iv.lo}, {hi, &iv.hi}} {
		if *b.to, err = strconv.ParseFloat(strings.TrimSpace(b.text), 64); err != nil || math.IsInf(*b.to, 0) || math.IsNaN(*b.to) {
			return iv, fmt.Errorf("the bound %q of the range %q is not a finite number", b.text, text)
		}
	}
	for options != "" {
		var o string
		o, options, _ = strings.Cut(options, ":")
		switch {
		case o == "log" && !iv.log:
			iv.log = true
		case o == "int" && !iv.whole:
			iv.whole = true
		default:
			return iv, fmt.Errorf("%q cannot follow the range %s (known: log, int, each once)", o, text)
		}
	}
	const exact = 1 << 53 // whole numbers beyond are not all float64s
	switch {
	case strings.HasSuffix(text, ":"):
		return iv, fmt.Errorf("nothing follows the last colon of %q", text)
	case iv.lo > iv.hi:
		return iv, fmt.Errorf("the range %s is empty: its lower bound is the larger one", text)
	case math.IsInf(iv.hi-iv.lo, 0):
		return iv, fmt.Errorf("the range %s is too wide", text)
	case iv.log && iv.lo <= 0:
		return iv, fmt.Errorf("the range %s has no logarithm: its lower bound must be positive", text)
	case iv.whole && (iv.lo != math.Trunc(iv.lo) || iv.hi != math.Trunc(iv.hi) || math.Abs(iv.lo) > exact || math.Abs(iv.hi) > exact):
		return iv, fmt.Errorf("the bounds of %s must be whole numbers", text)
	}
	return iv, nil
}

// at returns the number at the place u of [0, 1), as text.
func (iv interval) at(u float64) string {
	lo, hi := iv.lo, iv.hi
	if iv.whole {
		// Each whole number n stands for [n, n+1), of the same length, or of
		// that length in the logarithm.
		hi++
	}
	x := lo + u*(hi-lo)
	if iv.log {
		x = math.Exp(math.Log(lo) + u*(math.Log(hi)-math.Log(lo)))
	}
	if iv.whole {
		return strconv.FormatFloat(min(max(math.Floor(x), iv.lo), iv.hi), 'f', -1, 64)
	}
	return iv.rounded(x)
}

// rounded cuts a number to four digits, so that folders and tables can be read;
// to more where the range is so narrow that four would not tell its numbers
// apart. The text is the setting, exactly.
func (iv interval) rounded(x float64) string {
	if x != 0 && iv.hi > iv.lo {
		digits := 4 + max(0, exponent(x)-exponent(iv.hi-iv.lo))
		x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'e', min(digits, 17)-1, 64), 64)
	}
	return strconv.FormatFloat(min(max(x, iv.lo), iv.hi), 'g', -1, 64)
}

func exponent(x float64) int { return int(math.Floor(math.Log10(math.Abs(x)))) }

// stream is the chance of a key, which follows from a seed and the key alone: more
// samples, or other keys, leave the draws as they are, so that a search can be made
// longer without losing what is done.
func (d Draw) stream(seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(d.Key))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// draw returns n values of a random key.
func (d Draw) draw(seed uint64, n int) ([]strict.Value, error) {
	rng := d.stream(seed)
	out := make([]strict.Value, n)
	for i := range out {
		var err error
		if out[i], err = d.at(rng.Float64()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// at returns the value at the place u of [0, 1).
func (d Draw) at(u float64) (strict.Value, error) {
	if n := len(d.Values); n > 0 {
		return d.Values[min(int(u*float64(n)), n-1)], nil
	}
	iv, err := parseInterval(d.Range)
	if err != nil {
		return strict.Value{}, err
	}
	v, err := strict.List(d.where, iv.at(u))
	if err != nil {
		return strict.Value{}, err
	}
	return v[0], nil
}

// size is the number of values that there are to draw, 0 if they are too many to count.
func (d Draw) size() int {
	if len(d.Values) > 0 {
		return len(d.Values)
	}
	if iv, err := parseInterval(d.Range); err == nil && iv.whole && iv.hi-iv.lo < maxPoints {
		return int(iv.hi-iv.lo) + 1
	}
	return 0
}

// numberOf returns a value that is a number.
func numberOf(v strict.Value) (float64, bool) {
	x, err := strconv.ParseFloat(strings.TrimSpace(string(yamlText(v))), 64)
	return x, err == nil
}

// ends reports whether a number is the least or the largest that there is to draw.
func (d Draw) ends(x float64) bool {
	if iv, err := parseInterval(d.Range); err == nil {
		return x == iv.lo || x == iv.hi
	}
	least, largest := math.Inf(1), math.Inf(-1)
	for _, v := range d.Values {
		if n, ok := numberOf(v); ok {
			least, largest = min(least, n), max(largest, n)
		}
	}
	return x == least || x == largest
}

// check finds what is wrong with a key that is drawn.
func (d Draw) check(bad func(format string, args ...any)) {
	switch {
	case d.Range != "" && d.Values != nil:
		bad("has a range and values; give one of them")
	case d.Range == "" && len(d.Values) == 0:
		bad("has no range and no values to draw from")
	case d.Range != "":
		if _, err := parseInterval(d.Range); err != nil {
			bad("%v", err)
		}
	}
}
