package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/scores"
)

// profiles draws the performance profiles of each target: a panel for each amount that is
// spent on it. A target that no run reaches has none, which a warning says.
func profiles(d *drawing) ([]figure.Figure, string, error) {
	if d.opt.Scores == nil || len(d.opt.Scores.Profiles) == 0 {
		return nil, "it is of the way to a target; give one", nil
	}
	amounts := d.opt.X
	if len(amounts) == 0 {
		amounts = []string{"wall", "cost"}
	}
	figures := []figure.Figure{}
	var groups []string
	of := map[string][]scores.Profile{}
	for _, p := range d.opt.Scores.Profiles {
		if !slices.Contains(amounts, p.Amount) {
			continue
		}
		if of[p.Group] == nil {
			groups = append(groups, p.Group)
		}
		of[p.Group] = append(of[p.Group], p)
	}
	for _, g := range groups {
		if why := of[g][0].Why; why != "" {
			d.res.Warnings = append(d.res.Warnings, fmt.Sprintf("no performance profile of %s: %s", g, why))
			continue
		}
		f, err := d.profile(of[g])
		if err != nil {
			return nil, "", err
		}
		figures = append(figures, f)
	}
	number(figures)
	return figures, "", nil
}

// profile draws the profiles of one target.
func (d *drawing) profile(list []scores.Profile) (figure.Figure, error) {
	first := list[0]
	f := figure.Figure{Name: "profile_" + first.Metric, Columns: min(2, len(list)), Large: len(list) == 1}
	limit := d.opt.Scores.Limit
	end := limit // the axis shows all ratios, and the range of the score
	for _, p := range list {
		for _, l := range p.Lines {
			for _, r := range l.Ratios {
				if !math.IsInf(r, 1) {
					end = max(end, 1.1*r)
				}
			}
		}
	}
	var notes []string
	for _, p := range list {
		q, err := find(xs, p.Amount)
		if err != nil {
			return f, err
		}
		name, _, _ := strings.Cut(q.label, " [")
		panel := figure.Panel{
			X: figure.Axis{Label: "factor tau of the least " + name, Log: d.opt.LogX == nil || *d.opt.LogX, Range: figure.Range{Lo: 1, Hi: end, Some: true}, Pad: [2]float64{0.02, 0.02}, Ticks: factors(end)},
			Y: figure.Axis{Label: "share of " + problems(p) + " [%]", Range: figure.Range{Lo: 0, Hi: 100, Some: true}, Pad: padY, Ticks: quarters},
		}
		for _, l := range p.Lines {
			panel.Curves = append(panel.Curves, profileCurve(l, end))
			if p.Amount == first.Amount {
				f.Legend = append(f.Legend, figure.Entry{Label: l.Label, Style: l.Index})
			}
		}
		f.Panels = append(f.Panels, panel)
		for _, n := range p.Notes {
			if !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
	}
	f.Caption = append(f.Caption, figure.Remark{Text: d.profileText(first) + "; " + profileScores(list, limit)})
	wall := slices.ContainsFunc(list, func(p scores.Profile) bool { return p.Amount == "wall" })
	for _, t := range d.opt.Scores.Tasks {
		if !slices.Contains(first.Tasks, t.Label) {
			continue
		}
		for _, n := range t.Notes {
			if n != t.Timing || wall {
				notes = append(notes, n)
			}
		}
	}
	slices.Sort(notes)
	notes = slices.Compact(notes)
	for _, n := range notes {
		f.Caption = append(f.Caption, figure.Remark{Text: n, Alert: true})
	}
	return f, nil
}

// profileCurve is the share in percent of the problems within each factor, to the end of
// the axis.
func profileCurve(l scores.ProfileLine, end float64) figure.Curve {
	c := figure.Curve{Label: l.Label, Style: l.Index}
	at := []float64{1, end}
	for _, r := range l.Ratios {
		if !math.IsInf(r, 1) {
			at = append(at, r)
		}
	}
	slices.Sort(at)
	for _, tau := range slices.Compact(at) {
		share := 100 * l.Share(tau)
		c.Mean = append(c.Mean, figure.Point{X: tau, Y: share})
		c.Lo, c.Hi = append(c.Lo, share), append(c.Hi, share)
	}
	return c
}

// profileScores says the scores of some profiles.
func profileScores(list []scores.Profile, limit float64) string {
	var parts []string
	for _, p := range list {
		var each []string
		for _, l := range p.Lines {
			each = append(each, fmt.Sprintf("%s %.3f", l.Label, l.Score))
		}
		parts = append(parts, p.Amount+": "+strings.Join(each, ", "))
	}
	return fmt.Sprintf("mean height from tau = 1 to %g: %s", limit, strings.Join(parts, "; "))
}

// quarters are the ticks of shares in percent.
var quarters = []figure.Tick{{Value: 0, Label: "0"}, {Value: 25, Label: "25"}, {Value: 50, Label: "50"}, {Value: 75, Label: "75"}, {Value: 100, Label: "100"}}

// factors are ticks at the powers of two, and between the first of them where there are
// few; nil, for those of the axis, where there are many.
func factors(end float64) (ticks []figure.Tick) {
	at := []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
	switch {
	case end > 512:
		return nil
	case end <= 8:
		at = []float64{1, 1.5, 2, 3, 4, 6, 8}
	}
	for _, v := range at {
		if v <= end {
			ticks = append(ticks, figure.Tick{Value: v, Label: fmt.Sprint(v)})
		}
	}
	return ticks
}

// problems is what the problems of a profile are.
func problems(p scores.Profile) string {
	switch {
	case p.Seeds && len(p.Tasks) > 1:
		return "seeds of tasks"
	case p.Seeds:
		return "seeds"
	}
	return "tasks"
}

// profileText says what the curves are.
func (d *drawing) profileText(p scores.Profile) string {
	target := goalText(p.Goals[0])
	if slices.ContainsFunc(p.Goals, func(g runlog.Goal) bool { return g != p.Goals[0] }) {
		var each []string
		for i, g := range p.Goals {
			each = append(each, p.Tasks[i]+": "+goalText(g))
		}
		target = strings.Join(each, ", ")
	} else if len(p.Tasks) > 1 {
		target += " on " + strings.Join(p.Tasks, ", ")
	}
	where := fmt.Sprintf("%s of %s in which a method", p.Unit(len(p.Problems)), strings.Join(p.Tasks, ", "))
	if !p.Seeds {
		where = fmt.Sprintf("%s on which a method, by its median over the seeds,", p.Unit(len(p.Problems)))
	}
	text := fmt.Sprintf("share of the %s reaches the target (%s) within tau times what the best method spends; never reached counts as infinite", where, target)
	if at := d.opt.Scores.At; at != nil {
		text += fmt.Sprintf("; all logs end at %s %g", at.Amount, at.Value)
	}
	return text
}
