package page

import (
	"encoding/json"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/scores"
)

// A document is what the page shows, which its JavaScript reads as JSON.
type document struct {
	Title    string          `json:"title"`
	Version  string          `json:"version"`
	Watch    bool            `json:"watch,omitempty"`
	Alerts   []string        `json:"alerts"` // what was left out, and why
	Styles   []style         `json:"styles"` // by index
	Sections []section       `json:"sections"`
	Parts    []scores.Part   `json:"parts"`            // of scores over several tasks
	Figures  []figure.Figure `json:"figures"`          // the same
	Draws    map[int][]int   `json:"draws,omitempty"`  // by number of seeds: see stats.Resamples
	Thinned  string          `json:"thinned"`          // what was left out of long logs; "": nothing
	Digits   int             `json:"digits,omitempty"` // of numbers in logs; 0: all
}

// A style is a [figure.Style] on light and dark ground.
type style struct {
	Light string    `json:"light"`
	Dark  string    `json:"dark"`
	Dash  []float64 `json:"dash"`
}

// A section is the runs on one data set.
type section struct {
	Name     string          `json:"name"` // of the experiments
	Dataset  string          `json:"dataset"`
	Alerts   []string        `json:"alerts"`
	X        []axis          `json:"x"`
	Y        []axis          `json:"y"`
	StepX    []axis          `json:"stepX"`
	StepY    []axis          `json:"stepY"`
	Series   []series        `json:"series"`
	Runs     []run           `json:"runs"`
	Columns  []column        `json:"columns"`  // that runs name by their place
	Swept    []swept         `json:"swept"`    // settings that vary
	Differ   []string        `json:"differ"`   // settings in which any two runs differ
	Settings [][]string      `json:"settings"` // of each series, in the order of Differ
	Goal     *goal           `json:"goal"`     // of the times and costs in the table at first
	Chooser  string          `json:"chooser"`  // by which the best setting of a method is chosen
	Figures  []figure.Figure `json:"figures"`
	Parts    []scores.Part   `json:"parts"`
	Compare  *comparison     `json:"compare,omitempty"`
	Timing   string          `json:"timing"` // why times do not compare
}

// An axis is a quantity that can be one.
type axis struct {
	Name   string  `json:"name"`
	Column string  `json:"column"`
	Label  string  `json:"label"`
	Log    bool    `json:"log"`
	Scale  float64 `json:"scale"`
	Cut    bool    `json:"cut,omitempty"`
	Spent  bool    `json:"spent,omitempty"`
	Higher bool    `json:"higher,omitempty"` // is better
}

// A series is the runs of one method with the same settings.
type series struct {
	Label  string            `json:"label"`
	Method string            `json:"method"`
	Style  int               `json:"style"`
	Best   bool              `json:"best"` // of the settings of its method
	Varied map[string]string `json:"varied"`
}

// A run is one seed.
type run struct {
	Series   int             `json:"series"`
	Seed     string          `json:"seed"` // up to 64 bits, more than a number of JavaScript holds
	State    string          `json:"state"`
	Complete bool            `json:"complete"`
	Note     string          `json:"note,omitempty"`    // the error, or what was met
	Written  int64           `json:"written,omitempty"` // Unix time in ms of the last row of a run at work, where the page is watched
	Dir      string          `json:"dir"`
	Rows     map[string]int  `json:"rows"`            // the place of each column of metrics.csv
	Steps    map[string]int  `json:"steps,omitempty"` // of steps.csv
	Stops    map[string]int  `json:"stops,omitempty"` // how many inner solves ended for each reason
	Manifest json.RawMessage `json:"manifest"`
}

// A swept setting has a slider.
type swept struct {
	Key    string   `json:"key"`
	Short  string   `json:"short"`
	Values []string `json:"values"`
}

type goal struct {
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
}

// A comparison is two methods, seed by seed.
type comparison struct {
	A      string         `json:"a"`
	B      string         `json:"b"`
	Tables []scores.Table `json:"tables"`
}
