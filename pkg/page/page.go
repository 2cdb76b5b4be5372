// Package page turns the runs of package results into one HTML file that needs nothing
// besides it: curves to zoom into and to choose from, tables to sort, settings, steps and
// manifests. Its JavaScript and CSS are in web/, as they are written; uPlot, which draws axes
// and lines, is in web/vendor with its licence.
//
// uPlot was chosen among the maintained libraries for its size and speed: 51 kB, where
// Chart.js has 200, ECharts 1000 and Plotly 3500, and 100 curves of 1000 points in tens of
// milliseconds; it has log axes, dashes and zooming, and needs no other library.
package page

import (
	"fmt"
	"math"
	"slices"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/report"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/scores"
	"github.com/dualgn/dgn/pkg/stats"
)

// Options say what a page shows. Empty values stand for the defaults.
type Options struct {
	Title   string         // default: the names of the experiments
	Version string         // of the program
	Scores  scores.Options // Goals: by default the train loss that all methods of a task reach
	Compare string         // two methods, see scores.ParseCompare
	Alerts  []string       // to be shown first
	Watch   bool           // the page asks its server for what is new
}

// A Page is what is to be written.
type Page struct {
	Warnings []string // what was left out, and why
	doc      document
}

// Make makes a page of logs. Without runs, it says that there are none.
func Make(logs *results.Logs, opt Options) (*Page, error) {
	p := &Page{doc: document{Title: opt.Title, Version: opt.Version, Watch: opt.Watch, Alerts: opt.Alerts, Draws: map[int][]int{}}}
	sets, err := logs.Sets()
	if err != nil {
		return nil, err
	}
	asked := len(opt.Scores.Goals) > 0
	s, goals, err := Scores(logs, &opt)
	if err != nil {
		return nil, err
	}
	var all [][]runLog
	for i := range sets {
		all = append(all, readLogs(sets[i].Results))
	}
	p.sections(sets, all, goals)
	for i := range sets {
		p.doc.Sections[i].addScores(s, sets[i])
		p.Warnings = append(p.Warnings, sets[i].Warnings...)
	}
	if len(sets) > 0 {
		if err := p.profiles(s, len(sets) == 1, asked); err != nil {
			return nil, err
		}
	}
	p.doc.Alerts = append(p.doc.Alerts, p.Warnings...)
	if p.doc.Title == "" {
		p.doc.Title = title(sets)
	}
	p.style(sets)
	return p, nil
}

// Scores computes the scores of logs, with the default targets where none are given, and
// returns the target of each task in the order of the first. Problems of profiles are the
// seeds of all tasks.
func Scores(logs *results.Logs, opt *Options) (*scores.Scores, map[string][]runlog.Goal, error) {
	tasks, err := logs.Tasks()
	if err != nil || len(tasks) == 0 {
		return &scores.Scores{}, nil, err
	}
	if len(opt.Scores.Goals) == 0 {
		opt.Scores.Goals = defaultGoals(tasks)
	}
	opt.Scores.Seeds = true
	if opt.Compare != "" {
		if opt.Scores.Compare, err = scores.ParseCompare(opt.Compare, tasks); err != nil {
			return nil, nil, err
		}
	}
	s, err := scores.Of(tasks, opt.Scores)
	goals := map[string][]runlog.Goal{}
	for _, t := range tasks {
		for _, g := range scores.Goals(opt.Scores.Goals, []results.Task{t}) {
			if !slices.Contains(goals[t.Dataset], g) {
				goals[t.Dataset] = append(goals[t.Dataset], g)
			}
		}
	}
	return s, goals, err
}

// defaultGoals are the train losses that all methods of a task reach. Tasks that a target
// could not tell apart have the largest of theirs.
func defaultGoals(tasks []results.Task) []scores.TaskGoals {
	count := map[string]int{}
	for _, t := range tasks {
		count[t.Name]++
	}
	of := map[string]float64{}
	for _, t := range tasks {
		name := t.Name
		if count[name] > 1 {
			name = t.Dataset
		}
		if g := report.DefaultGoal(t.Results); g != nil {
			of[name] = max(of[name], g.Value)
		}
	}
	if len(of) == 0 {
		return nil
	}
	goal := scores.TaskGoals{Metric: runlog.Columns.TrainLoss, Value: math.NaN(), Of: of}
	if len(tasks) == 1 {
		for _, v := range of {
			goal = scores.TaskGoals{Metric: runlog.Columns.TrainLoss, Value: v}
		}
	}
	return []scores.TaskGoals{goal}
}

// Numbers of logs that a page holds, so that it stays below 10 MB, and rows of one run that
// are more than a screen can show.
const (
	budget   = 1_200_000
	full     = 200_000 // up to which they have all their digits
	digits   = 7       // of more
	mostRows = 2000
	mostStep = 600
)

// sections makes the sections with as many rows of logs as there is room for.
func (p *Page) sections(sets []results.Task, logs [][]runLog, goals map[string][]runlog.Goal) {
	for rows, steps := mostRows, mostStep; ; rows, steps = max(rows*4/5, 50), max(steps*4/5, 30) {
		p.doc.Sections = []section{}
		n := 0
		var pools []*pool
		for i, set := range sets {
			s, columns := newSection(set, logs[i], rows, steps, goals[set.Dataset])
			n += columns.numbers()
			pools = append(pools, columns)
			p.doc.Sections = append(p.doc.Sections, *s)
		}
		if n > budget && rows > 50 {
			continue
		}
		if n > full {
			p.doc.Digits = digits
		}
		for i := range pools {
			for j := range pools[i].columns {
				pools[i].columns[j].digits = p.doc.Digits
			}
			p.doc.Sections[i].Columns = append([]column{}, pools[i].columns...)
		}
		p.doc.Thinned = thinned(logs, rows, steps)
		break
	}
	for i, set := range sets {
		p.doc.Sections[i].figures(set.Results, goals[set.Dataset])
	}
}

// thinned says what was left out of long logs.
func thinned(logs [][]runLog, rows, steps int) string {
	longRows, longSteps := 0, 0
	for _, set := range logs {
		for _, l := range set {
			longRows = max(longRows, len(l.rows[runlog.Columns.Step]))
			if l.steps != nil {
				longSteps = max(longSteps, len(l.steps.Values[runlog.Columns.Step]))
			}
		}
	}
	var parts string
	if longRows > rows {
		parts = fmt.Sprintf("up to %d evaluations of a run are thinned to %d", longRows, rows)
	}
	if longSteps > steps {
		if parts != "" {
			parts += "; "
		}
		parts += fmt.Sprintf("up to %d logged steps of a run are thinned to %d", longSteps, steps)
	}
	if parts == "" {
		return ""
	}
	return parts + ", so that this page stays small: in each stretch of a log the least and the largest value of every quantity of every run are kept, so that no extremum is hidden. Tables of scores, final values and figures are of all rows; means with bands, and times to a target that is typed in here, of those kept"
}

// addScores adds the tables of the tasks that a section is of.
func (s *section) addScores(all *scores.Scores, set results.Task) {
	parts := all.Report()
	s.Parts = []scores.Part{}
	for i, t := range all.Tasks {
		if t.Dataset != set.Dataset || !slices.ContainsFunc(set.Runs, func(r results.Run) bool { return r.Name == t.Name }) {
			continue
		}
		s.Parts = append(s.Parts, parts[i])
	}
}

// profiles adds performance profiles, to the only section or for all. Why there is none of a
// target is told of those that were asked for.
func (p *Page) profiles(s *scores.Scores, only, asked bool) error {
	p.doc.Figures = []figure.Figure{}
	res := &results.Results{}
	list, err := report.Figures(res, report.FigureOptions{Figures: []string{"profile"}, Scores: s})
	if len(s.Profiles) == 0 {
		list, err = nil, nil
	}
	if err != nil {
		return err
	}
	if asked {
		p.Warnings = append(p.Warnings, res.Warnings...)
	}
	if parts := s.Parts(); len(parts) > len(s.Tasks) {
		p.doc.Parts = parts[len(s.Tasks):]
	}
	if only {
		own := &p.doc.Sections[0]
		own.Figures, own.Parts = append(own.Figures, list...), append(own.Parts, p.doc.Parts...)
		p.doc.Parts = nil
		return nil
	}
	p.doc.Figures = list
	return nil
}

// style fills in the styles that figures and curves refer to, and the resamples of intervals.
func (p *Page) style(sets []results.Task) {
	most := 34
	for i := range p.doc.Sections {
		for _, s := range p.doc.Sections[i].Series {
			most = max(most, s.Style)
		}
	}
	for i := range most + 1 {
		s := figure.StyleOf(i)
		dash := s.Dash
		if dash == nil {
			dash = []float64{}
		}
		p.doc.Styles = append(p.doc.Styles, style{s.Color.Hex(), dark[i%len(dark)], dash})
	}
	for _, set := range sets {
		for _, s := range set.Series() {
			n := len(s.Runs)
			for n > smallSample { // some may not have ended well
				if p.doc.Draws[n] == nil {
					for _, i := range stats.Resamples(n) {
						p.doc.Draws[n] = append(p.doc.Draws[n], int(i))
					}
				}
				n--
			}
		}
	}
}

// smallSample is the number of seeds up to which the page finds all resamples itself.
const smallSample = 5

// dark are the colours of figure.Palette on a dark ground: the same hues, as light as is
// needed for a contrast of 4.5 to it, and white in place of black.
var dark = []string{"#4DA3E8", "#F07F3C", "#2FC698", "#E39BC4", "#F0B429", "#9AD4F7", "#F2F2F2"}

// title is made of the names of the experiments.
func title(sets []results.Task) string {
	if len(sets) == 0 {
		return "no runs yet"
	}
	text := ""
	for _, s := range sets {
		if text != "" {
			text += ", "
		}
		text += s.Name
	}
	if len(text) > 100 {
		return fmt.Sprintf("%d data sets", len(sets))
	}
	return text
}
