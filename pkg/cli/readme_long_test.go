//go:build long

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeCommands runs the commands of the README as they stand. Those on
// MNIST need its files: see TestRealMNIST. Measurements take their time, and are
// tested in pkg/bench; so do searches, which are cut short.
func TestReadmeCommands(t *testing.T) {
	configs, err := filepath.Abs("../../configs")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(configs, "configs"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // no settings of the developer's
	ran := 0
	commands, _ := readmeIn(t, filepath.Join(configs, "../README.md"))
	for _, line := range commands {
		args, ok := strings.CutPrefix(strings.Replace(line, "go run ./cmd/dgn ", "dgn ", 1), "dgn ")
		if !ok || strings.Contains(line, "mnist") || strings.Contains(line, "bench") {
			continue
		}
		if strings.HasPrefix(args, "tune ") {
			args += " --set tune.trials=1 --set train.cost=40"
		}
		ran++
		var out, log strings.Builder
		if code := run("", words(args), &out, &log); code != 0 || out.Len() == 0 {
			t.Errorf("%s\nexit code %d\n%s%s", line, code, out.String(), log.String())
		}
	}
	if ran < 8 {
		t.Errorf("only %d commands were found", ran)
	}
}

// words splits a command line at blanks outside single quotes.
func words(line string) (out []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}
