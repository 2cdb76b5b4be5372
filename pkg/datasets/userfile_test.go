package datasets

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
)

// TestSameNames: two files of one name have a checksum each; others keep their
// base names.
func TestSameNames(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir, sub+"/t.csv", "1,0\n2,1\n")
		writeFile(t, dir, sub+"/t.npz", string(npzFile(t, arrays.Float64("x", []int{2, 1}, []float64{1, 2}), arrays.Int64("y", []int{2}, []int64{0, 1}))))
	}
	writeFile(t, dir, "u.csv", "1,0\n2,1\n")
	for _, c := range []struct {
		options string
		keys    []string
	}{
		{"name: csv, path: a/t.csv, test_path: b/t.csv", []string{"a/t.csv", "b/t.csv"}},
		{"name: csv, path: a/t.csv, test_path: ./b/../b/t.csv", []string{"a/t.csv", "b/t.csv"}},
		{"name: npz, path: a/t.npz, test_path: b/t.npz", []string{"a/t.npz", "b/t.npz"}},
		{"name: csv, path: a/t.csv, test_path: u.csv", []string{"t.csv", "u.csv"}},
		{"name: csv, path: a/t.csv, test_path: ./a/t.csv", []string{"t.csv"}},
		{"name: csv, path: a/t.csv", []string{"t.csv"}},
		{"name: csv, path: " + dir + "/a/t.csv", []string{"t.csv"}},
	} {
		raw, err := open(t, dir, "{"+c.options+"}", OneHot)
		if err != nil {
			t.Errorf("%s: %v", c.options, err)
			continue
		}
		if keys := slices.Sorted(maps.Keys(raw.Checksums)); !slices.Equal(keys, c.keys) {
			t.Errorf("%s: checksums of %q, want %q", c.options, keys, c.keys)
		}
	}
}

// TestMissingUserFile: what is wrong with a path is told, and nothing to download
// is promised.
func TestMissingUserFile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "train.csv", "1,2\n")
	if err := os.Symlink("gone", filepath.Join(dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ options, want string }{
		{"name: csv, path: trian.csv", `data set csv: files are missing in ` + dir + `; wanted: trian.csv.` + "\n" + `The path "trian.csv" starts at the data folder: data.dir of the config, else DGN_DATA_DIR, else the user's cache folder. There is no "trian.csv" there; did you mean "train.csv"?`},
		{"name: npz, path: x.npz", "data set npz: files are missing"},
		{"name: csv, path: train.csv, test_path: test.csv", "wanted: test.csv"},
		{"name: csv, path: nosuch/x.csv", "There is no such folder."},
		{"name: csv, path: " + empty + "/x.csv", "is absolute. The folder is empty."},
		{"name: csv, path: link.csv", "There is a link of that name, to a file that is not there."},
	} {
		_, err := open(t, dir, "{"+c.options+"}", OneHot)
		var m *MissingError
		if !errors.As(err, &m) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "dgn data get") {
			t.Errorf("%s\n  says %v\n  want %s", c.options, err, c.want)
		}
	}
}
