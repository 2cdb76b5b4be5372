package report

import (
	"strings"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
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
		{name: "wall", column: "wall_seconds", label: "training time, wall clock [s]", scale: 1, spent: true},
		{name: "cost", column: "cost", label: "cost [gradients of one mini-batch]", scale: 1, spent: true},
		{name: "epoch", column: "epoch", label: "epoch", scale: 1},
		{name: "step", column: "step", label: "step", scale: 1},
		{name: "oracle_calls", column: "oracle_calls", label: "oracle calls [JVPs + VJPs]", scale: 1, spent: true},
	}
	ys = []quantity{
		{name: "train_loss", column: "train_loss", label: "train loss", log: true, scale: 1},
		{name: "test_loss", column: "test_loss", label: "test loss", log: true, scale: 1},
		{name: "test_accuracy", column: "test_accuracy", label: "test accuracy [%]", scale: 100, cut: true},
		{name: "test_rmse", column: "test_rmse", label: "test RMSE [unit of the target]", scale: 1, cut: true},
		{name: "train_accuracy", column: "train_accuracy", label: "train accuracy [%]", scale: 100, cut: true},
		{name: "valid_loss", column: "valid_loss", label: "validation loss", log: true, scale: 1},
		{name: "valid_accuracy", column: "valid_accuracy", label: "validation accuracy [%]", scale: 100, cut: true},
	}
)

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
