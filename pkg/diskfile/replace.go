// Package diskfile replaces files so that a killed program leaves the old
// content or all of the new, and reads files within limits on their size.
package diskfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Temporary names the file beside path that is to replace it. There is one name
// for each path, so that what a killed program leaves is used again by the next
// that writes there; a lock keeps two processes from writing it at once.
func Temporary(path string) string { return path + ".tmp" }

// patience is how long to wait for another process that writes the same file.
const patience = 10 * time.Second

// A Pending is a temporary file that replaces another by Commit.
type Pending struct {
	*os.File
	path   string
	lock   *flock.Flock
	Waited bool // for another process, which may have made the file
}

// Create opens the temporary file of path, empty, waiting until no other process
// writes it. It must end with Discard, which does nothing after a Commit that
// succeeded.
func Create(ctx context.Context, path string) (*Pending, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "write", Path: path, Err: &KindError{kindOf(info.Mode())}}
	}
	p := &Pending{path: path}
	for {
		p.lock = flock.New(Temporary(path), flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
		ok, err := p.lock.TryLock()
		if err == nil && !ok {
			p.Waited = true
			ok, err = p.lock.TryLockContext(ctx, 20*time.Millisecond)
		}
		if err != nil || !ok {
			if errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("another process is still writing %s", Temporary(path))
			}
			return nil, &fs.PathError{Op: "write", Path: path, Err: errors.Join(err, p.lock.Close())}
		}
		same, err := p.open()
		if same {
			return p, nil
		}
		if err := errors.Join(err, p.lock.Close()); err != nil {
			return nil, err
		}
	}
}

// open empties the file that is locked, and reports whether it is still the one
// of that name: the process that had it locked before has renamed or removed it.
func (p *Pending) open() (same bool, err error) {
	if same, err = p.own(); !same {
		return false, err
	}
	p.File, err = os.OpenFile(Temporary(p.path), os.O_WRONLY|os.O_TRUNC, 0)
	return err == nil, err
}

// Commit syncs the file, gives it its name and syncs the folder, without which
// the rename may be lost.
func (p *Pending) Commit() error { return p.commitIf(func() error { return nil }) }

// commitIf is Commit unless still returns an error, right before the rename.
func (p *Pending) commitIf(still func() error) error {
	if err := p.Sync(); err != nil {
		return err
	}
	if err := still(); err != nil {
		return err
	}
	path := p.path
	if err := p.rename(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// rename gives the file its name.
func (p *Pending) rename() error {
	err := p.File.Close()
	p.File = nil
	own := false
	if err == nil {
		own, err = p.own()
	}
	switch {
	case own:
		err = os.Rename(Temporary(p.path), p.path)
	case err == nil:
		err = fmt.Errorf("another process has removed %s", Temporary(p.path))
	}
	if err != nil {
		return errors.Join(err, p.remove(), p.unlock())
	}
	return p.unlock()
}

// own reports whether the file of the temporary name is that which is locked. One who takes over what
// a stopped process writes removes its file, and may have made another.
func (p *Pending) own() (bool, error) {
	locked, err := p.lock.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Stat(Temporary(p.path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(locked, now), err
}

// remove removes the file, if it is its own.
func (p *Pending) remove() error {
	if own, err := p.own(); !own {
		return err
	}
	return os.Remove(Temporary(p.path))
}

// Discard removes the file unless it was committed.
func (p *Pending) Discard() error {
	if p.lock == nil {
		return nil
	}
	return errors.Join(p.File.Close(), p.remove(), p.unlock())
}

func (p *Pending) unlock() error {
	lock := p.lock
	p.lock = nil
	return lock.Close()
}

// Replace writes a whole file: to its temporary file, synced, renamed. Whenever
// the machine stops, the file has its old content or all of the new.
func Replace(path string, data []byte) error { return put(path, data, (*Pending).Commit) }

// ReplaceIf is Replace where the file may have become another's while it was written: still is asked
// right before the rename, and what it returns, if it is an error, leaves the file as it was.
func ReplaceIf(path string, data []byte, still func() error) error {
	return put(path, data, func(p *Pending) error { return p.commitIf(still) })
}

// PutIf is ReplaceIf as [Put] is Replace.
func PutIf(path string, data []byte, still func() error) error {
	return put(path, data, func(p *Pending) error {
		if err := still(); err != nil {
			return err
		}
		return p.rename()
	})
}

// Put is Replace for a file that may be lost if the machine stops, but not if the
// program does: it does not wait for the disk.
func Put(path string, data []byte) error { return put(path, data, (*Pending).rename) }

func put(path string, data []byte, commit func(*Pending) error) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := Create(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Discard()) }()
	if _, err := p.Write(data); err != nil {
		return err
	}
	return commit(p)
}

// Clear removes the temporary files of a folder that killed programs left,
// among those of the files whose names match a pattern of filepath.Match. Files
// that a process is writing stay, and what cannot be removed does: it is in no
// one's way.
func Clear(dir, pattern string) {
	names, err := fs.Glob(os.DirFS(dir), Temporary(pattern))
	if err != nil {
		return
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		lock := flock.New(path, flock.SetFlag(os.O_RDWR))
		if ok, err := lock.TryLock(); err == nil && ok {
			os.Remove(path)
		}
		lock.Close()
	}
}

// syncFolder puts the names in a folder on disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
