package figure

import (
	"math"
	"slices"
)

// A Curve is a mean, or median, with a band about it, and single runs as thin lines.
// Values that the axes cannot show are there too, and belong to the edge beyond which
// they lie; where the mean is NaN, the line has a gap.
type Curve struct {
	Label string  `json:"label"`
	Style int     `json:"style"` // see StyleOf
	Mean  []Point `json:"mean,omitempty"`

	// At each point of the mean: the band, and what is written beside it. Notes are nil
	// if there are none.
	Lo    Numbers  `json:"lo,omitempty"`
	Hi    Numbers  `json:"hi,omitempty"`
	Notes []string `json:"notes,omitempty"`

	Thin    [][]Point `json:"thin,omitempty"`    // runs that did not end well
	Tails   [][]Point `json:"tails,omitempty"`   // of runs in the mean, beyond its end
	Crosses []Point   `json:"crosses,omitempty"` // where runs diverged
	Place   float64   `json:"place,omitempty"`   // of the crosses beside those of other curves, from left to right; 0 in the middle

	Straight bool `json:"straight,omitempty"` // lines go straight from point to point; else a value holds until the next
	Bars     bool `json:"bars,omitempty"`     // the band is a bar at each point
	Scatter  bool `json:"scatter,omitempty"`  // no line joins the points of the mean
}

// Single returns the thin lines: runs that did not end well, and tails.
func (c Curve) Single() [][]Point { return slices.Concat(c.Thin, c.Tails) }

// A Histogram is the shares of bins.
type Histogram struct {
	Label string  `json:"label"`
	Style int     `json:"style"` // see StyleOf
	Edges Numbers `json:"edges"` // of the bins, one more than there are
	Share Numbers `json:"share"` // of each bin
	Below *Bar    `json:"below,omitempty"`
}

// A Bar stands apart from the bins of a histogram, for what has no place on the axis.
type Bar struct {
	From  Number `json:"from"`
	To    Number `json:"to"`
	Share Number `json:"share"`
}

// A Row says when the runs of a series reach a goal.
type Row struct {
	Label  string  `json:"label"`
	Style  int     `json:"style"` // see StyleOf
	At     Numbers `json:"at"`    // of each run; +Inf: never
	Median Number  `json:"median"`
}

// Reached returns how many runs reach the goal.
func (r Row) Reached() (n int) {
	for _, v := range r.At {
		if !math.IsInf(v, 1) {
			n++
		}
	}
	return n
}
