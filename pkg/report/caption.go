package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/stats"
)

// A captioner collects what the caption of curves has to say.
type captioner struct {
	res    *results.Results
	smooth int
	band   string // what the interval is drawn as
	upTo   bool   // points have different n, which the legend does not tell
	curves []curve
	wall   bool
	zeroX  bool // some x axis is a log axis, and starts at 0
	edge   edge
}

func (c *captioner) add(x, y quantity, curves []curve) {
	c.curves = append(c.curves, curves...)
	c.wall = c.wall || x.name == "wall"
	c.edge.add(y, curves)
	for _, v := range curves {
		for _, line := range append(v.Single(), v.Mean) {
			c.zeroX = c.zeroX || x.log && len(line) > 0 && line[0].X <= 0
		}
	}
}

// An edge counts what stands at the edge of a log axis.
type edge struct {
	n              int
	negative, tiny bool // some are below 0, or between 0 and figure.LeastLog
}

func (e *edge) add(y quantity, curves []curve) {
	if !y.log {
		return
	}
	for _, c := range curves {
		of := c.edges()
		e.n, e.negative, e.tiny = e.n+of.n, e.negative || of.negative, e.tiny || of.tiny
	}
}

// String says what the marks are, "" if there are none.
func (e edge) String() string {
	switch {
	case e.n == 0:
		return ""
	case e.tiny:
		return fmt.Sprintf("triangles at the lower edge: less than %g, where a log axis ends", figure.LeastLog)
	case e.negative:
		return "triangles at the lower edge: 0 or less, for which a log axis has no place"
	}
	return "triangles at the lower edge: exactly 0, for which a log axis has no place"
}

// remarks says what lines and bands are, and what to be careful about.
func (c *captioner) remarks() []figure.Remark {
	parts := []string{c.res.Runs[0].Dataset + ": " + c.average()}
	var thin, tails, crosses, averaged, held, ended, steps, partial bool
	for _, v := range c.curves {
		thin, tails, crosses = thin || len(v.Thin) > 0, tails || len(v.Tails) > 0, crosses || len(v.Crosses) > 0
		averaged, held, ended, steps = averaged || v.averaged, held || v.held, ended || v.ended, steps || !v.Straight
		partial = partial || v.Notes != nil
	}
	if steps {
		parts = append(parts, "a value holds until the next evaluation")
	}
	if averaged {
		parts = append(parts, "means over the seeds at the same step, at the mean of their x")
	}
	if held {
		parts = append(parts, "where steps differ, means of the seeds' last values")
	}
	if ended {
		parts = append(parts, "at the end, means of their final values, at the mean of their ends")
	}
	if partial {
		parts = append(parts, "k/n: mean of the k of n seeds that ended well")
	}
	switch {
	case thin && tails:
		parts = append(parts, "thin: runs that did not end, in no mean, and those that go on after the shortest")
	case thin:
		parts = append(parts, "thin: runs that did not end, in no mean")
	case tails:
		parts = append(parts, "thin: runs that go on after the shortest")
	}
	if crosses {
		parts = append(parts, "×: diverged")
	}
	if text := c.edge.String(); text != "" {
		parts = append(parts, text)
	}
	if c.zeroX {
		parts = append(parts, "what is at 0 starts at the left edge")
	}
	if c.smooth > 1 {
		parts = append(parts, fmt.Sprintf("smoothed: running mean of %d evaluations", c.smooth))
	}
	return append([]figure.Remark{{Text: strings.Join(parts, "; ")}}, alerts(c.res, c.wall)...)
}

// alerts says what the reader of a figure is to be careful about; wall: times are shown.
func alerts(res *results.Results, wall bool) (out []figure.Remark) {
	texts := []string{res.Mixture(), damage(res)}
	if wall {
		texts = append([]string{res.Timing()}, texts...)
	}
	for _, t := range texts {
		if t != "" {
			out = append(out, figure.Remark{Text: t, Alert: true})
		}
	}
	return out
}

// average says what the lines and the bands are.
func (c *captioner) average() string {
	var ns []int
	for _, v := range c.curves {
		if v.n > 0 {
			ns = append(ns, v.n)
		}
	}
	slices.Sort(ns)
	ns = slices.Compact(ns)
	switch {
	case len(ns) == 0:
		return "no run ended well (n = 0)"
	case ns[len(ns)-1] == 1:
		seeds := map[uint64]bool{}
		for _, r := range c.res.Runs {
			seeds[r.Seed] = true
		}
		if len(seeds) > 1 {
			return "one complete run each (n = 1)"
		}
		return fmt.Sprintf("one run each (n = 1, seed %d)", c.res.Runs[0].Seed)
	case c.upTo:
		return fmt.Sprintf("mean of the seeds that ended well, n ≤ %d, %s: %s", ns[len(ns)-1], c.band, stats.Describe(ns))
	case len(ns) == 1:
		return fmt.Sprintf("mean of n = %d seeds, %s: %s", ns[0], c.band, stats.Describe(ns))
	}
	return fmt.Sprintf("mean of n = %d seeds or as in brackets, %s: %s", usualN(c.curves), c.band, stats.Describe(ns))
}

// damage says how many runs a figure leaves out.
func damage(res *results.Results) string {
	n := 0
	for _, r := range res.Runs {
		if r.Damage != "" {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 run with damaged logs is left out"
	}
	return fmt.Sprintf("%d runs with damaged logs are left out", n)
}
