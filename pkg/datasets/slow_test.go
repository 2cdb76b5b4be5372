package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// fast is a pace that tests can wait for.
var fast = pace{stall: 200 * time.Millisecond, window: 500 * time.Millisecond, rate: 1 << 10}

func nowhere(string, File) string { return "" }

// TestSlowServers: a server that stands still, or sends next to nothing, is an
// error of its own, and not an interruption; nothing is left.
func TestSlowServers(t *testing.T) {
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"silent": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no data for 200ms"},
		"stalled": {func(w http.ResponseWriter, r *http.Request) {
			w.Write(content[:1000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "after 1000 of 100000 bytes: no data for 200ms"},
		"trickle": {func(w http.ResponseWriter, r *http.Request) {
			for i := range content {
				w.Write(content[i : i+1])
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		}, "less than 1 KiB/s for 500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(c.serve)
			defer s.Close()
			dir := t.TempDir()
			f := fileOf(content, s.URL+"/one", s.URL+"/two")
			err := fetchMissing(Env{pace: fast, Dir: dir}, "toy", dir, []File{f}, nowhere)
			var m *MissingError
			if !errors.As(err, &m) || errors.Is(err, context.Canceled) || strings.Count(err.Error(), c.want) != 2 || !strings.Contains(err.Error(), "wanted: data.gz") {
				t.Errorf("says %v\nwant of both mirrors: %s", err, c.want)
			}
			if names := filesIn(t, dir); len(names) != 0 {
				t.Errorf("left over: %v", names)
			}
		})
	}
}

// TestSlowButSteady: a server that keeps the pace may take several windows.
func TestSlowButSteady(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for part := content; len(part) > 0; part = part[10_000:] {
			w.Write(part[:10_000])
			w.(http.Flusher).Flush()
			time.Sleep(30 * time.Millisecond)
		}
	}))
	defer s.Close()
	p := pace{stall: 10 * time.Second, window: 100 * time.Millisecond, rate: 1 << 10}
	if err := download(Env{pace: p}, t.TempDir(), fileOf(content, s.URL)); err != nil {
		t.Error(err)
	}
}

// TestServers: the bytes are taken as they are, from whatever serves them.
func TestServers(t *testing.T) {
	packed := gz(content)
	mux := http.NewServeMux()
	mux.HandleFunc("/encoded.gz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-gzip")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed)
	})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		w.Write(packed)
	})
	mux.Handle("/moved", http.RedirectHandler("/encoded.gz", http.StatusFound))
	mux.Handle("/circle", http.RedirectHandler("/circle", http.StatusFound))
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/reset", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nhalf", len(packed))
			c.Close()
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	for path, want := range map[string]string{
		"/encoded.gz": "", "/chunked": "", "/moved": "",
		"/circle": "stopped after 10 redirects", "/busy": "the server says 503 Service Unavailable", "/nothing": "the server says 204 No Content", "/reset": "after 4 of",
	} {
		for _, client := range []*http.Client{nil, s.Client()} {
			dir := t.TempDir()
			err := download(Env{Client: client}, dir, fileOf(packed, s.URL+path))
			got, _ := os.ReadFile(filepath.Join(dir, "data.gz"))
			if want == "" && (err != nil || !bytes.Equal(got, packed)) {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
			if want != "" && (err == nil || !strings.Contains(err.Error(), want) || got != nil) {
				t.Errorf("%s says %v, want %s", path, err, want)
			}
		}
	}
}

// TestKilledDownload: what a killed download left beside its target is cleared by
// the next that looks at the set, and used by the next download.
func TestKilledDownload(t *testing.T) {
	s := server(t)
	dir := t.TempDir()
	f := fileOf(content, s.URL+"/good")
	left := diskfile.Temporary(filepath.Join(dir, f.Name))
	for _, here := range []func(string, File) string{nowhere, func(string, File) string { return "here" }} {
		if err := os.WriteFile(left, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := fetchMissing(Env{}, "toy", dir, []File{f}, here); err != nil {
			t.Fatal(err)
		}
		if names := filesIn(t, dir); fmt.Sprint(names) != "[data.gz]" {
			t.Errorf("the folder holds %v", names)
		}
	}
}

// TestTwoDownloads: of two processes that want a file, one fetches it.
func TestTwoDownloads(t *testing.T) {
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		time.Sleep(50 * time.Millisecond)
		io.Copy(w, bytes.NewReader(content))
	}))
	defer s.Close()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := download(Env{}, dir, fileOf(content, s.URL)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if names := filesIn(t, dir); fmt.Sprint(names) != "[data.gz]" || requests.Load() != 1 {
		t.Errorf("%d requests; the folder holds %v", requests.Load(), names)
	}
}
