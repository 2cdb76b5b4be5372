package results

import (
	"testing"

	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

// Made-up runs, by short names.
type fakeRun = runlogtest.Run

const header = runlogtest.Header

var fake, with, folder, swept = runlogtest.New, runlogtest.With, runlogtest.Folder, runlogtest.Swept

func load(t testing.TB, runs ...fakeRun) *Results {
	t.Helper()
	res, err := Load(folder(t, runs...))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// labels are the names of the series in a legend.
func labels(res *Results) (out []string) {
	for _, s := range res.Series() {
		out = append(out, s.Label)
	}
	return out
}
