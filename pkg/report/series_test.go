package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

// labels are the names of the series in a legend.
func labels(res *Results) (out []string) {
	for _, s := range res.series() {
		out = append(out, s.label)
	}
	return out
}

// TestSweepSeries: runs of a sweep are grouped by method and varied settings
// over the seeds, in the order of the values, whatever the folders are called.
func TestSweepSeries(t *testing.T) {
	var runs []fakeRun
	for _, n := range []string{"20", "5", "1e2"} {
		for seed := range uint64(2) {
			r := fake("GN", 0, seed, "finished", 2, 1)
			r.Varied = []runlog.Setting{{Key: "oracle.inner_iterations", Value: n}}
			runs = append(runs, r)
		}
	}
	runs = append(runs, fake("SGD", 1, 0, "finished", 2, 1))
	res := load(t, runs...)
	if got, want := labels(res), []string{"GN, inner_iterations=5", "GN, inner_iterations=20", "GN, inner_iterations=1e2", "SGD"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	colours := map[int]bool{}
	for _, s := range res.series() {
		colours[s.index] = true
		if s.method == "GN" && len(s.runs) != 2 {
			t.Errorf("%s has %d runs", s.label, len(s.runs))
		}
	}
	if len(colours) != 4 {
		t.Errorf("%d colours of 4 series", len(colours))
	}
	// Keys of one last name are told apart.
	runs[0].Varied = append(runs[0].Varied, runlog.Setting{Key: "optimizer.inner_iterations", Value: "1"})
	if got := labels(load(t, runs[:1]...)); got[0] != "GN, oracle.inner_iterations=20, optimizer.inner_iterations=1" {
		t.Errorf("%q", got)
	}
	s := Summarize(res)
	if s.Lines[0].Label != "GN, inner_iterations=5" || s.Lines[0].Runs != 2 {
		t.Errorf("%+v", s.Lines[0])
	}
	var b strings.Builder
	if err := s.WriteCSV(&b); err != nil || !strings.HasPrefix(b.String(), "method,oracle.inner_iterations,runs,") || !strings.Contains(b.String(), "\nGN,5,2,2,") || !strings.Contains(b.String(), "\nSGD,,1,1,") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestSeveralFolders: runs of one method from folders with other settings are
// not seeds of each other; the same run twice is not two.
func TestSeveralFolders(t *testing.T) {
	one := folder(t, with(fake("SGD", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.1", "seed", "0"))
	same := folder(t, with(fake("SGD", 0, 1, "finished", 2, 1), "optimizer.learning_rate", "0.1", "seed", "1"))
	other := folder(t, with(fake("SGD", 0, 0, "finished", 2, 1), "optimizer.learning_rate", "0.2", "seed", "0"), with(fake("GN", 1, 0, "finished", 2, 1), "seed", "0"))
	again := folder(t, with(fake("GN", 0, 0, "finished", 2, 1), "seed", "0"))
	res, err := Load(one, same, other, again)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := labels(res), []string{"SGD, learning_rate=0.1", "SGD, learning_rate=0.2", "GN"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(res.series()[0].runs) != 2 {
		t.Errorf("%d seeds", len(res.series()[0].runs))
	}
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "has the method, settings and seed of") {
		t.Errorf("warnings %q", res.Warnings)
	}
	// Of a run that is there twice, the complete one counts.
	cut, whole := folder(t, with(fake("SGD", 0, 0, "interrupted", 2), "seed", "0")), folder(t, with(fake("SGD", 0, 0, "finished", 2, 1), "seed", "0"))
	for _, paths := range [][]string{{cut, whole}, {whole, cut}} {
		res, err := Load(paths...)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Runs) != 1 || res.Runs[0].Outcome != "finished" || len(res.Warnings) != 1 || !strings.HasPrefix(res.Warnings[0], cut) {
			t.Errorf("%+v, %q", res.Runs, res.Warnings)
		}
	}
	// Many differences: the experiments tell them apart.
	a, b := with(fake("SGD", 0, 0, "finished", 1), "a", "1", "b", "1", "c", "1"), with(fake("SGD", 0, 0, "finished", 1), "a", "2", "b", "2", "c", "2")
	a.Name, b.Name = "small", "large"
	if got, want := labels(load(t, a, b)), []string{"SGD, experiment=large", "SGD, experiment=small"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// Experiments of one name with other settings are not told apart by it.
	c := with(fake("SGD", 0, 0, "finished", 1), "a", "3", "b", "3", "c", "3")
	c.Name = "large"
	res = load(t, a, b, c)
	if got, want := labels(res), []string{"SGD, a=1, b=1, c=1", "SGD, a=2, b=2, c=2", "SGD, a=3, b=3, c=3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// Different methods of one index: each has its colour.
	res, err = Load(folder(t, fake("A", 0, 0, "finished", 1)), folder(t, fake("B", 0, 0, "finished", 1)))
	if err != nil || res.series()[0].index == res.series()[1].index {
		t.Errorf("one colour for both; %v", err)
	}
}

// TestSeveralSweeps: a run names only the settings of the sweep that last asked
// for it; in figures, it has its place on the axes of all of them.
func TestSeveralSweeps(t *testing.T) {
	at := func(rate, batch string, seed uint64, varied ...string) fakeRun {
		r := with(fake("SGD", 0, seed, "finished", 2, 1), "optimizer.learning_rate", rate, "train.batch_size", batch)
		for _, k := range varied {
			v := r.Settings[k]
			if k == "optimizer.learning_rate" && v == "1e+06" {
				v = "1000000" // as JSON writes it
			}
			r.Varied = append(r.Varied, runlog.Setting{Key: k, Value: v})
		}
		return r
	}
	const rate, batch = "optimizer.learning_rate", "train.batch_size"
	res := load(t, at("0.2", "64", 0, rate), at("0.1", "64", 0, batch), at("0.1", "32", 0, batch), at("1e+06", "64", 0, rate),
		at("1e+06", "64", 1), at("0.1", "64", 1, batch, rate), at("0.1", "64", 2, rate, batch))
	want := []string{"SGD, learning_rate=0.1, batch_size=32", "SGD, learning_rate=0.1, batch_size=64", "SGD, learning_rate=0.2, batch_size=64", "SGD, learning_rate=1000000, batch_size=64"}
	if got := labels(res); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	drawn(t, res, FigureOptions{Figures: []string{"sensitivity"}, Swept: rate, Line: batch})
	// Settings that are lists have no single value.
	a, b := at("0.1", "64", 0, rate), at("0.2", "64", 0)
	b.Varied = []runlog.Setting{{Key: "model.hidden", Value: "[64]"}}
	if got, want := labels(load(t, a, b)), []string{"SGD, learning_rate=0.1", "SGD, learning_rate=0.2, hidden=[64]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOrderOfMethods: a method has one series of all its seeds, wherever it stands
// in the configs of several folders.
func TestOrderOfMethods(t *testing.T) {
	one := folder(t, fake("SGD", 0, 0, "finished", 2, 1), fake("Adam", 1, 0, "finished", 2, 1))
	two := folder(t, fake("Adam", 0, 1, "finished", 2, 1), fake("SGD", 1, 1, "finished", 2, 1))
	res, err := Load(one, two)
	if err != nil {
		t.Fatal(err)
	}
	list := res.series()
	if got, want := labels(res), []string{"Adam", "SGD"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	for _, s := range list {
		if len(s.runs) != 2 {
			t.Errorf("%s: %d runs", s.label, len(s.runs))
		}
	}
	if list[0].index == list[1].index {
		t.Error("one colour for both")
	}
}

// TestMixture: figures of runs on different problems say so.
func TestMixture(t *testing.T) {
	a, b := with(fake("A", 0, 0, "finished", 2, 1), "model.hidden[0]", "64", "optimizer.kind", "sgd"), with(fake("B", 1, 0, "finished", 2, 1), "model.hidden[0]", "32", "optimizer.kind", "adam")
	res := load(t, a, b)
	if got := mixture(res); got != "the problems differ: runs have different model.hidden[0]" {
		t.Errorf("%q", got)
	}
	says(t, "problems", drawn(t, res, FigureOptions{X: []string{"step"}, Y: []string{"train_loss"}})["train_loss_vs_step"], "the problems differ: runs have different model.hidden[0]")
	b.Settings["model.hidden[0]"] = "64"
	if got := mixture(load(t, a, b)); got != "" {
		t.Errorf("%q", got)
	}
	// What the labels say need not be said again.
	a.Varied, b.Varied = []runlog.Setting{{Key: "model.hidden", Value: "[64]"}}, []runlog.Setting{{Key: "model.hidden", Value: "[32]"}}
	b.Settings["model.hidden[0]"] = "32"
	if got := mixture(load(t, a, b)); got != "" {
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
	if i := best(res.series(), "train_loss"); i != 1 {
		t.Errorf("best %d", i)
	}
	if i := best(res.series()[2:], "train_loss"); i != 0 {
		t.Errorf("best %d", i)
	}
	if i := best(load(t, fake("A", 0, 0, "diverged", 2, 1)).series(), "train_loss"); i != -1 {
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
	for i, s := range bestOf(res, res.series()) {
		if s.index != i {
			t.Errorf("%s has the colour of method %d", s.label, s.index)
		}
	}
}

func TestSelect(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 1), fake("B", 1, 0, "finished", 1))
	if err := res.Select([]string{"C"}); err == nil || !strings.Contains(err.Error(), `no runs of method "C" (there are: A, B)`) {
		t.Errorf("%v", err)
	}
	if err := res.Select([]string{"B"}); err != nil || len(res.Runs) != 1 {
		t.Errorf("%d runs, %v", len(res.Runs), err)
	}
}
