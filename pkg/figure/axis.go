package figure

import "math"

// An Axis is what an axis of a panel shows, and how.
type Axis struct {
	Label string     `json:"label,omitempty"`
	Log   bool       `json:"log,omitempty"`
	Range Range      `json:"range"`           // what it has to show
	Pad   [2]float64 `json:"pad"`             // widens it on both sides, by fractions of its length
	Ticks []Tick     `json:"ticks,omitempty"` // nil: those of the scale, see Marks
	Names bool       `json:"names,omitempty"` // Ticks have names, which stand at equal distances
}

// LeastLog is where log axes end below: near it, numbers lose their digits.
const LeastLog = 1e-300

// Shows reports whether a linear or log axis has a place for a value.
func Shows(log bool, v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!log || v >= LeastLog)
}

// Ends returns where the axis begins and ends: its range, padded, or about a point
// something that can be drawn.
func (a Axis) Ends() (lo, hi float64) {
	r, below, above := a.Range, a.Pad[0], a.Pad[1]
	if a.Log {
		if r.Lo <= 0 {
			return 0.1, 1
		}
		r.Lo, r.Hi = max(r.Lo, LeastLog), max(r.Hi, LeastLog)
		lo, hi := r.Lo/2, r.Hi*2
		if r.Hi >= r.Lo*(1+1e-9) { // and not a difference of rounding
			a, b := math.Log10(r.Lo), math.Log10(r.Hi)
			lo, hi = math.Pow(10, a-below*(b-a)), math.Pow(10, b+above*(b-a))
		}
		return max(lo, LeastLog/1e3), min(hi, math.MaxFloat64)
	}
	// Beyond are numbers that overflow when they are added or scaled.
	const most = 1e240
	r.Lo, r.Hi = min(max(r.Lo, -most), most), min(max(r.Hi, -most), most)
	d := r.Hi - r.Lo
	if d < 1e-9*max(math.Abs(r.Lo), math.Abs(r.Hi)) || d == 0 {
		d = max(math.Abs(r.Lo)*0.1, 0.1)
		return r.Lo - d, r.Hi + d
	}
	return r.Lo - below*d, r.Hi + above*d
}

// Marks returns the ticks of the axis, of which those of no label are small.
func (a Axis) Marks() []Tick {
	switch lo, hi := a.Ends(); {
	case a.Ticks != nil:
		return a.Ticks
	case a.Log:
		return logTicks(lo, hi)
	default:
		return linearTicks(lo, hi)
	}
}
