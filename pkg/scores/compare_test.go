package scores

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/stats"
)

// against returns runs of A and B whose final losses are given, a seed each.
func against(a, b []float64) (runs []fakeRun) {
	for i, loss := range a {
		runs = append(runs, fake("A", 0, uint64(i), "finished", 4, loss))
	}
	for i, loss := range b {
		runs = append(runs, fake("B", 1, uint64(i), "finished", 4, loss))
	}
	return runs
}

// TestPairs: differences by hand.
func TestPairs(t *testing.T) {
	opt := Options{Metrics: []string{"train_loss"}}
	// A - B = -1, -2, ..., -7: two of 2^7 choices of signs are as far from 0.
	p := scored(t, opt, against([]float64{1, 1, 1, 1, 1, 1, 1}, []float64{2, 3, 4, 5, 6, 7, 8})...).find(t, "final train_loss").Pairs[0]
	if p.N != 7 || p.Wins != 7 || p.How != HodgesLehmann || p.Shift.Value != -4 || p.Test.Name != stats.SignedRankTest || p.Test.P != 2./128 || p.Holm != 2./128 || p.Note != "" || !p.Tells() {
		t.Errorf("%+v", p)
	}
	// An accuracy is better where it is higher.
	q := scored(t, Options{Metrics: []string{"test_accuracy"}}, against([]float64{1, 1, 1}, []float64{2, 2, 0.5})...).find(t, "final test_accuracy").Pairs[0]
	if q.Wins != 2 || q.Shift.Value <= 0 || q.Note != "n = 3: no p below 0.05 is possible (least 0.25)" || q.Tells() {
		t.Errorf("%+v", q)
	}
	// A tie is left out of the test.
	p = scored(t, opt, against([]float64{1, 1, 1, 1, 1, 1}, []float64{1, 2, 2, 2, 2, 2})...).find(t, "final train_loss").Pairs[0]
	if p.Ties != 1 || p.Test.N != 5 || p.Note != "n = 5 beside ties: no p below 0.05 is possible (least 0.062)" {
		t.Errorf("%+v", p)
	}
	p = scored(t, opt, against([]float64{1}, []float64{1})...).find(t, "final train_loss").Pairs[0]
	if p.Test.P != 1 || p.Note != "no difference" {
		t.Errorf("%+v", p)
	}
	// Divergence is worse than any value, and the test is that of signs.
	runs := against([]float64{1, 1, 1, 1, 1, 1}, []float64{2, 2, 2, 2, 2, 2})
	runs[7].Outcome, runs[8].Outcome, runs[2].Outcome = "diverged", "diverged", "diverged"
	p = scored(t, opt, runs...).find(t, "final train_loss").Pairs[0]
	if p.How != MedianDifferences || p.Shift.Value != -1 || !math.IsInf(p.Shift.Lo, -1) || p.Shift.Hi != 0 || p.Test.Name != stats.SignTest || p.Test.N != 5 || p.Wins != 5 || p.Ties != 1 {
		t.Errorf("%+v", p)
	}
	// Seeds that one lacks, or whose run broke off, have no difference.
	runs = against([]float64{1, 1, 1, 1}, []float64{2, 2})
	runs[0].Outcome = "interrupted"
	p = scored(t, opt, runs...).find(t, "final train_loss").Pairs[0]
	if p.N != 1 || p.Diffs[0].Seed != 1 || !strings.HasSuffix(p.Note, "1 of 4 seeds have values of both") {
		t.Errorf("%+v", p)
	}
	runs = against([]float64{1}, nil)
	p = scored(t, opt, append(runs, fake("B", 1, 9, "finished", 1))...).find(t, "final train_loss").Pairs[0]
	if p.N != 0 || !math.IsNaN(p.Test.P) || !math.IsNaN(p.Holm) || p.Note != "no seed has values of both" {
		t.Errorf("%+v", p)
	}
}

// counted returns runs of A and B that are right of some number of 360 test examples, a seed
// each: A of so many more than B.
func counted(more []int) (runs []fakeRun) {
	for i, n := range more {
		for m, right := range []int{90 + i + n, 90 + i} {
			r := fake([]string{"A", "B"}[m], m, uint64(i), "finished")
			accuracy := strconv.FormatFloat(float64(right)/360, 'g', -1, 64)
			r.Text = header + fmt.Sprintf("%s,%d,0,0,0,0,0,4,0,,,4,0.1,\n%[1]s,%d,10,1,1,10,10,1,0,,,1,%s,\n", r.Method, i, accuracy)
			runs = append(runs, r)
		}
	}
	return runs
}

// TestRounding: accuracies that differ by the same number of examples differ by the same,
// whatever the rounding of the quotients and of their differences is.
func TestRounding(t *testing.T) {
	for _, c := range []struct {
		more []int
		p    float64
	}{{[]int{3, 3, 3, -3, 3, 3}, 0.21875}, {[]int{1, -2, 1, 1, 3, 3, 3, 0, 3, 0}, 0.0625}} {
		p := scored(t, Options{Metrics: []string{"test_accuracy"}}, counted(c.more)...).find(t, "final test_accuracy").Pairs[0]
		if p.Test.P != c.p || p.Test.Name != stats.SignedRankTest {
			t.Errorf("%v: %+v, want P = %g", c.more, p.Test, c.p)
		}
	}
	// Differences of nothing but rounding are ties, for the test of signs too, and cancel in
	// the estimate.
	sum := 0.1
	sum += 0.2
	three := 0.3
	runs := against([]float64{sum, three, sum, sum}, []float64{three, sum, three, sum})
	p := scored(t, Options{Metrics: []string{"train_loss"}}, runs...).find(t, "final train_loss").Pairs[0]
	if p.Ties != 4 || p.Wins != 0 || p.Test.N != 0 || p.Test.P != 1 || p.Shift.Lo != 0 || p.Shift.Hi != 0 {
		t.Errorf("%+v", p)
	}
	runs[0].Outcome = "diverged"
	p = scored(t, Options{Metrics: []string{"train_loss"}}, runs...).find(t, "final train_loss").Pairs[0]
	if p.Ties != 3 || p.Test.Name != stats.SignTest || p.Test.N != 1 || p.Test.P != 1 {
		t.Errorf("%+v", p)
	}
}

// TestRanksRounding: medians that differ by rounding alone are equal, as those between two
// seeds may; tiny ones are not.
func TestRanksRounding(t *testing.T) {
	sum := 0.1
	sum += 0.2
	for _, c := range []struct{ medians, want []float64 }{
		{[]float64{0.3, sum, 0.1}, []float64{2.5, 2.5, 1}},
		{[]float64{-sum, inf, -0.3, inf}, []float64{1.5, 3.5, 1.5, 3.5}},
		{[]float64{2e-20, -inf, 1e-20, math.NaN()}, []float64{3, 1, 2, 4}},
	} {
		if got := ranks(c.medians); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.medians, got, c.want)
		}
	}
}

// TestHolmOverPairs: three methods are three pairs, whose least p of six seeds is 3/32.
func TestHolmOverPairs(t *testing.T) {
	runs := against([]float64{1, 1, 1, 1, 1, 1}, []float64{2, 2, 2, 2, 2, 2})
	for i := range uint64(6) {
		runs = append(runs, fake("C", 2, i, "finished", 4, 3))
	}
	for _, p := range scored(t, Options{}, runs...).find(t, "final train_loss").Pairs {
		if p.Test.P != 1./32 || p.Holm != 3./32 || p.Note != "n = 6: over 3 pairs no p (Holm) below 0.05 is possible (least 0.094)" || !p.Tells() {
			t.Errorf("%+v", p)
		}
	}
}

// TestOpen: where one run ended before the other reached the target, it is not known which
// would have been first.
func TestOpen(t *testing.T) {
	for _, c := range []struct {
		a, b Value
		want float64
	}{
		{Value{0, 10, 10}, Value{0, 30, 30}, -20},
		{Value{0, 10, 10}, Value{0, inf, 30}, -inf},
		{Value{0, inf, 30}, Value{0, 10, 10}, inf},
		{Value{0, 10, 10}, Value{0, inf, 5}, math.NaN()},
		{Value{0, inf, 5}, Value{0, 10, 10}, math.NaN()},
		{Value{0, inf, inf}, Value{0, 10, 10}, inf},
		// Ended where the other reached it, but for rounding.
		{Value{0, inf, 0.3}, Value{0, 0.1 + 0.2*(1+1e-15), 0.1 + 0.2*(1+1e-15)}, inf},
		{Value{0, inf, 5}, Value{0, inf, inf}, 0},
		{Value{0, -inf, -inf}, Value{0, 1, 1}, -inf},
	} {
		if got := difference(c.a, c.b); !same(got, c.want) {
			t.Errorf("%+v, %+v: %g, want %g", c.a, c.b, got, c.want)
		}
	}
}

// several returns three tasks: C is in two of them, and nothing reaches a loss of 0.1.
func several() [][]fakeRun {
	task := func(name string, losses map[string][]float64) (runs []fakeRun) {
		for i, m := range []string{"A", "B", "C"} {
			for seed := range uint64(2) {
				if losses[m] != nil {
					r := fake(m, i, seed, "finished", losses[m]...)
					r.Name = name
					runs = append(runs, r)
				}
			}
		}
		return runs
	}
	return [][]fakeRun{
		task("one", map[string][]float64{"A": {4, 1}, "B": {4, 2, 1}, "C": {4, 4}}),
		task("two", map[string][]float64{"A": {4, 3, 3, 1}, "B": {4, 1, 0.5}, "C": {4, 1, 1}}),
		task("three", map[string][]float64{"A": {4, 3, 3, 3}, "B": {4, 1, 1, 1}}),
	}
}

// TestRankings: ranks by hand, of the methods that all tasks have.
func TestRankings(t *testing.T) {
	s, err := Of(tasks(t, several()...), Options{Goals: targets(t, "train_loss=1", "one:train_loss=0.1", "two:train_loss=0.1", "train_loss=0.1"), Amounts: []string{"cost"}, Metrics: []string{"train_loss", "test_accuracy"}})
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]Ranking{}
	for _, r := range s.Rankings {
		byKey[r.Key] = r
	}
	// Only the third task keeps the value of the first target; 0.1 nobody reaches.
	r := byKey["cost to train_loss of the task"]
	if !slices.Equal(r.Tasks, []string{"three"}) || !slices.Equal(r.Mean, []float64{2, 1}) || !slices.Equal(r.Notes, []string{"left out, as not all tasks have it: C", "one: no run reaches it", "two: no run reaches it"}) {
		t.Errorf("%+v", r)
	}
	r = byKey["final train_loss"]
	if !slices.Equal(r.Methods, []string{"A", "B"}) || !slices.Equal(r.Ranks[0], []float64{1.5, 2, 2}) || !slices.Equal(r.Ranks[1], []float64{1.5, 1, 1}) || !same(r.Mean[0], 5.5/3) {
		t.Errorf("%+v", r)
	}
	if r := byKey["final test_accuracy"]; !slices.Equal(r.Ranks[0], []float64{1.5, 2, 2}) {
		t.Errorf("%+v", r)
	}
}

// TestProfiles: ratios by hand, of tasks and of seeds.
func TestProfiles(t *testing.T) {
	s, err := Of(tasks(t, several()...), Options{Goals: targets(t, "train_loss=1"), Amounts: []string{"cost"}, Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	// A: 10, 30, never; B: 20, 10, 10. The score of A is (2 + 0 + 0) / 2 / 3.
	p := s.Profiles[0]
	if p.Seeds || len(p.Problems) != 3 || !slices.Equal(p.Lines[0].Ratios, []float64{1, 3, inf}) || !slices.Equal(p.Lines[1].Ratios, []float64{2, 1, 1}) {
		t.Errorf("%+v", p)
	}
	if !same(p.Lines[0].Score, 1./3) || !same(p.Lines[1].Score, 2.5/3) || p.Lines[0].Share(2.9) != 1./3 || p.Lines[0].Share(3) != 2./3 {
		t.Errorf("%+v", p)
	}
	if !slices.Contains(p.Notes, "left out, as not all tasks have it: C") {
		t.Errorf("%v", p.Notes)
	}
	// Of one task, seeds: that of B alone, 2, is left out, and the target is never reached at 3.
	one := []fakeRun{fake("A", 0, 0, "finished", 4, 1), fake("A", 0, 1, "finished", 4, 2, 1), fake("A", 0, 3, "diverged", 4, 9),
		fake("B", 1, 0, "finished", 4, 2, 2, 1), fake("B", 1, 1, "finished", 4, 1), fake("B", 1, 2, "finished", 4, 1), fake("B", 1, 3, "finished", 4, 2)}
	p = scored(t, Options{Goals: targets(t, "train_loss=1"), Amounts: []string{"step"}}, one...).Profiles[0]
	if !p.Seeds || !slices.Equal(p.Problems, []string{"0", "1", "3"}) || !slices.Equal(p.Lines[0].Ratios, []float64{1, 2, inf}) || !slices.Equal(p.Lines[1].Ratios, []float64{3, 1, inf}) {
		t.Errorf("%+v", p)
	}
	for _, note := range []string{"1 seeds that not all methods have are left out", "on 1 of 3 seeds no method reaches it, which count as not solved"} {
		if !slices.Contains(p.Notes, note) {
			t.Errorf("%v", p.Notes)
		}
	}
	// What the initial weights have is reached at 0 by all.
	if p := scored(t, Options{Goals: targets(t, "train_loss=4")}, one...).Profiles[0]; !slices.Equal(p.Lines[0].Ratios, []float64{1, 1, 1}) || p.Lines[0].Score != 1 {
		t.Errorf("%+v", p)
	}
	if p := scored(t, Options{Goals: targets(t, "train_loss=0.1")}, one...).Profiles[0]; p.Why != "no run reaches it" || p.Lines != nil {
		t.Errorf("%+v", p)
	}
	if p := scored(t, Options{Goals: targets(t, "train_loss=1")}, one[:2]...).Profiles[0]; p.Why != "there are no two methods to compare" {
		t.Errorf("%+v", p)
	}
}

// TestIntegral: the score is the integral of the profile, taken numerically.
func TestIntegral(t *testing.T) {
	l := ProfileLine{Ratios: []float64{1, 1.7, 2.5, 6, inf}}
	const limit, n = 4, 300000
	sum := 0.0
	for i := range n {
		sum += l.Share(1 + (limit-1)*(float64(i)+0.5)/n)
	}
	if got := integral(l.Ratios, limit); math.Abs(got-sum/n) > 1e-5 {
		t.Errorf("%g, want %g", got, sum/n)
	}
}
