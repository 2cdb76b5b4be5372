package bench

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestGram measures a small grid: every form that fits has a time, auto is one of them, and
// no ratio is below 1.
func TestGram(t *testing.T) {
	grid := gramGrid{[]string{"small", "mlp", "convnet"}, []int{1, 3}, []int{4}, []int{1, 9}, 1, time.Microsecond}
	var told []string
	r, err := grid.measure(context.Background(), Machine{"cpu", "isa", 2}, func(s string) { told = append(told, s) })
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 12 || len(told) != 6 || told[5] != "convnet, 3 outputs, 4 examples" {
		t.Fatalf("%d cells, %q", len(r.Cells), told)
	}
	for _, c := range r.Cells {
		chosen := false
		for _, f := range c.Forms {
			want := f.First + float64(c.Iterations)*f.Product + f.Combine
			if !(f.First > 0 && f.Product > 0 && f.Combine > 0 && f.Expected > 0) || f.Seconds != want {
				t.Errorf("%s, %d outputs: %+v", c.Model, c.Outputs, f)
			}
			chosen = chosen || f.Form == c.Auto
		}
		if len(c.Forms) != 4 || !chosen || c.Ratio < 1 || r.Worst < c.Ratio || r.Median > r.Worst {
			t.Errorf("%+v", c)
		}
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil || !strings.Contains(table.String(), "convnet  3        4         9") || !strings.Contains(table.String(), "of 12 cells.") {
		t.Errorf("%v\n%s", err, table.String())
	}
	text, err := json.Marshal(r.Cells[0].Forms[0])
	if err != nil || !strings.HasPrefix(string(text), `{"form":"matrix_free","seconds":`) {
		t.Errorf("%s, %v", text, err)
	}

	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := grid.measure(stopped, Machine{Threads: 1}, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interrupt: %v", err)
	}
}

// TestGramOverMemory: a form that does not fit has no time, and is not taken.
func TestGramOverMemory(t *testing.T) {
	grid := gramGrid{[]string{"mlp"}, []int{1}, []int{1}, []int{1}, 1, time.Microsecond}
	r, err := grid.measure(context.Background(), Machine{Threads: 1}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Cells[0]
	c.Forms[3].Seconds = 0
	r.Cells[0] = c
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil || !strings.Contains(table.String(), "over gram_memory") {
		t.Errorf("%v\n%s", err, table.String())
	}
}
