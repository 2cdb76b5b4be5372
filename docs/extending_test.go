package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown matches a block of code: its language, the file it is from, and its text.
var shown = regexp.MustCompile("(?ms)^```(\\w*)( \\S+)?\n(.*?\n)```$")

// TestCodeShown holds the code in extending.md to the files that it names. The commands
// are run in examples/custom.
func TestCodeShown(t *testing.T) {
	page, err := os.ReadFile("extending.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range shown.FindAllStringSubmatch(string(page), -1) {
		language, file, text := m[1], strings.TrimSpace(m[2]), m[3]
		if language == "sh" {
			continue
		}
		n++
		if file == "" {
			t.Errorf("a block says not which file it is from:\n%s", text)
			continue
		}
		source, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains("\n"+string(source), "\n"+text) {
			t.Errorf("%s has no such lines:\n%s", file, text)
		}
	}
	if n < 10 {
		t.Errorf("only %d blocks of code were found", n)
	}
}
