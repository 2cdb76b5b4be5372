package page

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
	"github.com/dualgn/dgn/pkg/scores"
)

// ask has a watcher answer a request.
func ask(w *Watcher, method, target string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w.looked = time.Time{} // as if some time had passed
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

// TestWatcher: it answers to the machine's own names alone, only shows, and says when nothing
// is new.
func TestWatcher(t *testing.T) {
	dir := runlogtest.Folder(t, runlogtest.New("A", 0, 0, "running", 2, 1))
	w := NewWatcher([]string{dir}, nil, Options{})
	for target, want := range map[string]int{"http://127.0.0.1:1/": 200, "http://localhost/data": 200, "http://[::1]:8/data": 200, "http://evil.example/data": 403, "http://127.0.0.1.evil.example/": 403, "http://10.0.0.1/": 403, "http://localhost/manifest.json": 404, "http://localhost/../etc/passwd": 404} {
		if got := ask(w, "GET", target, nil); got.Code != want {
			t.Errorf("%s: %d, want %d", target, got.Code, want)
		}
	}
	if got := ask(w, "POST", "http://localhost/", nil); got.Code != http.StatusMethodNotAllowed {
		t.Error(got.Code)
	}
	first := ask(w, "GET", "http://localhost/data", nil)
	tag := first.Header().Get("ETag")
	var doc struct {
		Sections []struct{ Runs []struct{ Written int64 } }
	}
	if err := json.Unmarshal(first.Body.Bytes(), &doc); err != nil || doc.Sections[0].Runs[0].Written == 0 {
		t.Errorf("%v, %+v", err, doc)
	}
	if got := ask(w, "GET", "http://localhost/data", map[string]string{"If-None-Match": tag}); got.Code != http.StatusNotModified {
		t.Error(got.Code)
	}
	f, err := os.OpenFile(filepath.Join(dir, "runs", "m0", "0", "metrics.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("A,0,20,2,2,20,20,0.5,,,,,,\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask(w, "GET", "http://localhost/data", map[string]string{"If-None-Match": tag, "Accept-Encoding": "gzip"}); got.Code != 200 || got.Header().Get("ETag") == tag || got.Header().Get("Content-Encoding") != "gzip" {
		t.Error(got.Code, got.Header())
	}
	if text := ask(w, "GET", "http://localhost/", nil).Body.String(); !strings.Contains(text, "connect-src &#39;self&#39;") {
		t.Error("the page may not ask its server")
	}
}

// TestWatcherOptions: what the runs do not allow yet is an alert.
func TestWatcherOptions(t *testing.T) {
	goals, err := scores.ParseGoals([]string{"valid_loss=1"})
	if err != nil {
		t.Fatal(err)
	}
	dir := runlogtest.Folder(t, runlogtest.New("A", 0, 0, "running", 2, 1))
	for _, opt := range []Options{{Scores: scores.Options{Goals: goals}}, {Compare: "A,B"}} {
		text := ask(NewWatcher([]string{dir, filepath.Join(dir, "later")}, []string{"Z"}, opt), "GET", "http://localhost/data", nil).Body.String()
		if !strings.Contains(text, `"label":"A"`) || !strings.Contains(text, "no runs of method") || !strings.Contains(text, "no runs here") || !strings.Contains(text, "no run has values of valid_loss") && !strings.Contains(text, "compare: ") {
			t.Errorf("%.600s", text)
		}
	}
}
