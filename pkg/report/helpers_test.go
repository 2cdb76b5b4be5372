package report

import (
	"testing"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

// Made-up runs, by short names.
type fakeRun = runlogtest.Run

const header = runlogtest.Header

var (
	fake, with, folder = runlogtest.New, runlogtest.With, runlogtest.Folder

	synthetic, swept, diverging, innerLog, probeLog = runlogtest.Synthetic, runlogtest.Swept, runlogtest.Diverging, runlogtest.InnerLog, runlogtest.ProbeLog
)

func load(t testing.TB, runs ...fakeRun) *results.Results {
	t.Helper()
	res, err := results.Load(folder(t, runs...))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func axis(t testing.TB, list []quantity, name string) quantity {
	t.Helper()
	q, err := find(list, name)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
