package diskfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Limits bound what is read of a file; 0 is no limit.
type Limits struct {
	Bytes int64
	Line  int // bytes of one line
}

// A LimitError says that a file is larger than what is read.
type LimitError struct {
	What  string // "is", or "line 3 is"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s longer than %s, the most that is read", e.What, Size(e.Limit))
}

// A KindError says that a path is not that of a file.
type KindError struct{ What string } // "a folder"

func (e *KindError) Error() string { return fmt.Sprintf("is %s, not a file", e.What) }

// Size names a number of bytes by the largest unit that it is a multiple of.
func Size(n int64) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if one := int64(1) << (30 - 10*i); n >= one && n%one == 0 {
			return fmt.Sprintf("%d %s", n/one, unit)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// Open opens a regular file for reading, and returns its size. Anything else,
// which may have no end or make the program wait for ever, is an error.
func Open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("it %w", &KindError{kindOf(info.Mode())})}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// Read reads a regular file within limits. Errors are *fs.PathError, of a file
// that is too large around a *LimitError, or the context's cause.
func Read(ctx context.Context, path string, l Limits) ([]byte, error) {
	f, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if l.Bytes > 0 && size > l.Bytes {
		return nil, &fs.PathError{Op: "read", Path: path, Err: &LimitError{"it is", l.Bytes}}
	}
	return readAll(ctx, f, path, size, l)
}

// ReadStream is Read for what need not be a regular file, as a pipe.
func ReadStream(ctx context.Context, path string, l Limits) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(ctx, f, path, 0, l)
}

// chunk is how much is read between looks at the context and the limits.
const chunk = 1 << 20

func readAll(ctx context.Context, r io.Reader, path string, size int64, l Limits) ([]byte, error) {
	// A file of nothing but one endless line is found out before there is memory
	// for all of it.
	data := make([]byte, 0, min(size+1, chunk))
	r = Reader(ctx, r)
	line, start := 1, 0 // the line at hand, and where it starts
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, int(max(1, min(int64(len(data)), size+1-int64(len(data))))))
		}
		n, err := r.Read(data[len(data):min(cap(data), len(data)+chunk)])
		fresh := data[len(data) : len(data)+n]
		at := len(data)
		data = data[:at+n]
		if l.Bytes > 0 && int64(len(data)) > l.Bytes {
			return nil, &fs.PathError{Op: "read", Path: path, Err: &LimitError{"it is", l.Bytes}}
		}
		if l.Line > 0 {
			for {
				i := bytes.IndexByte(fresh, '\n')
				end := at + i
				if i < 0 {
					end = len(data)
				}
				if end-start > l.Line {
					return nil, &fs.PathError{Op: "read", Path: path, Err: &LimitError{fmt.Sprintf("line %d is", line), int64(l.Line)}}
				}
				if i < 0 {
					break
				}
				fresh, at = fresh[i+1:], at+i+1
				start = at
				line++
			}
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Reader is r until the context ends; then its error is the context's cause.
func Reader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(b[:min(len(b), chunk)])
}
