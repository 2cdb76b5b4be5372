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
	oldShapes, oldConvs, oldLength, oldFlops := shapes, convs, vectorLength, roundFlops
	defer func() { shapes, convs, vectorLength, roundFlops = oldShapes, oldConvs, oldLength, oldFlops }()
	shapes, vectorLength, roundFlops = [][3]int{{64, 48, 32}}, 1<<16, 1e6
	convs = []Conv{{Batch: 3, Channels: 5, Size: 7, Filters: 6, Kernel: 3, Stride: 2, Padding: 1}}

	r, err := MeasureKernels(context.Background(), Machine{CPU: "cpu", ISA: "isa", Threads: 2}, Parts)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Gemm) != 2*2*4 || len(r.Conv) != 2*2*4 || len(r.Copy) != 2 || len(r.Vectors) != 2*13 {
		t.Fatalf("%d products, %d convolutions, %d copies, %d passes", len(r.Gemm), len(r.Conv), len(r.Copy), len(r.Vectors))
	}
	for _, g := range r.Gemm {
		if g.GFLOPS <= 0 || g.Fraction <= 0 {
			t.Errorf("%+v", g)
		}
	}
	for _, c := range r.Conv {
		if c.GFLOPS <= 0 || c.Fraction <= 0 {
			t.Errorf("%+v", c)
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
	for _, want := range []string{`"machine":{"cpu":"cpu","isa":"isa","threads":2}`, `"fma_peak_gflops":{"float32":`, `"transpose":"TN","m":64,"n":48,"k":32,"threads":2,"gflops":`, `"operation":"jvp","batch":3,"channels":5,"size":7,"filters":6,"kernel":3,"stride":2,"padding":1,"threads":2,"gflops":`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nwithout %s", text, want)
		}
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "64x48x32") || !strings.Contains(table.String(), "3x(5x7x7)->6, 3x3/2") || !strings.Contains(table.String(), "gelu") {
		t.Errorf("%s", table.String())
	}
	some, err := MeasureKernels(context.Background(), Machine{Threads: 1}, []string{"convolutions"})
	if err != nil {
		t.Fatal(err)
	}
	table.Reset()
	if err := some.WriteTable(&table); err != nil || len(some.Gemm)+len(some.Copy)+len(some.Vectors) > 0 || strings.Count(table.String(), "3x(5x7x7)->6, 3x3/2") != 2 {
		t.Errorf("convolutions alone: %v\n%s", err, table.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := MeasureKernels(ctx, Machine{Threads: 1}, Parts); !errors.Is(err, context.Canceled) {
		t.Errorf("an interruption: %v", err)
	}
}
