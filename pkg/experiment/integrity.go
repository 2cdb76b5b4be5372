package experiment

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A FileRecord is what a complete run left in one of its files.
type FileRecord struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   *int   `json:"rows,omitempty"` // of a table, below its header
}

func recordOf(data []byte) FileRecord {
	sum := sha256.Sum256(data)
	return FileRecord{Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// A damagedError says what is wrong with what a folder holds of a run. Such a run
// is moved aside and made again.
type damagedError struct{ what []string }

func (e *damagedError) Error() string { return strings.Join(e.what, "; ") }

func damagedErrorf(format string, args ...any) error {
	return &damagedError{[]string{fmt.Sprintf(format, args...)}}
}

// A heldError says why a run can neither be kept nor continued nor moved aside
// without the user: what it holds is good for another program, or out of reach.
type heldError struct{ err error }

func (e *heldError) Error() string { return e.err.Error() }
func (e *heldError) Unwrap() error { return e.err }

// edited returns an error if the manifest was changed by hand: of the wanted run, its
// settings and its identity do not say the same, or its end is none that runs have.
func (m *Manifest) edited(wanted Settings) error {
	switch m.Outcome {
	case Running, Finished, Target, Diverged, Interrupted, Failed:
	default:
		return damagedErrorf("manifest.json has the unknown outcome %.40q", m.Outcome)
	}
	differences := diff(m.Settings, wanted)
	switch same := m.Identity == wanted.Identity(); {
	case same && fmt.Sprint(m.Seed) != wanted["seed"]:
		return damagedErrorf("manifest.json was changed: it has seed %d, and its settings have seed %s", m.Seed, wanted["seed"])
	case same && differences != nil:
		return damagedErrorf("manifest.json was changed: by its identity the run has the settings that are wanted, and by its settings not: %s", strings.Join(differences[:min(len(differences), 3)], ", "))
	case !same && differences == nil:
		return damagedErrorf("manifest.json was changed: its identity is not that of its settings")
	}
	return nil
}

// verify compares the files of a complete run with what its manifest says that it
// left. Manifests of early versions say nothing, and the files need only be there.
func (m *Manifest) verify(dir string) error {
	var what []string
	for _, name := range m.required() {
		if _, ok := m.Files[name]; ok {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			what = append(what, absence(name, err))
		} else if m.Files != nil {
			what = append(what, fmt.Sprintf("manifest.json does not say what %s held", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if filepath.Base(name) != name {
			what = append(what, fmt.Sprintf("manifest.json names the file %.60q, which is not in the folder of the run", name))
		} else if bad := m.Files[name].compare(name, filepath.Join(dir, name)); bad != "" {
			what = append(what, bad)
		}
	}
	if what == nil {
		return nil
	}
	return &damagedError{what}
}

// required lists the files that a complete run leaves for certain.
func (m *Manifest) required() []string {
	names := []string{"metrics.csv", "steps.csv"}
	if m.Outcome != Diverged {
		names = append(names, "params.npz")
	}
	if kind := m.Settings["oracle.kind"]; m.Settings["log.inner"] == "true" && kind != "" && kind != "gradient" {
		names = append(names, "inner.csv")
		if m.Outcome != Diverged && m.Settings["oracle.formulation"] == "dual" {
			names = append(names, "duals.npz")
		}
	}
	return names
}

func absence(name string, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return name + " is missing"
	}
	return fmt.Sprintf("%s: %v", name, err)
}

// compare says in what a file differs from the record, "" if in nothing.
func (r FileRecord) compare(name, path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return absence(name, err)
	}
	if !info.Mode().IsRegular() {
		return name + " is no regular file"
	}
	got := FileRecord{Bytes: info.Size()}
	if got.Bytes == r.Bytes {
		if got.SHA256, err = prefixSum(path, r.Bytes); err != nil {
			return fmt.Sprintf("%s: %v", name, err)
		}
		if got.SHA256 == r.SHA256 {
			return ""
		}
	}
	if r.Rows != nil && got.Bytes < maxCounted {
		if n, err := countRows(path, got.Bytes); err == nil && n != *r.Rows {
			return fmt.Sprintf("%s has %d rows where the run left %d", name, n, *r.Rows)
		}
	}
	if got.Bytes != r.Bytes {
		return fmt.Sprintf("%s has %d bytes where the run left %d", name, got.Bytes, r.Bytes)
	}
	return fmt.Sprintf("%s was changed: its SHA-256 is %.16s... where the run left %.16s...", name, got.SHA256, r.SHA256)
}

// maxCounted bounds the tables whose rows are counted for a message, in bytes.
const maxCounted = 1 << 28

// prefixSum returns the SHA-256 of the first size bytes of a file.
func prefixSum(path string, size int64) (string, error) {
	h := sha256.New()
	if err := copyPrefix(h, path, size); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// copyPrefix writes the first size bytes of a file to w.
func copyPrefix(w io.Writer, path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(w, f, size)
	return err
}

// countRows counts the rows below the header in the first size bytes of a table.
func countRows(path string, size int64) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := csv.NewReader(io.LimitReader(f, size))
	r.ReuseRecord, r.FieldsPerRecord = true, -1
	for n := -1; ; n++ {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return max(n, 0), nil
		} else if err != nil {
			return 0, err
		}
	}
}
