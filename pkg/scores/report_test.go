package scores

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestParseCompare: names may hold commas, and what cannot be told apart is refused.
func TestParseCompare(t *testing.T) {
	list := tasks(t, []fakeRun{fake("A", 0, 0, "finished", 2, 1), fake("B", 1, 0, "finished", 2, 1), fake("A,B", 2, 0, "finished", 2, 1), fake("dual GN, Adam", 3, 0, "finished", 2, 1)})
	for text, want := range map[string][]string{"A,B": {"A", "B"}, "dual GN, Adam,B": {"dual GN, Adam", "B"}, "A, dual GN, Adam": {"A", "dual GN, Adam"}, "A,B,B": {"A,B", "B"}} {
		if got, err := ParseCompare(text, list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"A": `must be A,B, two of: "A", "B", "A,B", "dual GN, Adam"; got "A"`, "A,C": `got "A,C"`, "": `got ""`, "A,A": `"A" is compared with itself`, "A,B,A,B": `compared with itself`} {
		if got, err := ParseCompare(text, list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestCompare: the pairs are of the two that are named, in their order, and told seed by seed;
// a setting is named by its label.
func TestCompare(t *testing.T) {
	runs := against([]float64{1, 2}, []float64{3, 5})
	runs = append(runs, fake("C", 2, 0, "finished", 4, 0.5), fake("C", 2, 1, "diverged", 4, 0.5))
	s := scored(t, Options{Metrics: []string{"train_loss"}, Goals: targets(t, "train_loss=2"), Compare: []string{"B", "A"}}, runs...)
	pairs := s.find(t, "final train_loss").Pairs
	if len(pairs) != 1 || pairs[0].A.Method != "B" || pairs[0].Shift.Value != 2.5 {
		t.Errorf("%+v", pairs)
	}
	c := s.Tasks[0].Compared()
	if c.Title != "B minus A, seed by seed" || len(c.Rows) != 2 || c.Rows[1][0] != "1" || c.Rows[1][len(c.Rows[1])-1] != "3" || c.Rows[0][1] != "B never" {
		t.Errorf("%+v", c)
	}
	s = scored(t, Options{Metrics: []string{"train_loss"}, Compare: []string{"A", "C"}}, runs...)
	if c = s.Tasks[0].Compared(); c.Rows[1][1] != "C diverged" {
		t.Errorf("%+v", c)
	}
	sweep := []fakeRun{withRate(fake("A", 0, 0, "finished", 4, 1), "0.1"), withRate(fake("A", 0, 0, "finished", 4, 2), "0.2")}
	list := tasks(t, sweep)
	names, err := ParseCompare("A, learning_rate=0.2,A, learning_rate=0.1", list)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Of(list, Options{Metrics: []string{"train_loss"}, Compare: names}); err != nil || len(s.Tasks[0].Scores[0].Pairs) != 1 || s.Tasks[0].Scores[0].Pairs[0].Shift.Value != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestSeedsOfTasks: problems of a profile are the seeds of all tasks, if that is asked for.
func TestSeedsOfTasks(t *testing.T) {
	one := []fakeRun{fake("A", 0, 0, "finished", 4, 1), fake("A", 0, 1, "finished", 4, 3), fake("B", 1, 0, "finished", 4, 2, 1), fake("B", 1, 1, "finished", 4, 1)}
	two := []fakeRun{fake("A", 0, 0, "finished", 4, 1), fake("B", 1, 0, "finished", 4, 3), fake("B", 1, 1, "finished", 4, 1)}
	for i := range two {
		two[i].Name = "other"
	}
	s, err := Of(tasks(t, one, two), Options{Goals: targets(t, "train_loss=1"), Amounts: []string{"cost"}, Seeds: true})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Profiles[0]
	if !slices.Equal(p.Problems, []string{"toy 0", "toy 1", "other 0"}) || p.Unit(3) != "3 problems (2 tasks x their seeds)" {
		t.Errorf("%+v", p)
	}
	inf := math.Inf(1)
	if !slices.Equal(p.Lines[0].Ratios, []float64{1, inf, 1}) || !slices.Equal(p.Lines[1].Ratios, []float64{2, 1, inf}) {
		t.Errorf("%+v", p.Lines)
	}
	if len(p.Notes) == 2 && !strings.HasPrefix(p.Notes[1], "toy: budgets differ") {
		t.Errorf("%q", p.Notes)
	}
	if len(p.Notes) != 2 || p.Notes[0] != "other: 1 seeds that not all methods have are left out" {
		t.Errorf("%q", p.Notes)
	}
}

// TestSummary: means with intervals, what became of runs, and those that never reach a target
// counted.
func TestSummary(t *testing.T) {
	runs := append(against([]float64{1, 3}, []float64{2, 2}), fake("A", 0, 2, "diverged", 4, 9))
	s := scored(t, Options{Metrics: []string{"train_loss"}, Goals: targets(t, "train_loss=1")}, runs...)
	got := s.Tasks[0].Summary()
	if want := []string{"method", "runs", "seconds to train_loss <= 1", "cost to train_loss <= 1", "final train_loss"}; !slices.Equal(got.Head, want) {
		t.Errorf("%q", got.Head)
	}
	if want := []string{"A", "2 finished, 1 diverged", "> 1.1 (never) [1, never] 1/3 (1)", "> 10 (never) [10, never] 1/3 (1)", "2 [1, 3] of 2/3"}; !slices.Equal(got.Rows[0], want) {
		t.Errorf("%q", got.Rows[0])
	}
	if len(s.Report()[0].Tables) != len(s.Parts()[0].Tables)+1 || s.Report()[0].Tables[0].Title != got.Title {
		t.Error("a report does not begin with the summary")
	}
}

// TestMarkup: what Markdown, HTML and LaTeX would take for their own is text.
func TestMarkup(t *testing.T) {
	parts := []Part{{Title: "a_b|<i>", Alerts: []string{"50 %"}, Tables: []Table{
		{Title: "t <= 1 & more", Head: []string{"method", "x_1"}, Rows: [][]string{{`\a{b}|<b>*$`, "[1, 2] (1)"}, {"~^#", "1 ± 2 > 3"}}, Notes: []string{"n\nm"}},
		{Title: "no rows"},
	}}}
	var b bytes.Buffer
	if err := WriteMarkdown(&b, parts); err != nil {
		t.Fatal(err)
	}
	want := "## a\\_b\\|&lt;i&gt;\n\n> **Note:** 50 %\n\nt &lt;= 1 &amp; more\n\n| method | x\\_1 |\n| :--- | ---: |\n| \\\\a{b}\\|&lt;b&gt;\\*\\$ | \\[1, 2\\] (1) |\n| \\~^\\# | 1 ± 2 &gt; 3 |\n\n(1) n m\n\nno rows\n\n"
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := WriteTeX(&b, parts); err != nil {
		t.Fatal(err)
	}
	want = `% needs \usepackage[T1]{fontenc} and \usepackage{booktabs,graphicx}

% a\_b|$<$i$>$
% ! 50 \%

\begin{table}
\centering
\caption{a\_b|$<$i$>$: t $\le$ 1 \& more}
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
\begin{tabular}{lr}
  \toprule
  method & x\_1 \\
  \midrule
  \textbackslash{}a\{b\}|$<$b$>$*\$ & {}[1, 2] (1) \\
  \textasciitilde{}\textasciicircum{}\# & 1 $\pm$ 2 $>$ 3 \\
  \bottomrule
\end{tabular}}
\par\footnotesize (1) n m
\end{table}
% no rows
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
	if WriteTeX(full{}, parts) == nil || WriteMarkdown(full{}, parts) == nil {
		t.Error("a full disk is not told")
	}
	if len((&Scores{}).Report()) != 0 || len((&Task{Scores: nil}).Summary().Rows) != 0 {
		t.Error("nothing has tables")
	}
}
