//go:build data

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealConfigs trains a few steps of every experiment in configs/ on its real
// data.
func TestRealConfigs(t *testing.T) {
	if os.Getenv("DGN_DATA_DIR") == "" {
		t.Fatal("tests with the tag data need DGN_DATA_DIR")
	}
	files, err := filepath.Glob("../../configs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no configs", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var out, log strings.Builder
			code := run("", []string{"run", file, "--out", filepath.Join(t.TempDir(), "out"), "--offline",
				"--set", "train.steps=20", "--set", "seeds=[0]", "--set", "evaluate={every: 20, train_examples: 1000}"}, &out, &log)
			if code != 0 || strings.Contains(out.String(), "diverged") {
				t.Errorf("exit code %d\n%s\n%s", code, out.String(), log.String())
			}
		})
	}
}
