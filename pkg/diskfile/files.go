package diskfile

import (
	"errors"
	"io"
	"os"
)

// Files creates and replaces files of a results folder. Tests have others in place of
// [OS], to make disks that are full.
type Files interface {
	// Create opens a new file to append to.
	Create(path string) (File, error)
	// Continue cuts a file to its first size bytes and opens it to append to.
	Continue(path string, size int64) (File, error)
	// Replace writes a whole file: to a temporary one, synced, renamed. Whenever
	// the machine stops, the file has its old content or all of the new.
	Replace(path string, data []byte) error
	// Put is Replace for a file that the run can do without: nothing waits for the
	// disk, and if the machine stops, the file may be empty or gone.
	Put(path string, data []byte) error
}

// A File is a log being written.
type File interface {
	io.WriteCloser
	Sync() error
}

// OS is the Files of the operating system.
type OS struct{}

// Create implements [Files].
func (OS) Create(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err // and not a File that holds a nil pointer
	}
	return f, nil
}

// Continue implements [Files].
func (OS) Continue(path string, size int64) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Replace implements [Files].
func (OS) Replace(path string, data []byte) error { return Replace(path, data) }

// Put implements [Files].
func (OS) Put(path string, data []byte) error { return Put(path, data) }
