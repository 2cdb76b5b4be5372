package figure

import (
	"encoding/json"
	"math"
	"testing"
)

// TestJSON: figures are JSON whatever their numbers, and what is empty is not there.
func TestJSON(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		value any
		want  string
	}{
		{Numbers{1, 0.5, nan, inf, -inf, 1e300, 5e-324}, `[1,0.5,"NaN","Infinity","-Infinity",1e+300,5e-324]`},
		{Numbers{}, `[]`},
		{Number(nan), `"NaN"`},
		{[]Point{{1, nan}, {inf, 2}}, `[[1,"NaN"],["Infinity",2]]`},
		{Range{0, inf, true}, `[0,"Infinity"]`},
		{Range{}, `null`},
		{Axis{Label: "step", Pad: [2]float64{0, 0.02}}, `{"label":"step","range":null,"pad":[0,0.02]}`},
		{Curve{Label: "SGD", Style: 1, Mean: []Point{{0, nan}}, Lo: Numbers{nan}, Hi: Numbers{inf}, Place: -0.5}, `{"label":"SGD","style":1,"mean":[[0,"NaN"]],"lo":["NaN"],"hi":["Infinity"],"place":-0.5}`},
		{Histogram{Label: "step 1", Edges: Numbers{0, inf}, Share: Numbers{nan}, Below: &Bar{0, 1, Number(nan)}}, `{"label":"step 1","style":0,"edges":[0,"Infinity"],"share":["NaN"],"below":{"from":0,"to":1,"share":"NaN"}}`},
		{Row{Label: "SGD", At: Numbers{1, inf}, Median: Number(inf)}, `{"label":"SGD","style":0,"at":[1,"Infinity"],"median":"Infinity"}`},
		{Figure{Name: "a", Columns: 1, Panels: []Panel{{}}, Caption: []Remark{{"careful", true}}},
			`{"name":"a","columns":1,"panels":[{"x":{"range":null,"pad":[0,0]},"y":{"range":null,"pad":[0,0]}}],"caption":[{"text":"careful","alert":true}]}`},
	} {
		if got, err := json.Marshal(c.value); err != nil || string(got) != c.want {
			t.Errorf("%s, %v\n  want %s", got, err, c.want)
		}
	}
}

// TestReached: runs that never reach a goal are counted apart.
func TestReached(t *testing.T) {
	if n := (Row{At: Numbers{1, math.Inf(1), 0}}).Reached(); n != 2 {
		t.Error(n)
	}
}

// TestRange: a range is empty until something is added, 0 too.
func TestRange(t *testing.T) {
	var r Range
	if r.Add(); r.Some {
		t.Error("something is in an empty range")
	}
	if r.Add(3, -1, 2); r != (Range{-1, 3, true}) {
		t.Errorf("%+v", r)
	}
}
