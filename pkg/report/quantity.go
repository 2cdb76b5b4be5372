package report

import (
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A quantity is a column that can be an axis.
type quantity struct {
	name   string // on the command line and in file names
	column string
	label  string
	log    bool    // shown on a log axis
	scale  float64 // multiplies the column
	cut    bool    // the first evaluations may be cut off below
	spent  bool    // as an x axis: a log one where methods spend very unlike amounts
}

// on returns the quantity on a log axis or a linear one, if that is asked for.
func (q quantity) on(log *bool) quantity {
	if log != nil {
		q.log = *log
	}
	return q
}

// axis returns the quantity as an axis.
func (q quantity) axis(pad [2]float64) figure.Axis {
	return figure.Axis{Label: q.label, Log: q.log, Pad: pad}
}

// xs and ys are the axes that figures may have.
var (
	xs = []quantity{
		{name: "wall", column: runlog.Columns.WallSeconds, label: "training time, wall clock [s]", scale: 1, spent: true},
		{name: "cost", column: runlog.Columns.Cost, label: "cost [gradients of one mini-batch]", scale: 1, spent: true},
		{name: "epoch", column: runlog.Columns.Epoch, label: "epoch", scale: 1},
		{name: "step", column: runlog.Columns.Step, label: "step", scale: 1},
		{name: "oracle_calls", column: runlog.Columns.OracleCalls, label: "oracle calls [JVPs + VJPs]", scale: 1, spent: true},
	}
	ys = []quantity{
		{name: "train_loss", column: runlog.Columns.TrainLoss, label: "train loss", log: true, scale: 1},
		{name: "test_loss", column: runlog.Columns.TestLoss, label: "test loss", log: true, scale: 1},
		{name: "test_accuracy", column: runlog.Columns.TestAccuracy, label: "test accuracy [%]", scale: 100, cut: true},
		{name: "test_rmse", column: runlog.Columns.TestRMSE, label: "test RMSE [unit of the target]", scale: 1, cut: true},
		{name: "test_l2", column: runlog.Columns.TestL2, label: "L2 error on test points", log: true, scale: 1},
		{name: "test_relative_l2", column: runlog.Columns.TestRelativeL2, label: "relative L2 error on test points", log: true, scale: 1},
		{name: "train_accuracy", column: runlog.Columns.TrainAccuracy, label: "train accuracy [%]", scale: 100, cut: true},
		{name: "valid_loss", column: runlog.Columns.ValidLoss, label: "validation loss", log: true, scale: 1},
		{name: "valid_l2", column: runlog.Columns.ValidL2, label: "L2 error on validation points", log: true, scale: 1},
		{name: "valid_accuracy", column: runlog.Columns.ValidAccuracy, label: "validation accuracy [%]", scale: 100, cut: true},
	}
)

// A Quantity is what an axis of curves may show, for who draws them in another way.
type Quantity struct {
	Name   string  // on the command line
	Column string  // of metrics.csv
	Label  string  // of the axis
	Log    bool    // shown on a log axis
	Scale  float64 // multiplies the column
	Cut    bool    // the first evaluations may be cut off below
	Spent  bool    // as an x axis: a log one where methods spend very unlike amounts, see [MuchLonger]
}

// Quantities are those of x axes and of y axes.
func Quantities() (x, y []Quantity) {
	of := func(list []quantity) (out []Quantity) {
		for _, q := range list {
			out = append(out, Quantity{q.name, q.column, q.label, q.log, q.scale, q.cut, q.spent})
		}
		return out
	}
	return of(xs), of(ys)
}

// Xs and Ys are the names of the axes that figures may have.
func Xs() []string { return names(xs) }
func Ys() []string { return names(ys) }

func names(list []quantity) (out []string) {
	for _, q := range list {
		out = append(out, q.name)
	}
	return out
}

func find(list []quantity, name string) (quantity, error) {
	for _, q := range list {
		if q.name == name {
			return q, nil
		}
	}
	return quantity{}, results.OptionErrorf("no axis is called %q (known: %s)", name, strings.Join(names(list), ", "))
}
