package cluster_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// numbers are what the runs of a folder left, by file, but times: tables, weights, outcomes; and
// how many runs were continued from checkpoints.
func numbers(t *testing.T, dir string) (files map[string]string, continued int) {
	t.Helper()
	files = map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, "runs"), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := string(data)
		switch filepath.Ext(path) {
		case ".csv":
			text, err = withoutTimes(data)
		case ".json":
			var m struct {
				Outcome string
				Resumed []any
			}
			err = json.Unmarshal(data, &m)
			text = m.Outcome
			if len(m.Resumed) > 0 {
				continued++
			}
		}
		files[strings.TrimPrefix(path, dir)] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, continued
}

func withoutTimes(data []byte) (string, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return "", err
	}
	at := slices.Index(rows[0], "wall_seconds")
	for i, r := range rows {
		rows[i] = slices.Delete(r, at, at+1)
	}
	return fmt.Sprint(rows), nil
}

// same complains about every number in which two folders differ, and returns how many runs there
// are, and how many of the second were continued.
func same(t *testing.T, local, remote string) (runs, continued int) {
	t.Helper()
	a, _ := numbers(t, local)
	b, continued := numbers(t, remote)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			t.Errorf("%s differs from that of a local run", name)
		}
		if filepath.Base(name) == "manifest.json" {
			runs++
		}
	}
	if len(a) != len(b) {
		t.Errorf("%d files, of a local run %d", len(b), len(a))
	}
	return runs, continued
}
