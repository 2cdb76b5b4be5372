package report

import (
	"context"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// Limits on the files of results. Logs within them take some ten times their
// length of memory.
const (
	maxManifest  = 16 << 20
	maxLog       = 128 << 20 // metrics.csv, inner.csv: half a million evaluations
	maxLine      = 1 << 20
	maxDualsFile = 1 << 30
	maxExport    = 512 << 20
)

// readFile reads a file of a run. Its errors are *LogError.
func readFile(path string, bytes int64, line int) ([]byte, error) {
	return limited(diskfile.Read(context.Background(), path, diskfile.Limits{Bytes: bytes, Line: line}))
}

// readStream is readFile for what a user names, which may be a pipe.
func readStream(path string, bytes int64, line int) ([]byte, error) {
	return limited(diskfile.ReadStream(context.Background(), path, diskfile.Limits{Bytes: bytes, Line: line}))
}

func limited(data []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, &LogError{err}
	}
	return data, nil
}
