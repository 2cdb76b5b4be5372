package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/scores"
)

// ownFigure matches the names that figures of all kinds have.
var ownFigure = regexp.MustCompile(`^(` + kindNames() + `)$`)

func kindNames() string {
	var names []string
	for _, k := range Kinds {
		names = append(names, k.names)
	}
	return strings.Join(names, "|")
}

// count is what follows the names of figures that are several.
const count = `(_[0-9]+)?`

// oneOf is a regular expression of some words.
func oneOf(words []string) string { return "(" + strings.Join(words, "|") + ")" }

// SetAside moves the figures in a folder, in files of some formats, and scores.csv, if they
// were made before the logs of the runs were written, to its folder old/1, or old/2 and so
// on, as they do not show these runs; drawn are those that do. Files of other names stay.
func SetAside(res *results.Results, dir string, formats, drawn []string) error {
	var logged time.Time
	for _, r := range res.Runs {
		info, err := os.Stat(filepath.Join(r.Dir, runlog.Metrics.File))
		if err == nil && info.ModTime().After(logged) {
			logged = info.ModTime()
		}
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var stale []string
	for _, e := range entries {
		info, err := e.Info()
		ext := filepath.Ext(e.Name())
		own := ownFigure.MatchString(strings.TrimSuffix(e.Name(), ext)) && slices.Contains(formats, strings.TrimPrefix(ext, "."))
		own = own || e.Name() == scores.File
		if err != nil || !info.Mode().IsRegular() || !own || slices.Contains(drawn, filepath.Join(dir, e.Name())) {
			continue
		}
		if info.ModTime().Before(logged) {
			stale = append(stale, e.Name())
		}
	}
	if stale == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "old"), 0o755); err != nil {
		return err
	}
	to := ""
	for n := 1; to == "" || errors.Is(err, fs.ErrExist); n++ { // another process may take a number too
		to = filepath.Join(dir, "old", fmt.Sprint(n))
		err = os.Mkdir(to, 0o755)
	}
	if err != nil {
		return err
	}
	for _, name := range stale {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // moved by that process
			return err
		}
	}
	what := fmt.Sprintf("%d figures", len(stale))
	if slices.Contains(stale, scores.File) {
		what = fmt.Sprintf("%d figures and %s", len(stale)-1, scores.File)
	}
	res.Warnings = append(res.Warnings, fmt.Sprintf("%s: %s are older than the logs of these runs, and were moved to %s; dgn plot, or --figures all, draws all figures again", dir, what, to))
	return nil
}
