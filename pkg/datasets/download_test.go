package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// content is what the files of the server hold.
var content = bytes.Repeat([]byte("0123456789"), 10_000)

func fileOf(b []byte, urls ...string) File {
	sum := sha256.Sum256(b)
	return File{Name: "data.gz", Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:]), URLs: urls}
}

// server serves the content, well or badly.
func server(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { w.Write(content) })
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) { w.Write(content[:1000]) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { w.Write(append(content, "more"...)) })
	mux.HandleFunc("/other", func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("x"), len(content))) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(content[:5000])
		panic(http.ErrAbortHandler)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// files lists what is in a folder.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestDownload(t *testing.T) {
	s := server(t)
	dir := t.TempDir()
	var seen atomic.Int64
	env := Env{Context: context.Background(), Client: s.Client(), Progress: func(name string, size int64) io.WriteCloser {
		if name != "data.gz" || size != int64(len(content)) {
			t.Errorf("progress of %s, %d bytes", name, size)
		}
		return counter{&seen}
	}}
	f := fileOf(content, s.URL+"/nosuch", s.URL+"/short", s.URL+"/long", s.URL+"/other", s.URL+"/broken", s.URL+"/good")
	if err := download(env, dir, f); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "data.gz")); err != nil || !bytes.Equal(b, content) {
		t.Errorf("the file is not what the good mirror serves: %v", err)
	}
	if names := filesIn(t, dir); len(names) != 1 {
		t.Errorf("left over: %v", names)
	}
	if seen.Load() < int64(len(content)) {
		t.Errorf("progress saw %d bytes", seen.Load())
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) { c.n.Add(int64(len(b))); return len(b), nil }
func (counter) Close() error                  { return nil }

// TestDownloadErrors: every mirror's fault is told, and nothing is left.
func TestDownloadErrors(t *testing.T) {
	s := server(t)
	dir := t.TempDir()
	env := Env{Context: context.Background(), Client: s.Client(), Dir: dir}
	f := fileOf(content, s.URL+"/nosuch", s.URL+"/short", s.URL+"/long", s.URL+"/other", s.URL+"/broken", "http://127.0.0.1:1/refused")
	err := fetchMissing(env, "toy", filepath.Join(dir, "toy"), []File{f}, func(string, File) string { return "" })
	var m *MissingError
	if !errors.As(err, &m) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"/nosuch: the server says 404 Not Found", "/short: got 1000 bytes where 100000 are expected", "/long: got more bytes where 100000 are expected",
		"/other: the SHA-256 is ", "/broken: after 5000 of 100000 bytes: unexpected EOF", "connection refused",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("says\n%v\nwithout %s", err, want)
		}
	}
	if names := filesIn(t, filepath.Join(dir, "toy")); len(names) != 0 {
		t.Errorf("left over: %v", names)
	}
}

// TestDownloadInterrupted: an interruption is the error, and nothing is left.
func TestDownloadInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(content[:1000])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	dir := t.TempDir()
	env := Env{Context: ctx, Client: s.Client()}
	err := fetchMissing(env, "toy", dir, []File{fileOf(content, s.URL, s.URL)}, func(string, File) string { return "" })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("says %v", err)
	}
	if names := filesIn(t, dir); len(names) != 0 {
		t.Errorf("left over: %v", names)
	}
}

// TestDownloadedSetIsUsed: Open fetches what is missing, once.
func TestDownloadedSetIsUsed(t *testing.T) {
	var requests atomic.Int64
	files := small()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		for i, f := range mnist.files {
			if r.URL.Path == "/"+f.Name {
				w.Write(gz(files[i]))
			}
		}
	}))
	defer s.Close()
	set := IDXSet{name: "toy", classes: classNames(10), shape: tinyMNIST().shape}
	for i, f := range mnist.files {
		set.files[i] = fileOf(gz(files[i]), s.URL+"/"+f.Name)
		set.files[i].Name = f.Name
	}
	dir := t.TempDir()
	env := Env{Context: context.Background(), Client: s.Client(), Dir: dir}
	for range 2 {
		raw, err := set.Open(env, OneHot)
		if err != nil {
			t.Fatal(err)
		}
		if raw.Train.Len() != 4 {
			t.Errorf("%d examples", raw.Train.Len())
		}
	}
	if n := requests.Load(); n != 4 {
		t.Errorf("%d requests for 4 files opened twice", n)
	}
}

// TestMirrors: the built-in lists are complete.
func TestMirrors(t *testing.T) {
	for _, name := range Known.Names() {
		s, err := source(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range s.Describe().Files {
			if f.Size <= 0 || len(f.SHA256) != 64 || len(f.URLs) < 2 {
				t.Errorf("%s: %s has size %d, SHA-256 %q and %d mirrors", name, f.Name, f.Size, f.SHA256, len(f.URLs))
			}
		}
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "mnist", small(), true)
	if err := os.Remove(filepath.Join(dir, "mnist", mnist.files[3].Name)); err != nil {
		t.Fatal(err)
	}
	checks, err := Verify(offline(dir), "mnist")
	if err != nil || len(checks) != 4 {
		t.Fatal(checks, err)
	}
	for i, want := range []string{"damaged", "damaged", "damaged", "missing"} {
		if checks[i].Status != want {
			t.Errorf("%s is %s, want %s", checks[i].File, checks[i].Status, want)
		}
	}
	if _, err := Verify(offline(dir), "minst"); err == nil || !strings.Contains(err.Error(), `did you mean "mnist"?`) {
		t.Errorf("an unknown set says %v", err)
	}
}
