package report

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot/plotter"
)

// A quantity is a column that can be an axis.
type quantity struct {
	name   string // on the command line and in file names
	column string
	label  string
	log    bool    // shown on a log axis by default
	scale  float64 // multiplies the column
	about  float64 // for accuracies: 1, the early evaluations may be cut off below
}

// xs and ys are the axes that figures may have.
var (
	xs = []quantity{
		{name: "wall", column: "wall_seconds", label: "training time, wall clock [s]", scale: 1},
		{name: "cost", column: "cost", label: "cost [gradients of one mini-batch]", scale: 1},
		{name: "epoch", column: "epoch", label: "epoch", scale: 1},
		{name: "step", column: "step", label: "step", scale: 1},
		{name: "oracle_calls", column: "oracle_calls", label: "oracle calls [JVPs + VJPs]", scale: 1},
	}
	ys = []quantity{
		{name: "train_loss", column: "train_loss", label: "train loss", log: true, scale: 1},
		{name: "test_loss", column: "test_loss", label: "test loss", log: true, scale: 1},
		{name: "test_accuracy", column: "test_accuracy", label: "test accuracy [%]", scale: 100, about: 1},
		{name: "test_rmse", column: "test_rmse", label: "test RMSE [unit of the target]", scale: 1},
		{name: "train_accuracy", column: "train_accuracy", label: "train accuracy [%]", scale: 100, about: 1},
		{name: "valid_loss", column: "valid_loss", label: "validation loss", log: true, scale: 1},
		{name: "valid_accuracy", column: "valid_accuracy", label: "validation accuracy [%]", scale: 100, about: 1},
	}
)

func find(list []quantity, name string) (quantity, error) {
	var names []string
	for _, q := range list {
		if q.name == name {
			return q, nil
		}
		names = append(names, q.name)
	}
	return quantity{}, fmt.Errorf("no axis is called %q (known: %s)", name, strings.Join(names, ", "))
}

// A curve is what a figure shows of one method: the mean over the complete
// runs, a band from the least to the largest of them, and the other runs as
// thin lines.
type curve struct {
	label   string
	index   int // of the method: its colour
	mean    plotter.XYs
	lo, hi  []float64
	thin    []plotter.XYs // incomplete runs, and what is left of longer ones
	crosses plotter.XYs   // where runs diverged
	left    int           // points that a log axis cannot show
}

// newCurve aggregates the runs of one method. Evaluation i of the mean is the
// mean of the runs' evaluations i, in x as in y, as far as all complete runs
// have one.
func newCurve(runs []Run, x, y quantity) curve {
	c := curve{index: runs[0].MethodIndex}
	var complete [][]plotter.XY
	counts := map[string]int{}
	for _, r := range runs {
		counts[r.Outcome]++
		var points plotter.XYs
		for _, row := range r.Rows {
			p := plotter.XY{X: row[x.column] * x.scale, Y: row[y.column] * y.scale}
			if math.IsNaN(p.Y) || math.IsInf(p.Y, 0) || math.IsNaN(p.X) {
				continue
			}
			if y.log && p.Y <= 0 || x.log && p.X <= 0 {
				c.left++
				continue
			}
			points = append(points, p)
		}
		switch {
		case len(points) == 0:
		case r.complete():
			complete = append(complete, points)
		default:
			c.thin = append(c.thin, points)
			if r.Outcome == "diverged" {
				c.crosses = append(c.crosses, points[len(points)-1])
			}
		}
	}
	common := math.MaxInt
	for _, p := range complete {
		common = min(common, len(p))
	}
	for i := range common {
		if len(complete) == 0 {
			break
		}
		var m plotter.XY
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, p := range complete {
			m.X += p[i].X / float64(len(complete))
			m.Y += p[i].Y / float64(len(complete))
			lo, hi = min(lo, p[i].Y), max(hi, p[i].Y)
		}
		c.mean, c.lo, c.hi = append(c.mean, m), append(c.lo, lo), append(c.hi, hi)
	}
	for _, p := range complete {
		if len(p) > common {
			c.thin = append(c.thin, p[common-1:])
		}
	}
	c.label = runs[0].label() + note(counts, len(runs))
	return c
}

// note says which runs did not reach their end.
func note(counts map[string]int, n int) string {
	var parts []string
	for _, o := range []string{"diverged", "interrupted", "failed", "running"} {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d %s", counts[o], n, o))
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
