package results

import (
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

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
	for _, s := range res.Series() {
		colours[s.Index] = true
		if s.Method == "GN" && len(s.Runs) != 2 {
			t.Errorf("%s has %d runs", s.Label, len(s.Runs))
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
	if len(res.Series()[0].Runs) != 2 {
		t.Errorf("%d seeds", len(res.Series()[0].Runs))
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
	if err != nil || res.Series()[0].Index == res.Series()[1].Index {
		t.Errorf("one colour for both; %v", err)
	}
}

// TestLongSettings: settings that differ where a text for people would be cut are two.
func TestLongSettings(t *testing.T) {
	long := "optimizer.learning_rate"
	run := func(last string) runlogtest.Run {
		r := fake("SGD", 0, 0, "finished", 1)
		r.Varied = runlog.Varied{{Key: long, Value: strings.Repeat("[1,", 200) + last}}
		return r
	}
	res := load(t, run("2"), run("3"))
	if len(res.Runs) != 2 || len(res.Warnings) != 0 {
		t.Errorf("%d runs, %q", len(res.Runs), res.Warnings)
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
	list := res.Series()
	if got, want := labels(res), []string{"Adam", "SGD"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	for _, s := range list {
		if len(s.Runs) != 2 {
			t.Errorf("%s: %d runs", s.Label, len(s.Runs))
		}
	}
	if list[0].Index == list[1].Index {
		t.Error("one colour for both")
	}
}
