package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// contents returns every file below a folder but those of locks.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".lock") {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestKept: results that an earlier dgn left, before runs had locks and a column fraction, are
// complete for this program too: it changes no byte, and exports the table that the earlier
// one did. Runs in the dual, made before there was a choice of gram, are not taken for those
// of today, which cost less; others are.
func TestKept(t *testing.T) {
	kept, err := filepath.Abs("testdata/kept")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/kept.csv")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // no settings of the developer's
	if err := os.CopyFS("results/kept", os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	before := contents(t, "results")
	for _, line := range []string{
		"plot results/kept --out figures --format svg",
		"export --csv results/kept --out all.csv",
	} {
		var out, log strings.Builder
		if code := run("", strings.Fields(line), &out, &log); code != 0 || strings.Contains(log.String(), "WRN") {
			t.Errorf("%s\nexit code %d\n%s%s", line, code, out.String(), log.String())
		}
	}
	var out, log strings.Builder
	if code := run("", []string{"run", "results/kept/config.yaml"}, &out, &log); code != 2 || !strings.Contains(log.String(), "runs/dual-gn/0 was made with other settings:") || !strings.Contains(log.String(), "\n    oracle.gram: (absent) -> auto\n") || strings.Contains(log.String(), "runs/momentum") {
		t.Errorf("runs in the dual: exit code %d\n%s", code, log.String())
	}
	after := contents(t, "results")
	for path, text := range before {
		if after[path] != text {
			t.Errorf("%s was changed", path)
		}
	}
	if len(after) != len(before) || len(before) == 0 {
		t.Errorf("there are %d files, and were %d", len(after), len(before))
	}
	if got, err := os.ReadFile("all.csv"); err != nil || string(got) != string(want) {
		t.Errorf("the export differs (%v):\n%s", err, got)
	}
}
