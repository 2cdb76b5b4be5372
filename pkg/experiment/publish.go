package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/plan"
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
// warns of too. Of a shard it sums up what is complete of the whole plan, so that the last
// of them leaves the summary of all. Processes that publish one folder take turns.
func (r *Result) Publish(figures FigureSet) (summary *report.Summary, files []string, err error) {
	err = r.folder.Publishing(func() (err error) {
		summary, files, err = r.publish(figures)
		return err
	})
	return summary, files, err
}

func (r *Result) publish(figures FigureSet) (*report.Summary, []string, error) {
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
// may be that of another sweep. Of the runs of other shards it reads the complete ones.
func (r *Result) logs() (*results.Results, error) {
	own := map[*config.Config]map[uint64]folder.Status{} // by config and seed
	for _, s := range r.Runs {
		if own[s.Config] == nil {
			own[s.Config] = map[uint64]folder.Status{}
		}
		own[s.Config][s.Seed] = s
	}
	all, err := r.folder.Located(r.plan.All())
	if err != nil {
		return nil, err
	}
	res := &results.Results{}
	for _, t := range all {
		if s, ok := own[t.Config][t.Seed]; !ok {
			r.addOther(res, t)
		} else if err := r.add(res, s); err != nil {
			return nil, err
		}
	}
	res.WarnOfFiles()
	res.Warnings = append(res.Warnings, unreached(res.Runs)...)
	return res, nil
}

// add reads the logs of a run of this experiment.
func (r *Result) add(res *results.Results, s folder.Status) error {
	dir := filepath.Join(r.Dir, s.Dir)
	if s.State == folder.Held {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s: left out: %v", dir, s.Fault))
		return nil
	}
	before := len(res.Runs)
	if err := res.Add(dir, s.Varied); err != nil {
		return err
	}
	if n := len(res.Runs); n > before && res.Runs[before].Identity != s.Identity {
		res.Runs = res.Runs[:before] // of another process, with other settings
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s: left out: a run of other settings has its place", dir))
	}
	return nil
}

// addOther reads the logs of a run of another shard, if it is complete.
func (r *Result) addOther(res *results.Results, t plan.Task) {
	dir := filepath.Join(r.Dir, t.Dir)
	if m, err := runlog.ReadManifest(dir); err != nil || !m.Outcome.Complete() || m.Identity != t.Identity {
		return // its own shard tells of it
	}
	if err := res.Add(dir, t.Varied); err != nil {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s: left out: %v", dir, err))
	}
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
