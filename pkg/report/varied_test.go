package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// varied is a fake run of a sweep.
func varied(t *testing.T, r fakeRun, settings string) fakeRun {
	t.Helper()
	if err := json.Unmarshal([]byte(settings), &r.Varied); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestVaried: the runs of a sweep are told apart by their settings, numbers in
// the order of their size.
func TestVaried(t *testing.T) {
	setting := func(value string) string {
		return `[{"key": "oracle.gamma", "value": ` + value + `}, {"key": "model.hidden", "value": [8,
			4]}]`
	}
	res := load(t,
		varied(t, fake("A", 0, 0, "finished", 4), setting("10")), varied(t, fake("A", 0, 0, "finished", 2), setting("9")),
		varied(t, fake("A", 0, 1, "finished", 3), setting("9.0")), varied(t, fake("A", 0, 0, "diverged", 3), setting(`"auto"`)),
		fake("B", 1, 0, "finished", 1))
	s := Summarize(res)
	var labels []string
	for _, l := range s.Lines {
		labels = append(labels, l.Label)
	}
	want := []string{"A, gamma=9, hidden=[8,4]", "A, gamma=9.0, hidden=[8,4]", "A, gamma=10, hidden=[8,4]", "A, gamma=auto, hidden=[8,4]", "B"}
	if !slices.Equal(labels, want) {
		t.Errorf("lines %q, want %q", labels, want)
	}
	var b strings.Builder
	if err := s.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"method,oracle.gamma,model.hidden,runs,finished,", `A,9,"[8,4]",1,1,0,`, `A,auto,"[8,4]",1,0,0,1,`, "B,,,1,1,"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("summary.csv\n%s\nlacks %s", b.String(), line)
		}
	}
}
