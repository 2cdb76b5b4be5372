package results

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports: logs become figures without what draws them, and without what trains;
// and the packages on the way know only those before them.
func TestImports(t *testing.T) {
	const own = "github.com/dualgn/dgn/pkg/"
	training := []string{own + "nn", own + "oracles", own + "optim", own + "train", own + "render"}
	for name, others := range map[string][]string{
		"results": {"stats", "figure", "scores", "report"},
		"stats":   {"runlog", "results", "figure", "scores", "report"},
		"figure":  {"runlog", "results", "stats", "scores", "report"},
		"scores":  {"figure", "report"},
		"report":  nil,
		"page":    nil,
		"export":  {"scores", "report"},
	} {
		out, err := exec.Command("go", "list", "-deps", own+name).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		not := slices.Clone(training)
		for _, o := range others {
			not = append(not, own+o)
		}
		for path := range strings.Lines(string(out)) {
			if path = strings.TrimSpace(path); slices.Contains(not, path) || strings.HasPrefix(path, "gonum.org/v1/plot") {
				t.Errorf("%s depends on %s", name, path)
			}
		}
	}
}
