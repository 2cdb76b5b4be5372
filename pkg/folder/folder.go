// Package folder is the results folder of an experiment: what it holds of the runs that
// are wanted, which of them can be kept or continued, and what has to be moved aside
// before others are made. Nothing in it is ever deleted.
//
// Several processes may work in one folder. Each run has a lock, which whoever makes it
// holds; a lock of the folder's index is held for as long as it takes to look at all
// runs and to make room for those to come.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Folder is a results folder as this program looks at it.
type Folder struct {
	Dir   string
	Files diskfile.Files
	Log   *slog.Logger

	// Build and Host tell which interrupted runs can continue here with the same bits.
	Build runlog.Build
	Host  runlog.Machine

	// AcrossISA has runs continue from checkpoints of another instruction set, with other
	// bits than on either of them.
	AcrossISA bool

	stamp  string    // names this session's part of old/
	opened time.Time // the session began
	policy Policy    // of the last Prepare
}

// Open makes the folder if need be.
func (f *Folder) Open() error {
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the results folder: %w; choose another with --out", err)
	}
	if info, err := os.Stat(filepath.Join(f.Dir, "runs")); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file, and has to be a folder; move it away, or choose another results folder with --out", filepath.Join(f.Dir, "runs"))
	}
	f.opened = time.Now().UTC()
	f.stamp = f.opened.Format("20060102T150405.000Z")
	return nil
}

// Origin is what the bits of a run follow from if it is made now.
func (f *Folder) Origin(t plan.Task) checkpoint.Origin {
	return checkpoint.NewOrigin(t.Identity, f.Build, f.Host)
}

// Located returns the tasks with the places where the folder holds their runs, if it does.
func (f *Folder) Located(tasks []plan.Task) ([]plan.Task, error) {
	known := map[string]map[string]string{}
	tasks = slices.Clone(tasks)
	for i, t := range tasks {
		if known[t.Method()] == nil {
			var err error
			if known[t.Method()], err = f.identities(t.Method()); err != nil {
				return nil, err
			}
		}
		if at, ok := known[t.Method()][t.Identity]; ok {
			tasks[i].Dir = at
		}
	}
	return tasks, nil
}

// identities finds the runs of a method by identity, wherever other sweeps, or
// none, have put them. Of several the first complete one counts. Manifests that
// cannot be read are none here; where one is in the way, that is told.
func (f *Folder) identities(method string) (map[string]string, error) {
	at, complete := map[string]string{}, map[string]bool{}
	if err := f.identitiesIn(config.Slug(method), "", at, complete); err != nil {
		return nil, err
	}
	if old := config.ASCIISlug(method); old != "" && old != config.Slug(method) {
		return at, f.identitiesIn(old, method, at, complete)
	}
	return at, nil
}

// identitiesIn adds the runs in a folder, of one method unless that is "".
func (f *Folder) identitiesIn(slug, method string, at map[string]string, complete map[string]bool) error {
	root := filepath.Join("runs", slug)
	for _, pattern := range []string{"*/manifest.json", "*/*/manifest.json"} {
		names, err := fs.Glob(os.DirFS(filepath.Join(f.Dir, root)), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			path := filepath.Join(root, filepath.Dir(filepath.FromSlash(name)))
			m, err := f.manifest(path)
			if err != nil || m == nil || method != "" && m.Method != method || at[m.Identity] != "" && (complete[m.Identity] || !m.Outcome.Complete()) {
				continue
			}
			at[m.Identity], complete[m.Identity] = path, m.Outcome.Complete()
		}
	}
	return nil
}

// relabel notes in the manifest of a reused run what its method is called and
// where it stands now, and which sweep it belongs to. Without a sweep, the note of
// an earlier one stays.
func (f *Folder) relabel(t plan.Task) error {
	m, err := f.manifest(t.Dir)
	if err != nil {
		return err
	}
	varied := t.Varied
	if len(varied) == 0 {
		varied = m.Varied
	}
	if slices.Equal(varied, m.Varied) && m.Method == t.Method() && m.MethodIndex == t.MethodIndex {
		return nil
	}
	m.Varied, m.Method, m.MethodIndex = varied, t.Method(), t.MethodIndex
	return m.Write(filepath.Join(f.Dir, t.Dir), f.Files.Replace)
}

// manifest reads the manifest of the run at path, nil if there is none.
func (f *Folder) manifest(path string) (*runlog.Manifest, error) {
	name := filepath.Join(f.Dir, path, runlog.ManifestFile)
	data, err := diskfile.Read(context.Background(), name, diskfile.Limits{Bytes: runlog.MaxManifest})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("%w: a file stands where the folder of a run has to be; move it away", err)
	}
	if err != nil {
		return nil, err
	}
	m, err := runlog.ParseManifest(data)
	var format *runlog.FormatError
	switch {
	case errors.As(err, &format) && format.Format > runlog.Format:
		return nil, runlog.Heldf("%s: %w", name, err)
	case err == nil && m.Format == 0:
		err = &runlog.FormatError{}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// exists reports whether anything is at path.
func (f *Folder) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(f.Dir, path))
	return err == nil
}
