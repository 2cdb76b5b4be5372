package timing

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/runlog"
)

// TestOrder: every run of a block once, and each of them first in turn.
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		n, block int
		want     string
	}{{3, 0, "[0 1 2]"}, {3, 1, "[1 2 0]"}, {3, 2, "[2 0 1]"}, {3, 3, "[0 1 2]"}, {1, 7, "[0]"}, {2, 5, "[1 0]"}, {0, 1, "[]"}} {
		if got := fmt.Sprint(Order(c.n, c.block)); got != c.want {
			t.Errorf("%d runs of block %d: %s, want %s", c.n, c.block, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	if s := Of([]float64{5, 1, 2, 4, 3}); s != (Spread{5, 3, 200.0 / 3, -200.0 / 3, 200.0 / 3}) {
		t.Errorf("%+v", s)
	}
	if s := Of([]float64{2, 2, 2}); s != (Spread{3, 2, 0, 0, 0}) {
		t.Errorf("%+v", s)
	}
	if s := Of(nil); s.N != 0 || !math.IsNaN(s.Median) || !math.IsNaN(s.IQR) {
		t.Errorf("%+v", s)
	}
}

// row is one of method "A" or "B", seed 0 or 1.
func row(method string, seed uint64, repeat int, seconds float64) Row {
	return Row{
		Key: Key{Method: method, Seed: seed, Identity: fmt.Sprint(method, seed)}, Repeat: repeat, Place: 1, Start: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC),
		WallSeconds: seconds, Steps: 100, Threads: 2, LoadBefore: 0.25, LoadAfter: math.NaN(), Others: 0.1, TripNS: 64,
		Conditions: Conditions{Asked: "2", CPUs: "0 1", CPU: "a \"quoted\", CPU", ISA: "avx2/amd64", Version: "1 abc"},
	}
}

// same compares tables whose numbers may be NaN.
func same(a, b *Table) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }

func TestFile(t *testing.T) {
	table := &Table{Rows: []Row{row("A", 0, 1, 1.25), row("B, \"b\"", math.MaxUint64, 2, 1e-9)}}
	table.Rows[1].Settings, table.Rows[1].Void, table.Rows[1].SuspendedSeconds = "rate=0.1, x=[1, 2]", "the process was stopped", 2.5
	back, err := Parse("timing.csv", table.Bytes())
	if err != nil || !same(table, back) {
		t.Fatalf("%+v, %v", back, err)
	}
	table.Rows[0].LoadAfter, back.Rows[0].LoadAfter = 0, 0
	if !reflect.DeepEqual(table.Rows[0], back.Rows[0]) {
		t.Errorf("%+v, want %+v", back.Rows[0], table.Rows[0])
	}
	if empty, err := Parse("", (&Table{}).Bytes()); err != nil || len(empty.Rows) != 0 {
		t.Error(empty, err)
	}
	text := string(table.Bytes())
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "timing.csv: there is no header"},
		{"no column", strings.Replace(text, "identity", "other", 1), "missing columns: identity"},
		{"a cut row", text[:len(text)-5], "the last row is cut short"},
		{"no number", strings.Replace(text, ",1.25,", ",x,", 1), "timing.csv:2: column wall_seconds: "},
	} {
		var wrong *runlog.Error
		if _, err := Parse("timing.csv", []byte(c.text)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestBlocks: a block counts when all of its runs do, and is discarded as a whole.
func TestBlocks(t *testing.T) {
	a, b := row("A", 0, 1, 1), row("B", 0, 1, 2)
	block := []Key{a.Key, b.Key}
	table := &Table{Rows: []Row{a, row("A", 1, 1, 1), row("B", 0, 2, 1)}}
	if table.Measured(1, block) {
		t.Error("half a block counts")
	}
	table.Rows = append(table.Rows, b)
	if !table.Measured(1, block) || table.Measured(2, block) {
		t.Error("a block that is complete does not count, or another does")
	}
	table.Rows[3].Void = "the process was stopped"
	if table.Measured(1, block) {
		t.Error("a void row counts")
	}
	table.Discard(1, block, "why")
	var voids []string
	for _, r := range table.Rows {
		voids = append(voids, r.Void)
	}
	if got := strings.Join(voids, ";"); got != "why;;;the process was stopped" {
		t.Error(got)
	}
}

func TestDifference(t *testing.T) {
	table := &Table{Rows: []Row{row("A", 0, 1, 1)}}
	now := table.Rows[0].Conditions
	if d := table.Difference(now); d != "" {
		t.Error(d)
	}
	now.CPUs, now.Version = "", "2"
	if d := table.Difference(now); d != "CPUs: 0 1 -> (none), version: 1 abc -> 2" {
		t.Error(d)
	}
	if d := (&Table{}).Difference(now); d != "" {
		t.Error(d)
	}
}

// TestSummary: ratios are those within blocks, so that a slow phase of the machine, which
// hit both methods, is none of theirs; where they lie apart they are marked.
func TestSummary(t *testing.T) {
	table := &Table{}
	var runs []Key
	for seed := range uint64(2) {
		for repeat := 1; repeat <= 3; repeat++ {
			phase := float64(repeat) // of the machine
			a, b, c := row("A", seed, repeat, phase), row("B", seed, repeat, 2*phase*(1+0.01*float64(repeat))), row("C", seed, repeat, phase*float64(1+repeat%2))
			c.Threads, c.Others = 1, 1.5
			table.Rows = append(table.Rows, b, c, a)
			if repeat == 1 {
				runs = append(runs, a.Key, b.Key, c.Key)
			}
		}
	}
	stopped, other := row("A", 0, 1, 1000), row("D", 0, 1, 1000)
	stopped.Void = "the process was stopped"
	table.Rows = append(table.Rows, stopped, other)
	s := Summarize(table, runs)
	if s.Repeats != 3 || s.Seeds != 2 || len(s.Rows) != 18 || s.Void != 1 || len(s.Lines) != 3 {
		t.Fatalf("%+v", s)
	}
	b, c := s.Lines[1], s.Lines[2]
	if b.Seconds.N != 6 || b.Seconds.Median != 4.08 || b.Step.Median != 0.0408 || math.Abs(b.Ratio.Median-2.04) > 1e-12 || b.Doubtful() {
		t.Errorf("%+v", b)
	}
	if c.Ratio.Median != 2 || c.Ratio.IQR != 37.5 || !c.Doubtful() || s.Lines[0].Ratio.IQR != 0 {
		t.Errorf("%+v", c)
	}
	var out strings.Builder
	if err := s.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	const want = `
times, of 3 repeats x 2 seeds, methods alternated:

method  threads  s/run  spread   min      max      ms/step  spread   ratio  spread  min      max
A       2        2      75.0 %   -50.0 %  +50.0 %  20       75.0 %   1
B       2        4.08   76.5 %   -50.5 %  +51.5 %  40.8     76.5 %   2.040  1.5 %   -1.0 %   +1.0 %
C       1        2      150.0 %  +0.0 %   +200.0 %  20       150.0 %  2.000  37.5 %  -50.0 %  +0.0 %  spread 38 %: do not quote

medians; spread: interquartile range, min and max: from the median, in percent of it;
ratio: median of those to A measured next to it, by repeat and seed
threads: 2, bound to CPUs 0 1; round trip 64 ns (64 to 64); a "quoted", CPU
load average 0.25 to 0.25, this program included; others kept up to 1.5 CPUs busy, and more than 0.5 before 6 of 18 measurements
1 measurement void, and made again: timing.csv says why
`
	if fields := strings.Fields; !reflect.DeepEqual(fields(out.String()), fields(want)) {
		t.Error(out.String())
	}
	out.Reset()
	if err := Summarize(&Table{}, runs).WriteTable(&out); err != nil || out.String() != "\ntimes: none was measured\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
