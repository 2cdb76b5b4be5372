package figure

import (
	"math"
	"strconv"
	"strings"
)

// A Tick is a place on an axis.
type Tick struct {
	Value float64 `json:"value"`
	Label string  `json:"label,omitempty"`
}

// logTicks labels the powers of ten; 2 and 5 times them too where there are few, 3
// times them where there are some more, and 1 to 9 times where there is none but
// one; not all where there are many.
func logTicks(lo, hi float64) (ticks []Tick) {
	decades := math.Log10(hi) - math.Log10(lo)
	labelled := map[int]bool{1: true}
	switch {
	case decades < 0.6:
		for i := range 10 {
			labelled[i] = true
		}
	case decades < 2.2:
		labelled[2], labelled[5] = true, true
	case decades < 3.5:
		labelled[3] = true
	}
	every := 1 // powers of ten that are labelled
	if decades >= 8 {
		every = 2 * int(math.Ceil(decades/30))
	}
	numbers := 0
	for e := int(math.Floor(math.Log10(lo))); e <= int(math.Ceil(math.Log10(hi))); e++ {
		for i := 1; i < 10; i++ {
			v := float64(i) * math.Pow10(e)
			if v == 0 || math.IsInf(v, 0) || v < lo*(1-1e-9) || v/(1+1e-9) > hi {
				continue
			}
			t := Tick{Value: v}
			if i > 1 && every > 1 || every > 4 && e%every != 0 {
				break // there is no room
			}
			if labelled[i] && e%every == 0 {
				t.Label = tickLabel(v)
				numbers++
			}
			ticks = append(ticks, t)
		}
	}
	if numbers < 3 && decades < 0.6 { // so short an axis is nearly linear
		return linearTicks(lo, hi)
	}
	return ticks
}

func tickLabel(v float64) string {
	if v >= 1e-3 && v < 1e4 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return scientific(v, 0)
}

// scientific writes a number with an exponent, and digits after its point.
func scientific(v float64, digits int) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits, 64), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + strings.TrimPrefix(strings.TrimPrefix(strings.Replace(exponent, "-0", "-", 1), "+"), "0")
}

// linearTicks labels multiples of 1, 2 or 5 times a power of ten, about five
// of them.
func linearTicks(lo, hi float64) (ticks []Tick) {
	raw := (hi - lo) / 5
	unit := math.Pow10(int(math.Floor(math.Log10(raw))))
	step := 10 * unit
	for _, f := range []float64{1, 2, 5} {
		if f*unit >= raw*0.999 {
			step = f * unit
			break
		}
	}
	for i := math.Ceil(lo/step - 1e-9); (i-1e-9)*step <= hi; i++ {
		v := i*step + 0 // not -0
		digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
		label := strconv.FormatFloat(v, 'f', digits, 64)
		if v != 0 && (max(math.Abs(lo), math.Abs(hi)) >= 1e6 || step < 1e-6) { // would take the room of the figure
			label = scientific(v, max(0, int(math.Floor(math.Log10(math.Abs(v))+1e-9)-math.Floor(math.Log10(step)+1e-9))))
		} else if v == 0 && digits > 6 {
			label = "0"
		}
		ticks = append(ticks, Tick{Value: v, Label: label})
	}
	return ticks
}
