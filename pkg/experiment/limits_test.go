package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/datasets"
)

// sparse writes a file that goes on with zeros to a length.
func sparse(t *testing.T, path string, start []byte, length int64) string {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, start, 0o644), os.Truncate(path, length)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLargeCheckpoint: a checkpoint of 4 GB is refused in no time and memory.
func TestLargeCheckpoint(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, c := range map[string]struct{ start, want string }{
		"checkpoint.0": {"", `it does not start with "dgn checkpoint 1"`},
		"checkpoint.1": {string(encoded(t, sample())), "bytes at the end belong to no array"},
		"checkpoint.2": {checkpointMagic + strings.Repeat("0", checksumLine-1) + "\n", "it has no arrays"},
	} {
		if _, err := readCheckpoint(sparse(t, filepath.Join(dir, name), []byte(c.start), 1<<32)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: says %v, want %s", name, err, c.want)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 || time.Since(began) > 2*time.Second {
		t.Errorf("takes %d MiB and %v", n>>20, time.Since(began))
	}
}

// TestLargeConfig: configs and manifests have a limit, and an endless file is
// found to be longer.
func TestLargeConfig(t *testing.T) {
	dir := t.TempDir()
	large := sparse(t, filepath.Join(dir, "large.yaml"), nil, 1<<33)
	for _, path := range []string{large, "/dev/zero"} {
		_, one := Load(path, nil)
		_, many := LoadSweep(path, nil, SweepFlags{})
		for _, err := range []error{one, many} {
			var config *ConfigError
			if !errors.As(err, &config) || !strings.Contains(err.Error(), "it is longer than 32 MiB, the most that is read") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	sparse(t, filepath.Join(dir, "manifest.json"), nil, 1<<33)
	if _, err := (&folder{dir: dir}).manifest("."); err == nil || !strings.Contains(err.Error(), "longer than 16 MiB") {
		t.Error(err)
	}
}

// TestInterruptedOpen: reading a large table ends soon after the context does.
func TestInterruptedOpen(t *testing.T) {
	dir := t.TempDir()
	row := strings.Repeat("0.123456789,", 20) + "1\n"
	if err := os.WriteFile(filepath.Join(dir, "large.csv"), []byte(strings.Repeat(row, 200_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	c := parse(t, toy, "data={name: csv, path: large.csv}", "loss=squared")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var at time.Time
	time.AfterFunc(100*time.Millisecond, func() { at = time.Now(); cancel() })
	_, err := Open(c, datasets.Env{Context: ctx, Dir: dir, Offline: true})
	if !errors.Is(err, context.Canceled) || time.Since(at) > 2*time.Second {
		t.Errorf("%v, after %v", err, time.Since(at))
	}
}

// TestNilContext: a caller need not give a context.
func TestNilContext(t *testing.T) {
	if _, err := Open(parse(t, toy), datasets.Env{Offline: true}); err != nil {
		t.Error(err)
	}
}
