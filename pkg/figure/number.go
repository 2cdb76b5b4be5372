package figure

import (
	"encoding/json"
	"math"
	"strconv"
)

// A Number is one that may be NaN or infinite, which JSON has no numbers for: it then is
// the text "NaN", "Infinity" or "-Infinity", as JavaScript's Number reads and the JSON of
// protocol buffers has it.
type Number float64

// MarshalJSON implements json.Marshaler.
func (v Number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(v)), nil }

func appendNumber(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// Numbers are a list, each as [Number] writes it.
type Numbers []float64

// MarshalJSON implements json.Marshaler.
func (list Numbers) MarshalJSON() ([]byte, error) { return appendList(list...), nil }

func appendList(list ...float64) []byte {
	b := []byte{'['}
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return append(b, ']')
}

// A Point in JSON is the list of its numbers.
type Point struct{ X, Y float64 }

// MarshalJSON implements json.Marshaler.
func (p Point) MarshalJSON() ([]byte, error) { return appendList(p.X, p.Y), nil }

// A Range is an interval of numbers; empty until something is added.
type Range struct {
	Lo, Hi float64
	Some   bool
}

// Add widens the range to hold some values.
func (r *Range) Add(values ...float64) {
	for _, v := range values {
		if !r.Some {
			*r = Range{v, v, true}
		}
		r.Lo, r.Hi = min(r.Lo, v), max(r.Hi, v)
	}
}

// MarshalJSON implements json.Marshaler: the list of both ends, null if it is empty.
func (r Range) MarshalJSON() ([]byte, error) {
	if !r.Some {
		return json.Marshal(nil)
	}
	return appendList(r.Lo, r.Hi), nil
}
