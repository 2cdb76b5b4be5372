package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/size"
)

// Limits on users' files, by data set.
var userLimits = map[string]diskfile.Limits{
	"csv": {Bytes: 2 << 30, Line: 16 << 20},
	"npz": {Bytes: 8 << 30},
}

// What a table takes of memory goes with its cells.
const (
	maxCells  = 1 << 27
	cellBytes = 50
)

// readLimited reads a user's file for a data set. Its errors are fs.ErrNotExist,
// *DamagedError and the context's.
func readLimited(env Env, set, path string) ([]byte, error) {
	if set == "npz" {
		if err := checkArrays(path); err != nil {
			return nil, err
		}
	}
	limits := userLimits[set]
	if info, err := os.Stat(path); err == nil && info.Size() <= limits.Bytes {
		if err := room(path, size.Product(2, int(info.Size()))); err != nil { // a buffer that grows
			return nil, err
		}
	}
	b, err := diskfile.Read(env.context(), path, limits)
	if p := (*fs.PathError)(nil); errors.As(err, &p) && !errors.Is(err, fs.ErrNotExist) {
		return nil, &DamagedError{path, fmt.Sprintf("cannot be read: %v", p.Err)}
	}
	return b, err
}

// checkArrays looks at the names and sizes of the arrays in a file, before there
// is memory for it. What keeps the file from being opened is left to who reads it.
func checkArrays(path string) error {
	f, length, err := diskfile.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	needed := int(length)
	_, err = arrays.ReadNPZ(f, length, dataArray, func(h arrays.Header) error {
		// As it is kept, as float64, and standardised.
		needed = size.Sum(needed, int(h.Bytes()), size.Product(16, h.Len()))
		return arrays.ErrSkip
	})
	if err == nil {
		return room(path, needed)
	}
	start := make([]byte, 512)
	n, _ := io.ReadFull(io.NewSectionReader(f, 0, length), start)
	return notNPZ(path, start[:n], err)
}

// notNPZ is the error of a file that starts so and cannot be read as arrays.
func notNPZ(path string, start []byte, err error) error {
	if is := foreignFormat(start); is != "" && !bytes.HasPrefix(start, []byte("PK")) {
		return damagedf(path, "is not an .npz file: it %s", is)
	}
	return damagedf(path, "%v", err)
}

// checkText refuses the text of a table whose cells would not fit in memory.
func checkText(path string, text []byte, delimiter string) error {
	cells := bytes.Count(text, []byte("\n")) + 1
	if delimiter == blanks {
		cells += bytes.Count(text, []byte(" ")) + bytes.Count(text, []byte("\t"))
	} else {
		cells += bytes.Count(text, []byte(delimiter))
	}
	return room(path, size.Sum(len(text), size.Product(cellBytes, min(cells, maxCells))))
}

// memoryLeft is replaced in tests.
var memoryLeft = memory.Left

// room returns an error if what is read of a file does not fit in memory: the Go
// runtime ends the program when memory runs out.
func room(path string, needed int) error {
	const small, arena = 32 << 20, 64 << 20 // less is not worth a look; what allocation takes at once
	if needed <= small {
		return nil
	}
	wanted := size.Sum(needed, needed/8, arena)
	left, ok := memoryLeft()
	if ok && left.Left < wanted { // garbage may be in the way
		debug.FreeOSMemory()
		left, ok = memoryLeft()
	}
	if ok && left.Left < wanted {
		return damagedf(path, "what it holds takes about %s of memory, and %s leaves %s; use a part of it, or a machine with more memory", size.Bytes(needed), left.Name, size.Bytes(left.Left))
	}
	return nil
}
