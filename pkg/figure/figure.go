// Package figure is figures as data: what they show and say, in numbers and texts that
// encoding/json writes. Where it stands on a page, and what it measures there, is for a
// [Renderer] to find, which knows its fonts.
package figure

import "io"

// A Figure is panels in a grid, a legend and a caption.
type Figure struct {
	Name    string   `json:"name"` // of its files
	Columns int      `json:"columns"`
	Large   bool     `json:"large,omitempty"` // its panel is larger than those that stand side by side
	Panels  []Panel  `json:"panels"`          // row by row
	Legend  []Entry  `json:"legend,omitempty"`
	Caption []Remark `json:"caption"`
}

// A Panel is a pair of axes and what is drawn between them: curves, histograms, or rows,
// which take the place of the y axis.
type Panel struct {
	Title      string      `json:"title,omitempty"`
	X          Axis        `json:"x"`
	Y          Axis        `json:"y"`
	Curves     []Curve     `json:"curves,omitempty"`
	Histograms []Histogram `json:"histograms,omitempty"`
	Rows       []Row       `json:"rows,omitempty"` // from top to bottom, the same series in all panels
}

// An Entry of a legend names what is drawn in a style.
type Entry struct {
	Label string `json:"label"`
	Style int    `json:"style"` // see StyleOf
}

// A Remark is a part of a caption. Alerts say why a figure may mislead.
type Remark struct {
	Text  string `json:"text"`
	Alert bool   `json:"alert,omitempty"`
}

// A Renderer writes figures as files of one kind.
type Renderer interface {
	Extension() string // of the files, without a point
	Render(w io.Writer, f Figure) error
}
