//go:build long

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersion: the program says the version that the linker sets. What the commands do
// is tested in pkg/cli.
func TestVersion(t *testing.T) {
	program := filepath.Join(t.TempDir(), "dgn")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "-ldflags", "-X main.version=v1.2.3", ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(program, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "dgn      v1.2.3\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
