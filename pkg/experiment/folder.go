package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/gofrs/flock"
)

// Files creates the files of a results folder. Tests replace it to make disks
// that are full.
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

// Disk is the Files of the operating system.
type Disk struct{}

func (Disk) Create(path string) (File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

func (Disk) Continue(path string, size int64) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (Disk) Replace(path string, data []byte) error { return diskfile.Replace(path, data) }

func (Disk) Put(path string, data []byte) error { return diskfile.Put(path, data) }

// A folder is the results folder of one experiment, locked against other
// processes while it is open.
type folder struct {
	dir   string
	lock  *flock.Flock
	stamp string // names this session's part of old/
}

// A LockedError says that another process writes to a results folder.
type LockedError struct{ Dir, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by %s; wait for it to end, or choose another folder with --out", e.Dir, e.Holder)
}

// openFolder makes the folder if need be and locks it. The lock ends with the
// process, however it ends; the file's text says who holds it.
func openFolder(dir string, now time.Time) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the results folder: %w; choose another with --out", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "runs")); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, and has to be a folder; move it away, or choose another results folder with --out", filepath.Join(dir, "runs"))
	}
	path := filepath.Join(dir, ".lock")
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot lock the results folder: %w; choose another with --out", err)
	}
	if !ok {
		holder := "another process"
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			holder = strings.TrimSpace(string(text))
		}
		return nil, &LockedError{dir, holder}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	who := fmt.Sprintf("process %d on %s since %s (%s)\n", os.Getpid(), host, now.Format(time.DateTime), strings.Join(os.Args, " "))
	if err := os.WriteFile(path, []byte(who), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot write to the results folder: %w; choose another with --out", err), lock.Close())
	}
	return &folder{dir: dir, lock: lock, stamp: now.UTC().Format("20060102T150405.000Z")}, nil
}

// close releases the lock. The lock file stays: removing it would let two
// processes lock two files of the same name.
func (f *folder) close() error {
	return errors.Join(os.Truncate(f.lock.Path(), 0), f.lock.Close())
}

// runPath returns the folder of a run, relative to the results folder. Swept
// settings add a level; their names hold a =, so that none is a seed.
func runPath(method string, v Varied, seed uint64) string {
	return filepath.Join("runs", Slug(method), v.Slug(), fmt.Sprint(seed))
}

// identities finds the runs of a method by identity, wherever other sweeps, or
// none, have put them. Of several the first complete one counts. Manifests that
// cannot be read are none here; where one is in the way, that is told.
func (f *folder) identities(method string) (map[string]string, error) {
	at, complete := map[string]string{}, map[string]bool{}
	if err := f.identitiesIn(Slug(method), "", at, complete); err != nil {
		return nil, err
	}
	if old := asciiSlug(method); old != "" && old != Slug(method) {
		return at, f.identitiesIn(old, method, at, complete)
	}
	return at, nil
}

// identitiesIn adds the runs in a folder, of one method unless that is "".
func (f *folder) identitiesIn(slug, method string, at map[string]string, complete map[string]bool) error {
	root := filepath.Join("runs", slug)
	for _, pattern := range []string{"*/manifest.json", "*/*/manifest.json"} {
		names, err := fs.Glob(os.DirFS(filepath.Join(f.dir, root)), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			path := filepath.Join(root, filepath.Dir(filepath.FromSlash(name)))
			m, err := f.manifest(path)
			if err != nil || m == nil || method != "" && m.Method != method || at[m.Identity] != "" && (complete[m.Identity] || !m.Outcome.complete()) {
				continue
			}
			at[m.Identity], complete[m.Identity] = path, m.Outcome.complete()
		}
	}
	return nil
}

// relabel notes in the manifest of a reused run what its method is called and
// where it stands now, and which sweep it belongs to. Without a sweep, the note of
// an earlier one stays.
func (f *folder) relabel(r planned, files Files) error {
	m, err := f.manifest(r.path)
	if err != nil {
		return err
	}
	varied := r.varied
	if len(varied) == 0 {
		varied = m.Varied
	}
	if varied.same(m.Varied) && m.Method == r.name() && m.MethodIndex == r.index {
		return nil
	}
	m.Varied, m.Method, m.MethodIndex = varied, r.name(), r.index
	return m.save(filepath.Join(f.dir, r.path), files)
}

// maxManifest bounds the file of a manifest, which has some kilobytes.
const maxManifest = 16 << 20

// manifest reads the manifest of the run at path, nil if there is none.
func (f *folder) manifest(path string) (*Manifest, error) {
	name := filepath.Join(f.dir, path, "manifest.json")
	data, err := diskfile.Read(context.Background(), name, diskfile.Limits{Bytes: maxManifest})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("%w: a file stands where the folder of a run has to be; move it away", err)
	}
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// exists reports whether anything is at path.
func (f *folder) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(f.dir, path))
	return err == nil
}

// moveAside renames the run at path into old/<time>/, and returns where it is
// now. Results are never deleted.
func (f *folder) moveAside(path string) (string, error) {
	to := filepath.Join(f.dir, "old", f.stamp, path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	return to, os.Rename(filepath.Join(f.dir, path), to)
}
