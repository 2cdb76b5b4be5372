package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/render"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A FigureSet says which figures Publish draws.
type FigureSet string

const (
	NoFigures      FigureSet = "none"
	DefaultFigures FigureSet = "default" // overview and target, as PNG for a screen
	AllFigures     FigureSet = "all"     // those of dgn plot
)

// FigureSets are all of them.
var FigureSets = []FigureSet{NoFigures, DefaultFigures, AllFigures}

// draw writes figures to a folder; those that the logs do not allow are left out.
func (f FigureSet) draw(res *results.Results, dir string) ([]string, error) {
	var opt report.FigureOptions
	as := render.All(render.PrintDPI)
	switch f {
	case NoFigures:
		return nil, nil
	case DefaultFigures:
		opt.Kinds, as = []string{"overview", "target"}, []figure.Renderer{render.PNG{DPI: render.ScreenDPI}}
	}
	return Draw(res, opt, dir, as)
}

// Draw writes figures of logs to a folder, and returns their files. Those that were made
// before an error are written too. Letters that a font lacks are a warning of the logs.
func Draw(res *results.Results, opt report.FigureOptions, dir string, as []figure.Renderer) ([]string, error) {
	figures, err := report.Figures(res, opt)
	if lost := render.LostLetters(figures); lost != "" {
		res.Warnings = append(res.Warnings, lost)
	}
	files, failed := render.Write(dir, figures, as)
	return files, errors.Join(err, failed)
}

// Publish sums up the logs of the experiment's runs: it writes summary.csv and
// figures, and returns the summary and the figures' files. Figures that were drawn
// before the runs ended, and that it does not draw again, go to figures/old, which
// the summary warns of. Of runs on several data sets there are no figures, which it
// warns of too.
func (r *Result) Publish(figures FigureSet) (*report.Summary, []string, error) {
	res, err := r.logs()
	if err != nil {
		return nil, nil, err
	}
	summary := report.Summarize(res)
	var b bytes.Buffer
	if err := summary.WriteCSV(&b); err != nil {
		return summary, nil, err
	}
	if err := r.files.Replace(filepath.Join(r.Dir, "summary.csv"), b.Bytes()); err != nil {
		return summary, nil, err
	}
	dir := filepath.Join(r.Dir, "figures")
	if sets := res.Datasets(); len(sets) > 1 {
		err := report.SetAside(res, dir, render.Formats, nil)
		summary.Warnings = append(res.Warnings, fmt.Sprintf("no figures: the runs are of different data sets, %s; dgn export --csv writes a table of all", strings.Join(sets, " and ")))
		return summary, nil, err
	}
	drawn, err := figures.draw(res, dir)
	if err == nil {
		err = report.SetAside(res, dir, render.Formats, drawn)
	}
	summary.Warnings = res.Warnings
	return summary, drawn, err
}

// logs reads the logs of the experiment's own runs, whatever else the results
// folder holds, in its order and with the settings that it varied: a reused run
// may be that of another sweep.
func (r *Result) logs() (*results.Results, error) {
	res := &results.Results{}
	for _, p := range r.Runs {
		if p.State == folder.Held {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s: left out: %v", filepath.Join(r.Dir, p.Dir), p.Fault))
			continue
		}
		before := len(res.Runs)
		if err := res.Add(filepath.Join(r.Dir, p.Dir), p.Varied); err != nil {
			return nil, err
		}
		if n := len(res.Runs); n > before && res.Runs[before].Identity != p.Identity {
			res.Runs = res.Runs[:before] // of another process, with other settings
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s: left out: a run of other settings has its place", filepath.Join(r.Dir, p.Dir)))
		}
	}
	res.WarnOfFiles()
	res.Warnings = append(res.Warnings, unreached(res.Runs)...)
	return res, nil
}

// unreached tells of targets that were to end runs, and that none of these reached.
func unreached(runs []results.Run) (warnings []string) {
	reached := map[string]bool{}
	for _, r := range runs {
		if metric := r.Settings["train.target.metric"]; metric != "" && r.Complete() {
			goal := metric + " " + r.Settings["train.target.value"]
			reached[goal] = reached[goal] || r.Outcome == runlog.AtGoal
		}
	}
	for _, goal := range slices.Sorted(maps.Keys(reached)) {
		if !reached[goal] {
			warnings = append(warnings, fmt.Sprintf("no run reached train.target, %s: all ended at their other limits, or diverged", goal))
		}
	}
	return warnings
}
