package results

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

// TestLargeFiles: files of results that are too large, and what is no file, are
// damaged logs, found out in little memory.
func TestLargeFiles(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		file, start string
		length      int64
		want        string
	}{
		{"manifest.json", "{", 1 << 33, "longer than 16 MiB"},
		{"metrics.csv", "", 1 << 33, "longer than 128 MiB"},
		{"metrics.csv", header, 100 << 20, "line 2 is longer than 1 MiB"},
		{"inner.csv", "", 100 << 20, "line 1 is longer than 1 MiB"},
		{"duals.npz", "", 1 << 33, "longer than 1 GiB"},
	} {
		dir := t.TempDir()
		run := filepath.Join(dir, "runs", "a", "0")
		files := map[string]string{
			"manifest.json": `{"format": 1, "method": "a", "outcome": "finished", "dataset": "d"}`,
			"metrics.csv":   header + "a" + strings.Repeat(",1", strings.Count(header, ",")) + "\n",
		}
		files[c.file] = c.start
		if err := os.MkdirAll(run, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(run, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Truncate(filepath.Join(run, c.file), c.length); err != nil {
			t.Fatal(err)
		}
		res, err := Load(dir)
		if err == nil {
			_, err = res.Solves(&res.Runs[0])
		}
		if err == nil {
			_, err = res.Runs[0].DualWeights()
		}
		var damaged *runlog.Error
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: says %v, want %s", c.file, err, c.want)
		}
	}
	if _, err := Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "line 1 is longer than 1 MiB") {
		t.Errorf("an export without an end: %v", err)
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 64 {
		t.Errorf("takes %d MiB", n)
	}
}
