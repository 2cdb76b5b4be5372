package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/results"
)

// TestSetAside: figures that were drawn before the logs were written go to a folder
// of their own, which is new each time; other files stay.
func TestSetAside(t *testing.T) {
	dir := folder(t, fake("A", 0, 0, "finished", 2, 1))
	res, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	figures, formats := filepath.Join(dir, "figures"), []string{"png", "svg", "pdf"}
	if err := SetAside(res, figures, formats, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(figures, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string, at time.Time) string {
		path := filepath.Join(figures, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Now()
	for n, text := range map[string]string{"1": "first", "2": "second"} {
		for _, name := range []string{"overview.pdf", "train_loss_vs_wall.png", "inner_2.svg", "sensitivity_oracle_gamma.png", "target_test_accuracy.png"} {
			write(name, text+n, now.Add(-time.Hour))
		}
		mine := write("mine.png", "mine", now.Add(-time.Hour))
		current := write("duals.png", "current", now.Add(time.Hour))
		drawn := write("overview.png", "drawn", now.Add(-time.Hour))
		res.Warnings = nil
		if err := SetAside(res, figures, formats, []string{drawn}); err != nil {
			t.Fatal(err)
		}
		if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "5 figures are older than the logs of these runs") {
			t.Errorf("%q", res.Warnings)
		}
		for _, path := range []string{mine, current, drawn} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
	for _, n := range []string{"1", "2"} {
		list, err := os.ReadDir(filepath.Join(figures, "old", n))
		if err != nil || len(list) != 5 {
			t.Errorf("%d files, %v", len(list), err)
		}
	}
	res.Warnings = nil
	if err := SetAside(res, figures, formats, nil); err != nil || len(res.Warnings) != 1 { // overview.png
		t.Errorf("%q, %v", res.Warnings, err)
	}
}
