//go:build long

// Package browser_test looks at the pages of package page in Chromium, without a window.
//
// They take half a minute, and so have the tag long; make browser runs them, as CI does. Where there is
// no Chromium, go test -tags long says "[no tests to run]" of this package and, with -v, why. With
// DGN_BROWSER=required, as make browser has it, that is a failure. DGN_BROWSER may also be the path of the browser.
package browser_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/dualgn/dgn/pkg/page"
	"github.com/dualgn/dgn/pkg/results"
)

var shots = flag.String("shots", "", "folder that screenshots are written to, to be looked at")

var browser context.Context // that tests open tabs of

func TestMain(m *testing.M) {
	flag.Parse()
	path := chromium()
	if path == "" {
		text := "browser tests are skipped: there is no Chromium here; install it (apt-get install chromium), or name it in DGN_BROWSER"
		if os.Getenv("DGN_BROWSER") == "required" {
			fmt.Fprintln(os.Stderr, "DGN_BROWSER=required, but "+text)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stderr, text)
		if err := flag.Set("test.run", "^$"); err != nil { // go test then says that there were no tests to run
			panic(err)
		}
		os.Exit(m.Run())
	}
	var end context.CancelFunc
	browser, end = chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU))
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintf(os.Stderr, "%s does not start: %v\n", path, err)
		os.Exit(1)
	}
	code := m.Run()
	end()
	os.Exit(code)
}

// chromium is the path of the browser, "" if there is none.
func chromium() string {
	if path := os.Getenv("DGN_BROWSER"); path != "" && path != "required" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// A tab is one page, with what went wrong in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // errors on its console, and exceptions
	requests []string // that left it
}

// show writes a page to a file, and opens it.
func show(t *testing.T, opt page.Options, dirs ...string) *tab {
	t.Helper()
	logs, err := results.Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := page.Make(logs, opt)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, "file://"+path)
}

// open opens an address, and waits for what the script of the page shows. What goes wrong in
// the page fails the test at its end.
func open(t *testing.T, url string) *tab {
	t.Helper()
	p := &tab{t: t}
	tabContext, end := chromedp.NewContext(browser, chromedp.WithListener(p.heard))
	ctx, cancel := context.WithTimeout(tabContext, 3*time.Minute)
	p.ctx = ctx
	t.Cleanup(func() { cancel(); end(); p.check(url) })
	p.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		return err
	}), chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url))
	p.wait(`document.documentElement.dataset.ready === "yes"`)
	return p
}

// heard keeps what goes wrong in the page, and what it asks for.
func (p *tab) heard(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.problems = append(p.problems, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			p.problems = append(p.problems, fmt.Sprintf("console: %+v", e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			p.problems = append(p.problems, "log: "+e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

// check tells of errors, and of requests to elsewhere than the page itself.
func (p *tab) check(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.problems {
		p.t.Errorf("the page has an error: %s", text)
	}
	for _, r := range p.requests {
		if !strings.HasPrefix(r, url) && !strings.HasPrefix(r, "data:") && !strings.HasPrefix(r, "blob:") {
			p.t.Errorf("the page asks for %s", r)
		}
	}
}

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval returns the value of an expression of JavaScript.
func eval[T any](p *tab, expression string) (v T) {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// wait waits until an expression is true.
func (p *tab) wait(expression string) {
	p.t.Helper()
	for range 400 {
		if eval[bool](p, expression) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	p.t.Fatalf("never true: %s; the page says:\n%.2000s", expression, eval[string](p, `document.body.innerText`))
}

// want fails unless an expression is true.
func (p *tab) want(what, expression string) {
	p.t.Helper()
	if !eval[bool](p, expression) {
		p.t.Errorf("%s: not true: %s", what, expression)
	}
}

// click clicks the middle of the first element of a selector.
func (p *tab) click(selector string) {
	p.t.Helper()
	at := eval[[]float64](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center", behavior: "instant"}); const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()`, selector))
	p.run(chromedp.MouseClickXY(at[0], at[1]))
}

// choose sets a field of a form, and tells the page.
func (p *tab) choose(selector, value string) {
	p.t.Helper()
	p.want("there is no "+selector, fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (!e) return false; e.value = %q; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return e.value === %q; })()`, selector, value, value))
}

// shoot writes a screenshot of the whole page, if screenshots are asked for.
func (p *tab) shoot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	eval[bool](p, `(window.scrollTo(0, document.body.scrollHeight), true)`)
	height := eval[float64](p, `document.body.scrollHeight`)
	for y := 0.0; y < height; y += 500 { // figures are drawn when they are near
		eval[bool](p, fmt.Sprintf(`(window.scrollTo({top: %g, behavior: "instant"}), true)`, y))
		time.Sleep(60 * time.Millisecond)
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
