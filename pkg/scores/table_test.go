package scores

import (
	"bytes"
	"encoding/csv"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTable: what people read.
func TestTable(t *testing.T) {
	lists := several()
	lists[0] = append(lists[0], func() fakeRun { r := fake("C", 2, 2, "diverged", 4, 9); r.Name = "one"; return r }())
	s, err := Of(tasks(t, lists...), Options{Goals: targets(t, "train_loss=1", "train_loss=0.01"), Metrics: []string{"train_loss", "test_accuracy"}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"one, digits\n\nfirst evaluation with train_loss <= 1: median over the seeds, never counted as infinite; [its interval, of at least 50 % for n = 2, 75 % for n = 3]\n",
		"  A       2/2      1.05 [1, 1.1]",
		"  C       0/3 (1)  > 1.1 (never)  > 10 (never)  > 10 (never)\n  (1) 1 of 3 diverged\n",
		"first evaluation with train_loss <= 0.01: no run reaches it\n",
		"4 [4, diverged]",
		"66.67 % [66.67 %, 66.67 %]",
		"median of the best (looks at test data)",
		"(1) n = 2: no p below 0.05 is possible (least 0.5)",
		"mean rank over the tasks",
		"  final train_loss          3 (1)  1.83  1.17\n",
		"  cost to train_loss <= 1   3 tasks (1) 0.444 0.889\n",
		"no profile: no method reaches it on any task in half of its runs",
	} {
		if !strings.Contains(squeeze(b.String()), squeeze(want)) {
			t.Errorf("does not say %q:\n%s", want, b.String())
		}
	}
	if err := s.WriteTable(full{}); err == nil {
		t.Error("a full disk is not told")
	}
}

// squeeze makes one of several blanks, which depend on the widths of other rows.
func squeeze(s string) string { return regexp.MustCompile(` +`).ReplaceAllString(s, " ") }

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

// TestCSV: what programs read.
func TestCSV(t *testing.T) {
	s, err := Of(tasks(t, several()...), Options{Goals: targets(t, "train_loss=1", "train_loss=0.01"), Metrics: []string{"train_loss"}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || !slices.Equal(rows[0], Header) {
		t.Fatalf("%v, %v", rows, err)
	}
	get := func(row []string, column string) string { return row[slices.Index(Header, column)] }
	for _, want := range []map[string]string{
		{"task": "one", "method": "B", "score": "cost to train_loss <= 1", "statistic": "median", "value": "20", "low": "20", "high": "20", "coverage": "0.5", "n": "2", "reached": "2", "note": "budgets differ: C ended at cost 10"},
		{"task": "one", "method": "C", "score": "cost to train_loss <= 1", "statistic": "median", "value": "+Inf", "low": "10", "high": "+Inf", "reached": "0", "note": "more than 10, where runs ended without it"},
		{"task": "one", "method": "C", "score": "cost to train_loss <= 1", "statistic": "rank", "value": "3"},
		{"task": "one", "method": "A", "score": "cost to train_loss <= 0.01", "statistic": "median", "value": "+Inf", "note": "more than 10, where runs ended without it; no run reaches it"},
		{"task": "two", "method": "A", "against": "B", "score": "final train_loss", "statistic": "Hodges-Lehmann difference", "value": "0.5", "n": "2", "test": "Wilcoxon signed-rank", "p": "0.5", "p_holm": "1"},
		{"task": "", "method": "A", "score": "final train_loss", "statistic": "mean rank", "n": "3"},
		{"task": "", "method": "B", "score": "cost to train_loss <= 1", "statistic": "profile score", "n": "3", "reached": "3"},
		{"task": "", "method": "", "score": "cost to train_loss <= 0.01", "statistic": "profile score", "value": "", "note": "no profile: no method reaches it on any task in half of its runs"},
	} {
		found := slices.ContainsFunc(rows, func(row []string) bool {
			for column, v := range want {
				if cell := get(row, column); cell != v && !(column == "note" && v != "" && strings.HasPrefix(cell, v)) {
					return false
				}
			}
			return true
		})
		if !found {
			t.Errorf("no row has %v", want)
		}
	}
	for _, row := range rows {
		if kind := get(row, "statistic"); strings.HasPrefix(get(row, "score"), "cost to") && (kind == "mean" || kind == "sd") {
			t.Errorf("a mean of censored times: %v", row)
		}
	}
}
