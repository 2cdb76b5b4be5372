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

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A File of a data set, and where it can be fetched.
type File struct {
	Name   string
	Size   int64
	SHA256 string
	URLs   []string // mirrors, in order of preference
}

// fetchMissing downloads the files of a set that find does not see in dir.
// What cannot be had is a *MissingError.
func fetchMissing(env Env, set, dir string, files []File, find func(dir string, f File) string) error {
	missing := &MissingError{Set: set, Dir: dir}
	var absent []File
	for _, f := range files {
		diskfile.Clear(filepath.Dir(filepath.Join(dir, f.Name)), filepath.Base(f.Name))
		if find(dir, f) == "" {
			missing.Files = append(missing.Files, f.Name)
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
			if cause := context.Cause(env.context()); cause != nil {
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
		if env.context().Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func downloadFrom(env Env, url, dir string, f File) (err error) {
	wait, enough := context.WithTimeout(env.context(), otherDownload)
	defer enough()
	t, err := diskfile.Create(wait, filepath.Join(dir, f.Name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Discard()) }()
	if t.Waited && verify(dir, f).Status == "ok" {
		return nil
	}
	ctx, cancel := context.WithCancelCause(env.context())
	defer cancel(nil)
	arrived, stop := env.pace.watch(cancel)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// The bytes as they are: asked for nothing, the client would unpack a .gz from
	// servers that call it an encoding.
	req.Header.Set("Accept-Encoding", "identity")
	client := env.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return because(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server says %s", resp.Status)
	}
	h := sha256.New()
	to := []io.Writer{t, h, writerFunc(arrived)}
	if env.Progress != nil {
		bar := env.Progress(f.Name, f.Size)
		defer bar.Close()
		to = append(to, bar)
	}
	// One byte more than expected is enough to know.
	n, err := io.Copy(io.MultiWriter(to...), io.LimitReader(resp.Body, f.Size+1))
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", n, f.Size, because(ctx, err))
	}
	if n != f.Size {
		return fmt.Errorf("got %s bytes where %d are expected", count(n, f.Size), f.Size)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.SHA256 {
		return fmt.Errorf("the SHA-256 is %s where %s is expected", sum, f.SHA256)
	}
	return t.Commit()
}

// otherDownload is how long to wait for another process that fetches the same
// file.
const otherDownload = 10 * time.Minute

// because returns the reason for which a context was ended, in place of an error
// that says only that it was.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
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
	r, size, err := diskfile.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Check{path, "missing", fmt.Sprintf("%d bytes", f.Size)}
	}
	if err != nil {
		return Check{path, "damaged", err.Error()}
	}
	defer r.Close()
	if size != f.Size {
		return Check{path, "damaged", fmt.Sprintf("%d bytes; the original has %d bytes, SHA-256 %s", size, f.Size, f.SHA256)}
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return Check{path, "damaged", err.Error()}
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != f.SHA256 {
		return Check{path, "damaged", fmt.Sprintf("%d bytes, SHA-256 %s; the original has %s", size, sum, f.SHA256)}
	}
	return Check{path, "ok", fmt.Sprintf("%d bytes, SHA-256 %s", size, f.SHA256)}
}
