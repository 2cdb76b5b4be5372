//go:build data

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealMNIST trains a few steps of the README's MNIST experiment on the real
// images.
func TestRealMNIST(t *testing.T) {
	if os.Getenv("DGN_DATA_DIR") == "" {
		t.Fatal("tests with the tag data need DGN_DATA_DIR")
	}
	var out, log strings.Builder
	code := run([]string{"run", "../../configs/mnist.yaml", "--out", filepath.Join(t.TempDir(), "mnist"), "--offline",
		"--set", "train.steps=60", "--set", "seeds=[0]", "--set", "evaluate={every: 60, train_examples: 1000}"}, &out, &log)
	if code != 0 || strings.Count(out.String(), " 1     ") != 3 {
		t.Errorf("exit code %d\n%s\n%s", code, out.String(), log.String())
	}
}
