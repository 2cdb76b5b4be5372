// Package runlog is what runs leave on disk, and the only place that knows how it is
// written: who trains writes it, and who makes tables and figures reads it.
//
// A run's folder holds
//
//	manifest.json   a [Manifest]: where the numbers come from, and how the run ended
//	metrics.csv     [Metrics], an [Evaluation] in each row
//	steps.csv       [Steps], a [Step] in each row
//	inner.csv       [Inner], an [Iterate] in each row; on request
//	probes.csv      [Probes], a [Probe] in each row; on request
//	duals.npz       dual variables by step, on request; see [ReadDuals]
//	params.npz      the final weights
//
// A [Writer] writes the tables of one run, and says what it wrote in [FileRecord]s.
// [Settings] determine the numbers of a run, and their Identity tells runs apart;
// [Varied] are those that a sweep varies.
package runlog

import (
	"context"
	"fmt"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// The files of a run beside its tables.
const (
	ManifestFile = "manifest.json"
	DualsFile    = "duals.npz"
	ParamsFile   = "params.npz"
)

// Limits on the files of results, in bytes, and on a line of a table. Tables within
// them take some ten times their length of memory.
const (
	MaxManifest = 16 << 20
	MaxTable    = 128 << 20 // half a million evaluations
	MaxLine     = 1 << 20
	MaxDuals    = 1 << 30
)

// An Error says what is missing or damaged in the logs.
type Error struct{ err error }

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// Errorf returns an [Error].
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }

// ReadFile reads a file of a run, within limits on its length and that of its lines, 0
// for none. What is wrong is an [Error].
func ReadFile(path string, bytes int64, line int) ([]byte, error) {
	return limited(diskfile.Read(context.Background(), path, diskfile.Limits{Bytes: bytes, Line: line}))
}

// ReadStream is [ReadFile] for what a user names, which may be a pipe.
func ReadStream(path string, bytes int64, line int) ([]byte, error) {
	return limited(diskfile.ReadStream(context.Background(), path, diskfile.Limits{Bytes: bytes, Line: line}))
}

func limited(data []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, &Error{err}
	}
	return data, nil
}
