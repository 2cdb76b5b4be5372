package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/strict"
)

// A Task says what the targets in a user's file are.
type Task string

const (
	auto           Task = "auto" // what the loss needs
	classification Task = "classification"
	regression     Task = "regression"
)

// IsZero reports whether the task is the default, which need not be written.
func (t Task) IsZero() bool { return t == auto }

func (t Task) check() error {
	if !slices.Contains([]Task{auto, classification, regression}, t) {
		return strict.Field("task", "must be auto, classification or regression, got %s", strict.Quote(string(t)))
	}
	return nil
}

// readUserFile reads a file that only the user can provide, and returns where it
// is: a relative path starts at the data folder.
func readUserFile(env Env, set, path string) (at string, b []byte, err error) {
	at = path
	if !filepath.IsAbs(path) {
		at = filepath.Join(env.Dir, path)
	}
	b, err = readLimited(env, set, at)
	if errors.Is(err, fs.ErrNotExist) {
		err = missingUserFile(set, path, at)
	}
	return at, b, err
}

// missingUserFile tells where a file was looked for, and what is there.
func missingUserFile(set, path, at string) error {
	dir, name := filepath.Split(at)
	e := &MissingError{Set: set, Dir: filepath.Clean(dir), Files: []string{name}, Own: true}
	if filepath.IsAbs(path) {
		e.Hint = fmt.Sprintf("The path %s is absolute.", strict.Quote(path))
	} else {
		e.Hint = fmt.Sprintf("The path %s starts at the data folder: data.dir of the config, else DGN_DATA_DIR, else the user's cache folder.", strict.Quote(path))
	}
	list, err := os.ReadDir(e.Dir)
	if err != nil {
		e.Hint += " There is no such folder."
		return e
	}
	var names []string
	for _, f := range list[:min(len(list), maxListed)] {
		names = append(names, strict.Plain(f.Name()))
	}
	switch {
	case names == nil:
		e.Hint += " The folder is empty."
	case slices.Contains(names, name):
		e.Hint += " There is a link of that name, to a file that is not there."
	default:
		e.Hint += " There is no " + strict.Quote(name) + " there" + strict.Suggest(name, names) + "."
	}
	return e
}

// newRaw returns a set to be filled.
func newRaw() *Raw { return &Raw{Checksums: map[string]string{}, Reading: map[string]string{}} }

// note adds the checksum of a user's file, one of the two of a set. Its key is
// the base name, so that results do not depend on where data lie, unless both
// have the same: then it is the path as the config has it.
func (r *Raw) note(train, test, path string, b []byte) {
	key := filepath.Base(path)
	if test != "" && filepath.Base(train) == filepath.Base(test) && filepath.Clean(train) != filepath.Clean(test) {
		key = filepath.ToSlash(filepath.Clean(path))
	}
	r.Checksums[key] = sumOf(b)
}

func allZero(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return x != 0 })
}
