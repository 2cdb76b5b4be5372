package results

import (
	"fmt"
	"os"
	"path/filepath"
)

// Folders puts the results folders in a folder in the place of one that has no runs itself,
// and tells of those that have none either. If there are none at all, all paths come back,
// for the error that says what a results folder is.
func Folders(args []string) (paths, empty []string) {
	for _, path := range args {
		if info, err := os.Stat(path); err != nil || !info.IsDir() || hasRuns(path) {
			paths = append(paths, path)
			continue
		}
		list, _ := os.ReadDir(path) // one that cannot be read has none
		n := len(paths)
		for _, e := range list {
			if own := filepath.Join(path, e.Name()); hasRuns(own) {
				paths = append(paths, own)
			}
		}
		if len(paths) == n {
			empty = append(empty, fmt.Sprintf("%s: there are no runs here", path))
		}
	}
	if len(paths) == 0 {
		return args, nil
	}
	return paths, empty
}

// hasRuns reports whether a folder is a results folder.
func hasRuns(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "runs"))
	return err == nil && info.IsDir()
}
