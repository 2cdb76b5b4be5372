package results_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// A verdict compares, on one problem and in one metric, two methods that were chosen before
// the results: each the best of its kind in the search.
type verdict struct{ folder, column, verb string }

// verdicts are the rows of the table of wins, ties and losses.
var verdicts = []verdict{
	{"autoencoder", "train_loss", "%.1f"},
	{"autoencoder", "test_loss", "%.1f"},
	{"autoencoder_128", "train_loss", "%.1f"},
	{"autoencoder_128", "test_loss", "%.1f"},
	{"autoencoder_relu", "train_loss", "%.1f"},
	{"autoencoder_relu", "test_loss", "%.1f"},
	{"function_fit", "train_loss", "%.1e"},
	{"function_fit", "test_loss", "%.1e"},
	{"regression", "train_loss", "%.4f"},
	{"regression", "test_loss", "%.4f"},
	{"cifar10", "train_loss", "%.3f"},
	{"cifar10", "test_loss", "%.3f"},
	{"mnist_conv", "train_loss", "%.4f"},
	{"mnist_conv", "test_loss", "%.4f"},
	{"mnist_less", "train_loss", "%.4f"},
	{"mnist_less", "test_loss", "%.4f"},
}

// rivals are the stochastic gradients.
var rivals = []string{"SGD", "SGD momentum", "Adam"}

// searched matches what a search chose for a method, and the metric by which it did.
var searched = regexp.MustCompile(`(?m)^#   (.+?): \w+\.\S*=.*\(\w+_loss ([-+.\deE]+);`)

// choices returns what a search chose, as searched matches it.
func choices(t *testing.T, folder string) [][]string {
	t.Helper()
	text, err := os.ReadFile(folder + "/tuned.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return searched.FindAllStringSubmatch(string(text), -1)
}

// chosen returns of the stochastic gradients and of the others the one of the least metric in
// the search.
func chosen(t *testing.T, folder string) (rival, less string) {
	t.Helper()
	lowest := map[bool]float64{true: math.Inf(1), false: math.Inf(1)}
	for _, m := range choices(t, folder) {
		value, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		is := slices.Contains(rivals, m[1])
		if value >= lowest[is] {
			continue
		}
		if lowest[is] = value; is {
			rival = m[1]
		} else {
			less = m[1]
		}
	}
	if rival == "" || less == "" {
		t.Fatalf("%s/tuned.yaml: no choice of two methods", folder)
	}
	return rival, less
}

// ends returns the last values of all seeds, the least first.
func (s source) ends(folder, method, column string) []float64 {
	s.t.Helper()
	var out []float64
	for _, r := range s.final(folder, method) {
		out = append(out, r.number(s.t, column))
	}
	sort.Float64s(out)
	return out
}

// call is a win where the largest value of the first is below the least of the second, a loss
// where it is the other way round, and a tie where the ranges over the seeds overlap.
func call(a, b []float64) string {
	switch {
	case a[len(a)-1] < b[0]:
		return "win"
	case a[0] > b[len(b)-1]:
		return "loss"
	}
	return "tie"
}

// verdict is the worst of a method beside each of the stochastic gradients.
func (s source) verdict(v verdict, less string) string {
	s.t.Helper()
	worst := "win"
	for _, m := range choices(s.t, v.folder) {
		if !slices.Contains(rivals, m[1]) {
			continue
		}
		switch call(s.ends(v.folder, less, v.column), s.ends(v.folder, m[1], v.column)) {
		case "loss":
			return "loss"
		case "tie":
			worst = "tie"
		}
	}
	return worst
}

// share returns the median over the seeds of where on an axis, cost or time, a method first has the
// mean value that another ends with, as a share of where that ends; infinite where it never has.
func (s source) share(folder, method, other, column, axis string) float64 {
	s.t.Helper()
	target, end := s.mean(folder, other, column), s.mean(folder, other, axis)
	at := map[string]float64{}
	for _, r := range s.rows(folder+"/runs.csv", method) {
		seed := r["seed"]
		if _, ok := at[seed]; !ok {
			at[seed] = math.Inf(1)
		}
		if math.IsInf(at[seed], 1) && r.number(s.t, column) <= target {
			at[seed] = r.number(s.t, axis) / end
		}
	}
	shares := slices.Sorted(maps.Values(at))
	return shares[len(shares)/2]
}

// verdictTable is the table of wins, ties and losses.
func (s source) verdictTable() table {
	s.t.Helper()
	out := table{{"problem", "metric", "dual direction", "stochastic gradient", "verdict", "reached at", "in time"}}
	for _, v := range verdicts {
		rival, less := chosen(s.t, v.folder)
		share := func(axis string) string {
			at := s.share(v.folder, less, rival, v.column, axis)
			if math.IsInf(at, 1) {
				return "never"
			}
			return fmt.Sprintf("%.2f", at)
		}
		out = append(out, []string{
			v.folder, column{name: v.column}.title(),
			fmt.Sprintf("%s: "+v.verb, less, s.mean(v.folder, less, v.column)),
			fmt.Sprintf("%s: "+v.verb, rival, s.mean(v.folder, rival, v.column)),
			s.verdict(v, less), share("cost"), share("wall_seconds"),
		})
	}
	return out
}

// TestVerdicts compares the table of wins, ties and losses with the runs.
func TestVerdicts(t *testing.T) { held(t, "verdicts", source{t}.verdictTable()) }

// held compares the table of the README under the comment <!-- name --> with what the runs make it, or
// puts that in its place.
func held(t *testing.T, name string, made table) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, want := "<!-- "+name+" -->\n\n", made.markdown()
	m := regexp.MustCompile(head + `((?:\|[^\n]*\n)*)`).FindStringSubmatch(string(text))
	switch {
	case m == nil:
		t.Fatalf("README.md has no table of %s", name)
	case m[1] == want:
	case *update:
		end := ""
		if m[1] == "" {
			end = "\n"
		}
		fresh := strings.Replace(string(text), m[0], head+want+end, 1)
		if err := os.WriteFile("README.md", []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of %s differs from the runs: run go test ./docs/results -update", name)
	}
}
