package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

// left makes a folder with a run of 6 evaluations and steps.csv and params.npz, in
// the manifest of which files are recorded or, as earlier versions did, not.
func left(t *testing.T, recorded bool, outcome string) (dir, run string) {
	t.Helper()
	r := with(fake("A", 0, 1, outcome, 4, 3, 2, 1, 0.5, 0.25), "evaluate.every", "epoch", "seed", "1")
	r.WallSeconds = 5 * (1 + 1./10)
	dir = folder(t, r, with(fake("A", 0, 2, "running", 4, 3), "evaluate.every", "epoch", "seed", "2"))
	run = filepath.Join(dir, "runs/m0/1")
	for name, text := range map[string]string{"steps.csv": "step\n1\n2\n", "params.npz": "PK weights"} {
		if err := os.WriteFile(filepath.Join(run, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !recorded {
		return dir, run
	}
	r.Files = map[string]runlog.FileRecord{}
	for name, rows := range map[string]int{"metrics.csv": 6, "steps.csv": 2, "params.npz": -1} {
		b, err := os.ReadFile(filepath.Join(run, name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		f := runlog.FileRecord{Bytes: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
		if rows >= 0 {
			f.Rows = &rows
		}
		r.Files[name] = f
	}
	b, err := json.Marshal(r.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, "manifest.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, run
}

// rewrite changes the lines of a file; the first is line 0.
func rewrite(t *testing.T, path string, change func(lines []string) []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := change(strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n"))
	if err := os.WriteFile(path, []byte(strings.TrimSuffix(strings.Join(lines, ""), "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestIntegrity: runs whose files are not those that they left are told of, have no
// results, and are in an export with the reason.
func TestIntegrity(t *testing.T) {
	drop := func(from, to int) func([]string) []string {
		return func(l []string) []string { return slices.Delete(l, from, to) }
	}
	twice := func(l []string) []string { return slices.Insert(l, 3, l[2]) }
	for name, c := range map[string]struct {
		change    func([]string) []string // of metrics.csv
		want, old string                  // with the files recorded, and without
	}{
		"lost at the end":    {drop(4, 7), "metrics.csv has 3 rows, and 6 when the run ended", "metrics.csv ends at 2.2 s, and the run did at 5.5 s"},
		"lost in the middle": {drop(3, 5), "metrics.csv has 4 rows, and 6 when the run ended", "metrics.csv goes from epoch 1 to 4, and there was an evaluation every epoch"},
		"lost in turns":      {func(l []string) []string { return []string{l[0], l[1], l[3], l[5], l[6]} }, "metrics.csv has 4 rows, and 6", "metrics.csv goes from epoch 0 to 2, and there was an evaluation every epoch"},
		"lost at the start":  {drop(1, 2), "metrics.csv has 5 rows, and 6 when the run ended", "metrics.csv begins at step 10, and not at 0"},
		"lost all":           {drop(1, 7), "metrics.csv has 0 rows, and 6 when the run ended", "metrics.csv has no rows"},
		"twice":              {twice, "metrics.csv has 7 rows, and 6 when the run ended", "metrics.csv has two rows of step 10"},
		"back":               {func(l []string) []string { return slices.Concat(l[:3], l[1:]) }, "metrics.csv has 8 rows, and 6", "metrics.csv goes back from step 10 to step 0"},
		"changed":            {func(l []string) []string { l[2] = strings.Replace(l[2], ",3,", ",1,", 1); return l }, "metrics.csv was changed since the run ended", ""},
		"as it was":          {func(l []string) []string { return l }, "", ""},
	} {
		for _, recorded := range []bool{true, false} {
			want := c.want
			if !recorded {
				want = c.old
			}
			dir, run := left(t, recorded, "finished")
			rewrite(t, filepath.Join(run, "metrics.csv"), c.change)
			res, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			warnings := strings.Join(res.Warnings, "\n")
			if want == "" {
				if res.Runs[0].Damage != "" || warnings != "" && name != "lost all" || !res.Runs[0].Complete() {
					t.Errorf("%s, recorded %t: %q, %s", name, recorded, res.Runs[0].Damage, warnings)
				}
				continue
			}
			if !strings.HasPrefix(res.Runs[0].Damage, want) || !strings.Contains(warnings, run+": damaged, and in no mean or figure: "+want) {
				t.Errorf("%s, recorded %t: %q, %q\n  want %s", name, recorded, res.Runs[0].Damage, warnings, want)
			}
			s := res.Series()[0]
			if r := &s.Runs[0]; r.Complete() || r.State() != Damaged || s.Runs[1].State() != "running" || len(s.Runs) != 2 || len(s.Sound()) != 1 || s.Final("train_loss") != nil {
				t.Errorf("%s: %+v", name, s)
			}
			// So it is after an export.
			_, _, text := exported(t, res)
			runs, _, err := readExport("file", []byte(text))
			if err != nil || runs[0].Damage != res.Runs[0].Damage || !strings.Contains(text, "damaged: "+want[:20]) {
				t.Errorf("%s: %q, %v", name, runs[0].Damage, err)
			}
		}
	}
}

// TestShortened: rows that are missing from older logs show in the distances of
// the others; the last evaluation, at the end, may come sooner.
func TestShortened(t *testing.T) {
	at := func(every string, wall float64, steps ...float64) *Run {
		r := &Run{Manifest: runlog.Manifest{Outcome: "finished", WallSeconds: wall, Settings: map[string]string{"evaluate.every": every}}}
		for _, s := range steps {
			r.Rows = append(r.Rows, runlog.Row{"step": s, "epoch": s / 7, "wall_seconds": s})
		}
		return r
	}
	for _, c := range []struct {
		run  *Run
		want string
	}{
		{at("epoch", 21, 0, 7, 14, 21), ""}, {at("epoch", 17, 0, 7, 14, 17), ""}, {at("5", 12, 0, 5, 10, 12), ""}, {at("5", 3, 0, 3), ""}, {at("5", 0, 0), ""},
		{at("5", 12, 0, 10, 12), "metrics.csv goes from step 0 to 10, and there was an evaluation every 5 steps"},
		{at("5", 12, 0, 5, 7, 12), "metrics.csv goes from step 5 to 7, and there was an evaluation every 5 steps"},
		{at("epoch", 28, 0, 14, 28), "metrics.csv goes from epoch 0 to 2, and there was an evaluation every epoch"},
		{at("5", 12, 0, 5, 10), "metrics.csv ends at 10 s, and the run did at 12 s"},
		{at("", 12, 0, 3, 4), ""},
	} {
		if got := c.run.shortened(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestMissingFiles: files that are gone are told of; the metrics stay in use.
func TestMissingFiles(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		for _, c := range []struct {
			remove []string
			want   string
		}{{[]string{"params.npz"}, "params.npz"}, {[]string{"steps.csv"}, "steps.csv"}, {[]string{"steps.csv", "params.npz"}, " and "}} {
			dir, run := left(t, recorded, "finished")
			for _, name := range c.remove {
				if err := os.Remove(filepath.Join(run, name)); err != nil {
					t.Fatal(err)
				}
			}
			res, err := Load(dir)
			if err != nil || len(res.Warnings) != 1 || !strings.HasPrefix(res.Warnings[0], run+" lacks ") || !strings.Contains(res.Warnings[0], c.want) {
				t.Fatalf("%v: %q, %v", c.remove, res.Warnings, err)
			}
			if r := &res.Runs[0]; !r.Complete() || len(r.Missing) != len(c.remove) || !slices.Equal(res.Series()[0].Final("train_loss"), []float64{0.25}) {
				t.Errorf("%+v", r)
			}
			_, _, text := exported(t, res)
			if runs, _, err := readExport("file", []byte(text)); err != nil || !slices.Equal(runs[0].Missing, res.Runs[0].Missing) {
				t.Errorf("%q, %v", runs[0].Missing, err)
			}
		}
	}
	// A file that is not the recorded one is damage.
	dir, run := left(t, true, "diverged")
	rewrite(t, filepath.Join(run, "steps.csv"), func(l []string) []string { return l[:2] })
	res, err := Load(dir)
	if err != nil || res.Runs[0].Damage != "steps.csv has 1 rows, and 2 when the run ended" {
		t.Errorf("%q, %v", res.Runs[0].Damage, err)
	}
	if err := os.WriteFile(filepath.Join(run, "params.npz"), []byte("PK Weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	if res, err = Load(dir); err != nil || !strings.HasPrefix(res.Runs[0].Damage, "params.npz was changed since the run ended, steps.csv has") {
		t.Errorf("%q, %v", res.Runs[0].Damage, err)
	}
	// Without its metrics a run that ended is not left out of the table.
	dir, run = left(t, true, "finished")
	if err := os.Remove(filepath.Join(run, "metrics.csv")); err != nil {
		t.Fatal(err)
	}
	if res, err = Load(dir); err != nil || len(res.Runs) != 2 || res.Runs[0].Damage != "metrics.csv is missing" {
		t.Errorf("%+v, %v", res, err)
	}
	// A manifest cannot make the program look elsewhere.
	b, err := os.ReadFile(filepath.Join(run, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, "manifest.json"), bytes.Replace(b, []byte(`"steps.csv"`), []byte(`"../steps.csv"`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, "metrics.csv"), []byte(header), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), `"../steps.csv" is not the name of a file of the run`) {
		t.Errorf("%v", err)
	}
}

// TestExportTwice: rows that an export has twice are noticed; their order is not
// of importance.
func TestExportTwice(t *testing.T) {
	_, _, text := exported(t, load(t, fake("A", 0, 0, "finished", 2, 1), fake("A", 0, 1, "finished", 4, 3)))
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	runs, _, err := readExport("file", []byte(strings.Join(slices.Insert(slices.Clone(lines), 2, lines[2]), "")))
	if err != nil || runs[0].Damage != "metrics.csv has two rows of step 10" || runs[1].Damage != "" {
		t.Errorf("%+v, %v", runs, err)
	}
	slices.Reverse(lines[1:])
	runs, _, err = readExport("file", []byte(strings.Join(lines, "")))
	if err != nil || runs[0].Damage != "" || runs[0].Rows[0]["step"] != 0 {
		t.Errorf("%+v, %v", runs, err)
	}
}

// TestFolders: runs behind links are read, once; a folder with logs of no manifest
// is told of, and so is a link that leads nowhere.
func TestFolders(t *testing.T) {
	link := func(to, at string) {
		t.Helper()
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		link(to, from)
	}
	dir, away := folder(t, fake("A", 0, 0, "finished", 2, 1), fake("B", 1, 0, "finished", 2, 1), fake("C", 2, 0, "finished", 2, 1)), t.TempDir()
	runs := filepath.Join(dir, "runs")
	move(filepath.Join(runs, "m0/0"), filepath.Join(away, "run"))
	move(filepath.Join(runs, "m1"), filepath.Join(away, "method"))
	link(".", filepath.Join(runs, "loop"))
	move(runs, filepath.Join(away, "runs"))
	if res, err := Load(dir); err != nil || len(res.Runs) != 3 || len(res.Warnings) != 0 {
		t.Fatalf("%+v, %v", res, err)
	}

	manifest := filepath.Join(runs, "m2/0/manifest.json")
	link("nowhere", filepath.Join(runs, "lost"))
	for _, dangling := range []bool{false, true} {
		if err := os.Remove(manifest); err != nil {
			t.Fatal(err)
		}
		if dangling {
			link("nowhere", manifest)
		} else {
			defer os.Remove(manifest)
		}
		res, err := Load(dir)
		if err != nil || len(res.Runs) != 2 || len(res.Warnings) != 2 || !strings.Contains(strings.Join(res.Warnings, "\n"), filepath.Dir(manifest)+": left out: it has no manifest.json") {
			t.Fatalf("%+v, %v", res, err)
		}
		if err := os.WriteFile(manifest, nil, 0o644); !dangling && err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeign: logs of another seed, ends that no run has, and files that cannot be
// read are told of.
func TestForeign(t *testing.T) {
	dir, run := left(t, false, "finished")
	rewrite(t, filepath.Join(run, "metrics.csv"), func(l []string) []string {
		for i := range l[1:] {
			l[i+1] = strings.Replace(l[i+1], ",1,", ",8,", 1)
		}
		return l
	})
	res, err := Load(dir)
	if err != nil || res.Runs[0].Damage != "metrics.csv has rows of seed 8, and the run is that of seed 1" {
		t.Errorf("%q, %v", res.Runs[0].Damage, err)
	}

	dir, run = left(t, true, "finished")
	steps := filepath.Join(run, "steps.csv")
	if err := os.Remove(steps); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("steps.csv", steps); err != nil {
		t.Fatal(err)
	}
	if res, err = Load(dir); err != nil || !strings.HasPrefix(res.Runs[0].Damage, "steps.csv cannot be read: ") {
		t.Errorf("%+v, %v", res, err)
	}

	_, _, text := exported(t, load(t, fake("A", 0, 0, "finished", 2, 1)))
	if _, _, err := readExport("file", []byte(strings.Replace(text, ",finished,", ",splendid,", 1))); err == nil || !strings.Contains(err.Error(), `file:2: column outcome: must be finished, target,`) {
		t.Error(err)
	}
	dir = folder(t, fake("A", 0, 0, "splendid", 2, 1))
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), `manifest.json: outcome: must be finished, target, diverged, interrupted, failed, running, got "splendid"`) {
		t.Error(err)
	}
}
