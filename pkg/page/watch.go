package page

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Watcher serves the page of results that are being written, at / and, as JSON, at /data.
// Folders may appear later, and runs may be killed: what cannot be read is an alert. It answers
// requests to the machine's own name alone, so that no page from elsewhere can read it under
// a name that it made up.
type Watcher struct {
	paths   []string
	methods []string
	opt     Options

	mu      sync.Mutex
	looked  time.Time     // when the files were last compared
	took    time.Duration // to read them
	seen    string        // the state of the files that the page is of
	page    *Page
	version string // of the page
}

// NewWatcher returns a Watcher of results folders, which need not be there yet.
func NewWatcher(paths, methods []string, opt Options) *Watcher {
	opt.Watch = true
	return &Watcher{paths: paths, methods: methods, opt: opt}
}

// rest is the least time between two looks at the files.
const rest = time.Second

// current returns the page of the files as they are, and its version.
func (w *Watcher) current() (*Page, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.page != nil && time.Since(w.looked) < max(rest, 3*w.took) {
		return w.page, w.version
	}
	start := time.Now()
	paths, empty := results.Folders(w.paths)
	seen := stateOf(paths) // before the files are read: what changes meanwhile is seen later
	if w.page == nil || seen != w.seen {
		w.page, w.seen = w.read(paths, empty), seen
		w.version = fmt.Sprintf("%q", seen)
		w.took = time.Since(start)
	}
	w.looked = time.Now()
	return w.page, w.version
}

// read makes the page. Options that the runs do not allow yet, as a target on a metric that
// none has, are an alert, and are left out.
func (w *Watcher) read(paths, empty []string) *Page {
	opt := w.opt
	opt.Alerts = slices.Clone(empty)
	logs := results.OpenChanging(paths...)
	if w.methods != nil {
		if err := logs.Select(w.methods); err != nil {
			opt.Alerts = append(opt.Alerts, err.Error())
		}
	}
	p, err := Make(logs, opt)
	if err != nil {
		opt.Alerts = append(opt.Alerts, err.Error())
		opt.Scores, opt.Compare = w.opt.Scores, ""
		opt.Scores.Goals, opt.Scores.At, opt.Scores.Metrics, opt.Scores.Amounts = nil, nil, nil, nil
		p, err = Make(logs, opt)
	}
	if err != nil { // the logs themselves do not go together
		p = &Page{doc: document{Title: "results", Watch: true, Version: opt.Version, Alerts: append(opt.Alerts, err.Error())}}
	}
	for i := range p.doc.Sections {
		for j := range p.doc.Sections[i].Runs {
			r := &p.doc.Sections[i].Runs[j]
			if info, err := os.Stat(filepath.Join(r.Dir, runlog.Metrics.File)); err == nil && r.State == string(runlog.Running) {
				r.Written = info.ModTime().UnixMilli()
			}
		}
	}
	return p
}

// stateOf sums up names, sizes and times of the files below some paths that a page is made of.
func stateOf(paths []string) string {
	sum := sha256.New()
	for _, p := range paths {
		addState(sum, p, map[string]bool{})
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

func addState(sum hash.Hash, path string, seen map[string]bool) {
	info, err := os.Stat(path)
	if err != nil {
		fmt.Fprintf(sum, "%q is not there\n", path)
		return
	}
	if !info.IsDir() {
		fmt.Fprintf(sum, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return
	}
	place, err := filepath.EvalSymlinks(path)
	if err != nil || seen[place] {
		return
	}
	seen[place] = true
	list, _ := os.ReadDir(path) // one that cannot be read is an alert of the page
	for _, e := range list {
		name := e.Name()
		if e.IsDir() && !strings.HasPrefix(name, ".") && name != "old" && name != "figures" || e.Type()&os.ModeSymlink != 0 || name == runlog.ManifestFile || name == runlog.DualsFile || strings.HasSuffix(name, ".csv") {
			addState(sum, filepath.Join(path, name), seen)
		}
	}
}

// ServeHTTP implements http.Handler.
func (w *Watcher) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	h := out.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if !loopback(r.Host) {
		http.Error(out, "dgn watch answers to this machine's own name alone", http.StatusForbidden)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(out, "dgn watch only shows", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/":
		p, _ := w.current()
		h.Set("Content-Type", "text/html; charset=utf-8")
		_ = p.Write(out) // a reader that has gone away
	case "/data":
		p, version := w.current()
		h.Set("ETag", version)
		if r.Header.Get("If-None-Match") == version {
			out.WriteHeader(http.StatusNotModified)
			return
		}
		data, err := p.JSON()
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		h.Set("Content-Type", "application/json")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			_, _ = out.Write(data)
			return
		}
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(out)
		_, _ = z.Write(data)
		_ = z.Close()
	default:
		http.NotFound(out, r)
	}
}

// loopback reports whether a host, with or without a port, is this machine's own.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
