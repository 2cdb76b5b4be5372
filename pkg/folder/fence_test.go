package folder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// TestTakeover: the logs of a run that is taken over become files of their own, and what the process before
// had locked to write, for which others would wait, is gone.
func TestTakeover(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "metrics.csv")
	if err := os.WriteFile(log, []byte("a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	pending, err := diskfile.Create(t.Context(), filepath.Join(dir, "checkpoint.0"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Claim{Path: dir, folder: &Folder{Files: diskfile.OS{}}}
	if err := errors.Join(c.removeTemporary(), c.detach()); err != nil {
		t.Fatal(err)
	}
	if _, err := before.WriteString("late\n"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(log); err != nil || string(text) != "a\n" {
		t.Errorf("the log is %q (%v)", text, err)
	}
	if err := diskfile.Replace(filepath.Join(dir, "checkpoint.0"), []byte("new")); err != nil {
		t.Errorf("a checkpoint waits for the process before: %v", err)
	}
	if err := pending.Commit(); err == nil {
		t.Error("the process before writes its checkpoint")
	}
	if err := pending.Discard(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "checkpoint.0")); err != nil || string(text) != "new" {
		t.Errorf("the checkpoint is %q (%v)", text, err)
	}
}
