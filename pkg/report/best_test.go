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
