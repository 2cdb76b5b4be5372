package experiment

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/runlog"
)

// TestDamagedResults: a complete run whose files are not what it left is told,
// moved aside and made again; nothing of it is lost, and the other runs are kept.
func TestDamagedResults(t *testing.T) {
	want, manifests := whole(t)
	made := t.TempDir()
	run(t, parse(t, resumable), options(made))
	edit := func(name string, change func(text []byte) []byte) func(dir string) error {
		return func(dir string) error {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), change(text), 0o644)
		}
	}
	remove := func(name string) func(dir string) error {
		return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
	}
	manifest := func(old, new string) func(dir string) error {
		return edit("manifest.json", func(text []byte) []byte { return bytes.Replace(text, []byte(old), []byte(new), 1) })
	}
	lines := func(text []byte) []string { return strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n") }
	flip := func(text []byte) []byte {
		text[len(text)/2] ^= 1
		return text
	}
	for _, c := range []struct {
		name   string
		damage func(dir string) error
		want   string
	}{
		{"lost rows", edit("metrics.csv", func(text []byte) []byte {
			all := lines(text)
			return []byte(strings.Join(slices.Delete(all, 2, 4), "") + "\n")
		}), "metrics.csv has 3 rows, and 5 when the run ended"},
		{"a row twice", edit("metrics.csv", func(text []byte) []byte {
			all := lines(text)
			return []byte(strings.Join(slices.Insert(all, 2, all[2]), "") + "\n")
		}), "metrics.csv has 6 rows, and 5 when the run ended"},
		{"no rows", edit("metrics.csv", func(text []byte) []byte { return []byte(lines(text)[0]) }), "metrics.csv has 0 rows, and 5 when the run ended"},
		{"an empty file", edit("metrics.csv", func([]byte) []byte { return nil }), "metrics.csv has 0 rows, and 5 when the run ended"},
		{"another number", edit("metrics.csv", flip), "metrics.csv was changed since the run ended"},
		{"cut in a row", edit("steps.csv", func(text []byte) []byte { return text[:len(text)-4] }), "steps.csv has "},
		{"lost steps", edit("steps.csv", func(text []byte) []byte {
			all := lines(text)
			return []byte(strings.Join(all[:len(all)-3], ""))
		}), "steps.csv has 7 rows, and 10 when the run ended"},
		{"no metrics.csv", remove("metrics.csv"), "metrics.csv is missing"},
		{"no steps.csv", remove("steps.csv"), "steps.csv is missing"},
		{"another seed in the manifest", manifest(`"seed": 0,`, `"seed": 7,`), "manifest.json was changed: it has seed 7, and its settings have seed 0"},
		{"another setting in the manifest", manifest(`"train.batch_size": "`, `"train.batch_size": "9`), "manifest.json was changed: by its identity the run has the settings that are wanted, and by its settings not: train.batch_size: 9"},
		{"another identity in the manifest", manifest(`"identity": "`, `"identity": "0`), "manifest.json was changed: its identity is not that of its settings"},
		{"an end that no run has", manifest(`"outcome": "`, `"outcome": "x`), "manifest.json has the unknown outcome"},
		{"no params.npz", remove("params.npz"), "params.npz is missing"},
		{"no inner.csv", remove("inner.csv"), "inner.csv is missing"},
		{"no probes.csv", remove("probes.csv"), "probes.csv is missing"},
		{"another distance", edit("probes.csv", flip), "probes.csv was changed since the run ended"},
		{"no duals.npz", remove("duals.npz"), "duals.npz is missing"},
		{"other weights", edit("params.npz", flip), "params.npz was changed since the run ended"},
		{"other duals", edit("duals.npz", flip), "duals.npz was changed since the run ended"},
		{"short weights", edit("params.npz", func(text []byte) []byte { return text[:100] }), "params.npz has 100 bytes, and "},
		{"a folder for a file", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "steps.csv")), os.Mkdir(filepath.Join(dir, "steps.csv"), 0o755))
		}, "steps.csv is no file"},
	} {
		opt := options(t.TempDir())
		if err := os.CopyFS(opt.Out, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(opt.Out, "runs/gn/0")
		if err := c.damage(dir); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		if r := run(t, parse(t, resumable), opt); r.Made != 1 || r.Reused != 4 || len(r.Failed) > 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
		if !strings.Contains(log.String(), "damaged, and so moved aside and made again: ") || !strings.Contains(log.String(), c.want) {
			t.Errorf("%s: the log says\n%s\nwithout %s", c.name, log.String(), c.want)
		}
		complete(t, c.name, opt.Out, want, manifests)
		if old, err := filepath.Glob(filepath.Join(opt.Out, "old/*/runs/gn/0/manifest.json")); err != nil || len(old) != 1 {
			t.Errorf("%s: moved aside: %v %v", c.name, old, err)
		}
		if r := run(t, parse(t, resumable), opt); r.Made != 0 {
			t.Errorf("%s: made a third time: %+v", c.name, r)
		}
	}
}

// TestFileRecords: the manifest of a complete run tells what is in its folder,
// also where it was interrupted and continued; that of another says nothing.
func TestFileRecords(t *testing.T) {
	opt := options(t.TempDir())
	dir := stopped(t, opt)
	if m := manifestAt(t, dir); m.Files != nil {
		t.Errorf("interrupted: %v", m.Files)
	}
	run(t, parse(t, resumable), opt)
	for _, path := range resumableRuns {
		dir := filepath.Join(opt.Out, path)
		m := manifestAt(t, dir)
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != len(m.Files)+1 {
			t.Errorf("%s: %d files in the folder, %d in the manifest, %v", path, len(entries), len(m.Files), err)
		}
		for name, f := range m.Files {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			r := runlog.RecordOf(data)
			if r.Bytes != f.Bytes || r.SHA256 != f.SHA256 || (f.Rows != nil) != strings.HasSuffix(name, ".csv") {
				t.Errorf("%s/%s: %+v in the manifest, is %+v", path, name, f, r)
			}
			if f.Rows != nil {
				if _, n := rows(t, filepath.Join(dir, name)); n != *f.Rows {
					t.Errorf("%s/%s: %d rows in the manifest, is %d", path, name, *f.Rows, n)
				}
			}
		}
	}
	diverging := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]", "methods.SGD.optimizer.learning_rate=1e30"), diverging)
	if m := manifestAt(t, filepath.Join(diverging.Out, "runs/sgd/0")); m.Outcome != runlog.Diverged || len(m.Files) != 2 {
		t.Errorf("diverged: %v", m.Files)
	}
}

// TestOldManifests: runs of versions that recorded no files are kept, unless a
// file is missing.
func TestOldManifests(t *testing.T) {
	c := parse(t, resumable)
	opt := options(t.TempDir())
	run(t, c, opt)
	for _, path := range resumableRuns {
		m := manifestAt(t, filepath.Join(opt.Out, path))
		m.Files = nil
		if err := m.Write(filepath.Join(opt.Out, path), diskfile.Replace); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(t, c, opt); r.Reused != 5 {
		t.Errorf("%+v", r)
	}
	for i, name := range []string{"params.npz", "steps.csv", "duals.npz", "inner.csv", "metrics.csv"} {
		if err := os.Remove(filepath.Join(opt.Out, resumableRuns[i], name)); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	if r := run(t, c, opt); r.Made != 5 || strings.Count(log.String(), " is missing") != 5 {
		t.Errorf("%+v, the log says\n%s", r, log.String())
	}
}
