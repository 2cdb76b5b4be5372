package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// Files writes the files of the run as long as this process has its lock. A process that
// was stopped while another took the run over gets a *[diskfile.LostError] in place of
// writing.
func (c *Claim) Files() diskfile.Files { return fenced{c.folder.Files, c.lock} }

type fenced struct {
	files diskfile.Files
	lock  *diskfile.Lock
}

func (f fenced) Create(path string) (diskfile.File, error) {
	return f.open(func() (diskfile.File, error) { return f.files.Create(path) })
}

func (f fenced) Continue(path string, size int64) (diskfile.File, error) {
	return f.open(func() (diskfile.File, error) { return f.files.Continue(path, size) })
}

func (f fenced) Replace(path string, data []byte) error {
	if err := f.lock.Check(); err != nil {
		return err
	}
	if _, ok := f.files.(diskfile.OS); ok { // which takes time, in which this process may be stopped
		return diskfile.ReplaceIf(path, data, f.lock.Check)
	}
	return f.files.Replace(path, data)
}

func (f fenced) Put(path string, data []byte) error {
	if err := f.lock.Check(); err != nil {
		return err
	}
	if _, ok := f.files.(diskfile.OS); ok {
		return diskfile.PutIf(path, data, f.lock.Check)
	}
	return f.files.Put(path, data)
}

func (f fenced) open(do func() (diskfile.File, error)) (diskfile.File, error) {
	if err := f.lock.Check(); err != nil {
		return nil, err
	}
	file, err := do()
	if err != nil {
		return nil, err
	}
	return fencedFile{file, f.lock}, nil
}

type fencedFile struct {
	diskfile.File
	lock *diskfile.Lock
}

func (f fencedFile) Write(p []byte) (int, error) {
	if err := f.lock.Check(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

// removeTemporary removes the temporary files of a run. The process that it was taken from may have been
// stopped while it wrote them, and hold locks for which others would wait.
func (c *Claim) removeTemporary() error {
	names, err := fs.Glob(os.DirFS(c.Path), diskfile.Temporary("*"))
	for _, name := range names {
		if e := os.Remove(filepath.Join(c.Path, name)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// detach gives the logs of a run that is to be continued files of their own. The process
// that it was taken from may still have the old ones open, and may have been stopped just
// before it wrote.
func (c *Claim) detach() error {
	logs, err := fs.Glob(os.DirFS(c.Path), "*.csv")
	if err != nil {
		return err
	}
	for _, name := range logs {
		path := filepath.Join(c.Path, name)
		text, err := diskfile.Read(context.Background(), path, diskfile.Limits{})
		if err == nil {
			err = c.folder.Files.Replace(path, text)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
