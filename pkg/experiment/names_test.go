package experiment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
)

// TestOldFolders: results that stand in a folder named by the ASCII letters of
// their method are found, kept, and not taken for those of a method of that name.
func TestOldFolders(t *testing.T) {
	dir := t.TempDir()
	conf := func(first string) *config.Config {
		return parse(t, toy, "methods.SGD.name="+first, "methods.Adam!.name=Ньютон")
	}
	run(t, conf("Größe"), options(dir))
	if _, err := os.Stat(filepath.Join(dir, "runs", "ньютон", "0", "manifest.json")); err != nil {
		t.Error(err)
	}
	if err := os.Rename(filepath.Join(dir, "runs", "grösse"), filepath.Join(dir, "runs", "gr-e")); err != nil {
		t.Fatal(err)
	}
	if r := run(t, conf("Größe"), options(dir)); r.Made != 0 {
		t.Errorf("%d runs are made again", r.Made)
	}
	if r := run(t, conf("Gr(e"), options(dir)); r.Made != 0 {
		t.Errorf("%d runs of a method whose folder that is are made again", r.Made)
	}
	if r := run(t, conf("Grüße"), options(dir)); r.Made != 2 {
		t.Errorf("of another method, only %d runs are made", r.Made)
	}
}
