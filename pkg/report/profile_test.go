package report

import (
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/figure"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/scores"
)

// scoresOf scores folders by targets.
func scoresOf(t *testing.T, opt scores.Options, targets []string, lists ...[]fakeRun) *scores.Scores {
	t.Helper()
	var dirs []string
	for _, runs := range lists {
		dirs = append(dirs, folder(t, runs...))
	}
	logs, err := results.Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := logs.Tasks()
	if err != nil {
		t.Fatal(err)
	}
	if opt.Goals, err = scores.ParseGoals(targets); err != nil {
		t.Fatal(err)
	}
	s, err := scores.Of(tasks, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestProfile: steps at the ratios, to the end of the axis.
func TestProfile(t *testing.T) {
	runs := []fakeRun{fake("A", 0, 0, "finished", 4, 1), fake("A", 0, 1, "finished", 4, 2, 1), fake("B", 1, 0, "finished", 4, 2, 1), fake("B", 1, 1, "diverged", 4, 9)}
	opt := FigureOptions{Figures: []string{"profile"}, X: []string{"cost"}, Scores: scoresOf(t, scores.Options{}, []string{"train_loss=1"}, runs)}
	list, err := Figures(&results.Results{}, opt)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	f := list[0]
	a, b := f.Panels[0].Curves[0], f.Panels[0].Curves[1]
	for _, c := range []struct {
		got  []figure.Point
		want []figure.Point
	}{{a.Mean, []figure.Point{{X: 1, Y: 100}, {X: 4, Y: 100}}}, {b.Mean, []figure.Point{{X: 1, Y: 0}, {X: 2, Y: 50}, {X: 4, Y: 50}}}} {
		if len(c.got) != len(c.want) {
			t.Fatalf("%v, want %v", c.got, c.want)
		}
		for i := range c.got {
			if c.got[i] != c.want[i] {
				t.Errorf("%v, want %v", c.got, c.want)
			}
		}
	}
	if f.Name != "profile_train_loss" || !f.Panels[0].X.Log || f.Panels[0].X.Range.Hi != 4 || a.Style == b.Style || a.Straight {
		t.Errorf("%+v", f)
	}
	says(t, "profile", f, "share of the 2 seeds of toy in which a method reaches the target (train loss ≤ 1) within tau times", "mean height from tau = 1 to 4: cost: A 1.000, B 0.333", "factor tau of the least cost", "share of seeds [%]")
	// Several tasks, of different data sets, with targets of their own.
	other := []fakeRun{fake("A", 0, 0, "finished", 4, 1), fake("B", 1, 0, "finished", 4, 3, 0.5)}
	for i := range other {
		other[i].Name, other[i].Dataset = "more", "mnist"
	}
	opt.Scores = scoresOf(t, scores.Options{At: &scores.Cut{Amount: "cost", Value: 20}}, []string{"train_loss=1", "mnist:train_loss=0.5", "train_loss=3"}, runs, other)
	if list, err = Figures(&results.Results{}, opt); err != nil || len(list) != 2 || list[1].Name != "profile_train_loss_2" {
		t.Fatalf("%v, %v", list, err)
	}
	says(t, "tasks", list[0], "share of the 2 tasks on which a method, by its median over the seeds, reaches the target (toy: train loss ≤ 1, more: train loss ≤ 0.5)", "all logs end at cost 20", "share of tasks [%]")
	says(t, "tasks", list[1], "reaches the target (train loss ≤ 3 on toy, more)")
}

// TestNoProfile: without a target there is none; one that nobody reaches is a warning.
func TestNoProfile(t *testing.T) {
	runs := []fakeRun{fake("A", 0, 0, "finished", 4, 1), fake("B", 1, 0, "finished", 4, 2)}
	res := load(t, runs...)
	if _, err := Figures(res, FigureOptions{Figures: []string{"profile"}}); err == nil || !strings.Contains(err.Error(), "figure profile: it is of the way to a target; give one") {
		t.Error(err)
	}
	list, err := Figures(res, FigureOptions{Figures: []string{"profile"}, Scores: scoresOf(t, scores.Options{}, []string{"train_loss=0.1"}, runs)})
	if err != nil || len(list) != 0 || len(res.Warnings) != 1 || res.Warnings[0] != "no performance profile of train_loss <= 0.1: no run reaches it" {
		t.Errorf("%v, %v, %v", list, res.Warnings, err)
	}
}

// TestAmounts: what scores count is what figures have on their axes.
func TestAmounts(t *testing.T) {
	if a, b := strings.Join(Xs(), " "), strings.Join(scores.Amounts(), " "); a != b {
		t.Errorf("%s, and %s", a, b)
	}
	for _, m := range scores.Metrics {
		axis(t, ys, m)
	}
	if len(scores.Metrics) != len(ys) {
		t.Errorf("%v", scores.Metrics)
	}
}
