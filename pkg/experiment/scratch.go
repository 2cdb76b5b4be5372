package experiment

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/runlog"
)

// scratch is the Files of a run that is made for its time: of what it writes, metrics.csv
// is kept, in memory, to be compared. It waits for no disk.
type scratch struct {
	mu      sync.Mutex
	metrics bytes.Buffer
}

var _ diskfile.Files = (*scratch)(nil)

// Create implements [diskfile.Files].
func (s *scratch) Create(path string) (diskfile.File, error) {
	return scratchFile{s, filepath.Base(path) == runlog.Metrics.File}, nil
}

// Continue implements [diskfile.Files]: nothing is continued here.
func (s *scratch) Continue(path string, _ int64) (diskfile.File, error) {
	return nil, &fs.PathError{Op: "continue", Path: path, Err: fs.ErrNotExist}
}

// Replace implements [diskfile.Files].
func (s *scratch) Replace(string, []byte) error { return nil }

// Put implements [diskfile.Files].
func (s *scratch) Put(string, []byte) error { return nil }

type scratchFile struct {
	*scratch
	keep bool
}

// Write implements io.Writer.
func (f scratchFile) Write(b []byte) (int, error) {
	if f.keep {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.metrics.Write(b)
	}
	return len(b), nil
}

func (f scratchFile) Sync() error  { return nil }
func (f scratchFile) Close() error { return nil }
