package datasets

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/diskfile"
)

// Limits on users' files, by data set. What a table takes of memory goes with
// its cells, some 50 bytes each.
var userLimits = map[string]diskfile.Limits{
	"csv": {Bytes: 2 << 30, Line: 16 << 20},
	"npz": {Bytes: 8 << 30},
}

const maxCells = 1 << 27

// readLimited reads a user's file for a data set. Its errors are fs.ErrNotExist,
// *DamagedError and the context's.
func readLimited(env Env, set, path string) ([]byte, error) {
	if set == "npz" {
		if err := checkArrays(path); err != nil {
			return nil, err
		}
	}
	b, err := diskfile.Read(env.context(), path, userLimits[set])
	if p := (*fs.PathError)(nil); errors.As(err, &p) && !errors.Is(err, fs.ErrNotExist) {
		return nil, &DamagedError{path, fmt.Sprintf("cannot be read: %v", p.Err)}
	}
	return b, err
}

// checkArrays looks at the names and sizes of the arrays in a file, before there
// is memory for it. What keeps the file from being opened is left to who reads it.
func checkArrays(path string) error {
	f, size, err := diskfile.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if _, err := arrays.ReadNPZ(f, size, dataArray, func(arrays.Header) error { return arrays.ErrSkip }); err != nil {
		return damagedf(path, "%v", err)
	}
	return nil
}
