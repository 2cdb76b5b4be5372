package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"
)

// A File of a data set, and where it can be fetched.
type File struct {
	Name   string
	Size   int64
	SHA256 string
	URLs   []string // mirrors, in order of preference
}

// stall is how long a download may stand still.
const stall = 30 * time.Second

// fetchMissing downloads the files of a set that find does not see in dir.
// What cannot be had is a *MissingError.
func fetchMissing(env Env, set, dir string, files []File, find func(dir string, f File) string) error {
	missing := &MissingError{Set: set, Dir: dir}
	var absent []File
	for _, f := range files {
		missing.Files = append(missing.Files, f.Name)
		if find(dir, f) == "" {
			absent = append(absent, f)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	if env.Offline {
		return missing
	}
	for _, f := range absent {
		if err := download(env, dir, f); err != nil {
			if cause := context.Cause(env.Context); cause != nil {
				return cause
			}
			missing.Reason = err
			return missing
		}
	}
	return nil
}

// download fetches a file into dir from the first mirror that serves the right
// bytes. Nothing but the whole, verified file ever has its name.
func download(env Env, dir string, f File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, url := range f.URLs {
		err := downloadFrom(env, url, dir, f)
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", url, err))
		if env.Context.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func downloadFrom(env Env, url, dir string, f File) (err error) {
	ctx, cancel := context.WithCancel(env.Context)
	defer cancel()
	idle := time.AfterFunc(stall, cancel)
	defer idle.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := env.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server says %s", resp.Status)
	}
	t, err := renameio.NewPendingFile(filepath.Join(dir, f.Name), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Cleanup()) }()
	h := sha256.New()
	to := []io.Writer{t, h, writerFunc(func(b []byte) { idle.Reset(stall) })}
	if env.Progress != nil {
		bar := env.Progress(f.Name, f.Size)
		defer bar.Close()
		to = append(to, bar)
	}
	// One byte more than expected is enough to know.
	n, err := io.Copy(io.MultiWriter(to...), io.LimitReader(resp.Body, f.Size+1))
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", n, f.Size, err)
	}
	if n != f.Size {
		return fmt.Errorf("got %s bytes where %d are expected", count(n, f.Size), f.Size)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.SHA256 {
		return fmt.Errorf("the SHA-256 is %s where %s is expected", sum, f.SHA256)
	}
	return t.CloseAtomicallyReplace()
}

func count(n, limit int64) string {
	if n > limit {
		return "more"
	}
	return fmt.Sprint(n)
}

type writerFunc func(b []byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// A Check is what Verify found of one file.
type Check struct {
	File   string
	Status string // ok, missing, damaged
	Detail string
}

// Get downloads what is missing of a set, and reports whether it has files to
// download at all.
func Get(env Env, name string) error {
	s, err := source(name)
	if err != nil {
		return err
	}
	d := s.Describe()
	dir := filepath.Join(env.Dir, name)
	unpacked := len(d.Unpacked) > 0
	for _, f := range d.Unpacked {
		unpacked = unpacked && verify(dir, f).Status == "ok"
	}
	if len(d.Files) == 0 || unpacked {
		return nil
	}
	env.Offline = false
	return fetchMissing(env, name, dir, d.Files, func(dir string, f File) string {
		if c := verify(dir, f); c.Status == "ok" {
			return c.File
		}
		return ""
	})
}

// Verify compares the files of a set with the originals. Of an archive that was
// unpacked, what it holds is looked at too, and in its place if it is gone.
func Verify(env Env, name string) ([]Check, error) {
	s, err := source(name)
	if err != nil {
		return nil, err
	}
	d := s.Describe()
	dir := filepath.Join(env.Dir, name)
	var packed, unpacked []Check
	for _, f := range d.Files {
		packed = append(packed, verify(dir, f))
	}
	for _, f := range d.Unpacked {
		unpacked = append(unpacked, verify(dir, f))
	}
	absent := func(c Check) bool { return c.Status == "missing" }
	switch {
	case !slices.ContainsFunc(unpacked, func(c Check) bool { return !absent(c) }):
		return packed, nil
	case slices.ContainsFunc(packed, absent):
		return unpacked, nil
	}
	return append(packed, slices.DeleteFunc(unpacked, absent)...), nil
}

func source(name string) (Source, error) {
	e := Known.Entry(name)
	if e == nil {
		return nil, unknownSet(name)
	}
	return e.Trials[0]()
}

func verify(dir string, f File) Check {
	path := filepath.Join(dir, f.Name)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Check{path, "missing", fmt.Sprintf("%d bytes", f.Size)}
	}
	if err != nil {
		return Check{path, "damaged", err.Error()}
	}
	h := sha256.Sum256(b)
	if sum := hex.EncodeToString(h[:]); sum != f.SHA256 {
		return Check{path, "damaged", fmt.Sprintf("%d bytes, SHA-256 %s; the original has %d bytes, %s", len(b), sum, f.Size, f.SHA256)}
	}
	return Check{path, "ok", fmt.Sprintf("%d bytes, SHA-256 %s", len(b), f.SHA256)}
}
