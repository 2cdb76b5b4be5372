package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestKernels measures small sizes, and checks what is reported for its form;
// the numbers depend on the machine.
func TestKernels(t *testing.T) {
	oldShapes, oldLength, oldFlops := shapes, vectorLength, roundFlops
	defer func() { shapes, vectorLength, roundFlops = oldShapes, oldLength, oldFlops }()
	shapes, vectorLength, roundFlops = [][3]int{{64, 48, 32}}, 1<<16, 1e6

	r, err := MeasureKernels(context.Background(), Machine{CPU: "cpu", ISA: "isa", Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Gemm) != 2*2*4 || len(r.Copy) != 2 || len(r.Vectors) != 2*12 {
		t.Fatalf("%d products, %d copies, %d passes", len(r.Gemm), len(r.Copy), len(r.Vectors))
	}
	for _, g := range r.Gemm {
		if g.GFLOPS <= 0 || g.Fraction <= 0 {
			t.Errorf("%+v", g)
		}
	}
	for _, v := range r.Vectors {
		if v.GBytesPerSecond <= 0 || v.Fraction <= 0 {
			t.Errorf("%+v", v)
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"machine":{"cpu":"cpu","isa":"isa","threads":2}`, `"fma_peak_gflops":{"float32":`, `"transpose":"TN","m":64,"n":48,"k":32,"threads":2,"gflops":`, `"conv":[]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nwithout %s", text, want)
		}
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "64x48x32") || !strings.Contains(table.String(), "gelu") {
		t.Errorf("%s", table.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := MeasureKernels(ctx, Machine{Threads: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("an interruption: %v", err)
	}
}
