package report

import (
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

// TestMixture: figures of runs on different problems say so.
func TestMixture(t *testing.T) {
	a, b := with(fake("A", 0, 0, "finished", 2, 1), "model.hidden[0]", "64", "optimizer.kind", "sgd"), with(fake("B", 1, 0, "finished", 2, 1), "model.hidden[0]", "32", "optimizer.kind", "adam")
	res := load(t, a, b)
	if got := res.Mixture(); got != "the problems differ: runs have different model.hidden[0]" {
		t.Errorf("%q", got)
	}
	says(t, "problems", drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}})["train_loss_vs_step"], "the problems differ: runs have different model.hidden[0]")
	b.Settings["model.hidden[0]"] = "64"
	if got := load(t, a, b).Mixture(); got != "" {
		t.Errorf("%q", got)
	}
	// What the labels say need not be said again.
	a.Varied, b.Varied = []runlog.Setting{{Key: "model.hidden", Value: "[64]"}}, []runlog.Setting{{Key: "model.hidden", Value: "[32]"}}
	b.Settings["model.hidden[0]"] = "32"
	if got := load(t, a, b).Mixture(); got != "" {
		t.Errorf("%q", got)
	}
}

// TestBest: settings are chosen by validation loss if there is one, else by
// train loss; those with runs that did not end well come last.
func TestBest(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 2, 1), fake("B", 1, 0, "finished", 2, 0.5), fake("C", 2, 0, "finished", 2, 0.1), fake("C", 2, 1, "diverged", 2))
	if chooser(res) != "train_loss" {
		t.Errorf("chosen by %s", chooser(res))
	}
	if i := best(res.Series(), "train_loss"); i != 1 {
		t.Errorf("best %d", i)
	}
	if i := best(res.Series()[2:], "train_loss"); i != 0 {
		t.Errorf("best %d", i)
	}
	if i := best(load(t, fake("A", 0, 0, "diverged", 2, 1)).Series(), "train_loss"); i != -1 {
		t.Errorf("best %d", i)
	}
	res.Runs[0].Rows[0]["valid_loss"] = 1
	if chooser(res) != "valid_loss" {
		t.Errorf("chosen by %s", chooser(res))
	}
}

// TestBestColours: the best settings of a sweep's methods have the methods'
// colours, whatever their place among all settings.
func TestBestColours(t *testing.T) {
	gamma := func(r fakeRun, value string) fakeRun {
		r.Varied = []runlog.Setting{{Key: "oracle.gamma", Value: value}}
		return r
	}
	res := load(t, gamma(fake("A", 0, 0, "finished", 2), "1"), gamma(fake("A", 0, 0, "finished", 1), "2"),
		gamma(fake("B", 1, 0, "finished", 1), "1"), gamma(fake("B", 1, 0, "finished", 2), "2"))
	for i, s := range bestOf(res, res.Series()) {
		if s.Index != i {
			t.Errorf("%s has the colour of method %d", s.Label, s.Index)
		}
	}
}
