package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

// TestBeyond: what a run had spent is known from its steps.csv alone, and only if that can
// be understood.
func TestBeyond(t *testing.T) {
	const steps = "step,wall_seconds,cost,oracle_calls,batch_loss\n0,1,10,30,4\n1,2,20,60,4\n"
	run := runlogtest.New("A", 0, 0, "interrupted", 4, 2)
	run.Steps = steps
	dir := runlogtest.Folder(t, run)
	res, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := res.Beyond(&res.Runs[0], "cost", 11); !ok || at["wall_seconds"] != 2 || at["step"] != 1 {
		t.Errorf("%v, %t", at, ok)
	}
	if _, ok := res.Beyond(&res.Runs[0], "cost", 21); ok {
		t.Error("goes beyond its end")
	}
	if _, ok := res.Beyond(&res.Runs[0], "epoch", 1); ok {
		t.Error("steps have no epochs")
	}
	if len(res.Warnings) != 0 {
		t.Error(res.Warnings)
	}
	path := filepath.Join(res.Runs[0].Dir, "steps.csv")
	if err := os.WriteFile(path, []byte(strings.Replace(steps, "20,60", "x,60", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := res.Beyond(&res.Runs[0], "cost", 5); ok || len(res.Warnings) != 1 || !strings.HasSuffix(res.Warnings[0], `steps.csv:3: column cost: "x" is not a number; where the run ended is not known`) {
		t.Errorf("%t, %v", ok, res.Warnings)
	}
	// An export has no steps.
	file := filepath.Join(dir, "all.csv")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := Export(f, res); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if res, err = Load(file); err != nil {
		t.Fatal(err)
	}
	if _, ok := res.Beyond(&res.Runs[0], "cost", 5); ok || len(res.Warnings) != 0 {
		t.Errorf("%t, %v", ok, res.Warnings)
	}
}
