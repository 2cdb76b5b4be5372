package render

import (
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
)

const longName = `a method of some length, learning_rate={"schedule":"cosine","initial":0.1,"final":0.0001,"warmup_steps":100}, batch_size=64`

// TestLongLabels: a label that is wider than its figure is broken, not cut off.
func TestLongLabels(t *testing.T) {
	const width = largeWidth - 2*margin
	names := []string{longName, strings.Replace(longName, "100", "1000", 1)}
	l := layLegend([]figure.Entry{{Label: names[0]}, {Label: names[1], Style: 1}}, width)
	if len(l.columns) != 1 || len(l.entries) < 4 {
		t.Errorf("%d columns, %d lines", len(l.columns), len(l.entries))
	}
	var labels []string
	for _, e := range l.entries {
		if w := sampleWidth + sampleGap + l.style().Width(e.label); w > width {
			t.Errorf("%q has width %g of %g", e.label, w, width)
		}
		if !e.rest {
			labels = append(labels, "")
		}
		labels[len(labels)-1] += strings.ReplaceAll(e.label, " ", "")
	}
	for i, name := range names {
		if want := strings.ReplaceAll(name, " ", ""); len(labels) != 2 || labels[i] != want {
			t.Errorf("%q, want %q", labels, want)
		}
	}
	// So are values on an axis.
	a := figure.Axis{Names: true, Ticks: []figure.Tick{{Value: 0, Label: names[0]}, {Value: 1, Label: names[1]}}}
	for _, tick := range fitTicks(a, halfWidth) {
		for line := range strings.Lines(tick.Label) {
			if w := textStyle(tickSize).Width(strings.TrimSuffix(line, "\n")); w > halfWidth/2 {
				t.Errorf("%q has width %g of %g", line, w, halfWidth/2)
			}
		}
	}
}

// TestShortLabels: a legend has as many columns as fit.
func TestShortLabels(t *testing.T) {
	list := []figure.Entry{{Label: "SGD"}, {Label: "Adam", Style: 1}, {Label: "GN", Style: 2}, {Label: strings.Repeat("w", 20), Style: 3}}
	if l := layLegend(list[:3], halfWidth); len(l.columns) != 3 || l.height() != labelSize+legendLead {
		t.Errorf("%d columns, %g high", len(l.columns), l.height())
	}
	if l := layLegend(list, halfWidth); len(l.columns) != 2 || l.height() != 2*(labelSize+legendLead) {
		t.Errorf("%d columns, %g high", len(l.columns), l.height())
	}
	if l := layLegend(nil, halfWidth); l.height() != 0 {
		t.Errorf("no entries are %g high", l.height())
	}
}

// TestTouching: of numbers close to each other on an axis, the first alone is written.
func TestTouching(t *testing.T) {
	for log, want := range map[bool]string{false: "0.001 1", true: "0.001 0.01 1"} {
		a := figure.Axis{Log: log, Range: figure.Range{Lo: 0.001, Hi: 1, Some: true}}
		a.Ticks = []figure.Tick{{Value: 0.001, Label: "0.001"}, {Value: 0.0011, Label: "0.0011"}, {Value: 0.01, Label: "0.01"}, {Value: 1, Label: "1"}}
		var got []string
		for _, tick := range fitTicks(a, halfWidth) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("log %t: %s, want %s", log, text, want)
		}
	}
}

// TestRows: short names stand beside the rows of the first panel, with how many runs
// reach the goal; long ones above, in rows that are higher.
func TestRows(t *testing.T) {
	list := []figure.Row{{Label: "SGD", At: figure.Numbers{1, 2}}, {Label: "Adam", At: figure.Numbers{3}}}
	short := layRows(list, halfWidth, true)
	if short[0].beside != "SGD  2/2" || short[1].beside != "Adam  1/1" || short[0].above != nil || short.height() != 40+2*15 {
		t.Errorf("%+v, %g high", short, short.height())
	}
	list[1].Label = longName
	long := layRows(list, halfWidth, true)
	if long[0].beside != "2/2" || len(long[0].above) != 1 || len(long[1].above) < 2 || long.height() <= short.height() {
		t.Errorf("%+v, %g high", long, long.height())
	}
	for _, r := range layRows(list, halfWidth, false) {
		if r.beside != "" || r.above != nil {
			t.Errorf("named again: %+v", r)
		}
	}
	f := figure.Figure{Columns: 2, Panels: []figure.Panel{{Rows: list}, {Rows: list}}}
	if p := layOut(f); p.height != long.height() {
		t.Errorf("panels are %g high, want %g", p.height, long.height())
	}
}
