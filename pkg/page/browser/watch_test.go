//go:build long

package browser_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/page"
	"github.com/dualgn/dgn/pkg/runlog/runlogtest"
)

// TestWatch: a page that is watched follows runs that begin, write half of a row and end, keeps
// what was chosen, and takes what cannot be read in its stride.
func TestWatch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	server := httptest.NewServer(page.NewWatcher([]string{dir}, nil, page.Options{}))
	defer server.Close()
	p := open(t, server.URL+"/")
	p.want("nothing yet", `document.body.innerText.includes("There are no runs yet")`)

	run := runlogtest.New("A", 0, 0, "running", 2, 1.5)
	made := runlogtest.Folder(t, run, runlogtest.New("B", 1, 0, "running", 2, 1.8))
	if err := os.Rename(made, dir); err != nil {
		t.Fatal(err)
	}
	p.wait(`document.querySelectorAll(".summary tbody tr").length === 2`)
	p.want("they run", `document.querySelector(".summary tbody").innerText.includes("1 running")`)
	p.choose(`select[name=x]`, "cost")
	p.click(`.legend .entry`)

	metrics := filepath.Join(dir, "runs", "m0", "0", "metrics.csv")
	text := run.Metrics()
	half := "A,0,20,2,2,20,20,0.0625,0.9,,,0.07"
	write(t, metrics, text+half)
	write(t, filepath.Join(dir, "runs", "m1", "0", "manifest.json"), "{ not JSON")
	p.wait(`document.body.innerText.includes("the run is left out")`)
	p.want("the other is still there, without half of a row", `document.querySelectorAll(".summary tbody tr").length === 1 && !document.body.innerText.includes("0.0625")`)

	run.Outcome = "finished"
	run.Text = text + half + ",0.9,\n"
	again := runlogtest.Folder(t, run)
	if err := os.Rename(filepath.Join(again, "runs"), filepath.Join(dir, "runs", "more")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "runs", "m0")); err != nil {
		t.Fatal(err)
	}
	p.wait(`!!document.querySelector(".summary tbody") && document.querySelector(".summary tbody").innerText.includes("1 finished")`)
	p.want("its last evaluation is there", `document.querySelector(".summary tbody").innerText.includes("0.0625")`)
	p.want("what was chosen is kept", `document.querySelector("select[name=x]").value === "cost" && document.querySelector(".legend .entry").getAttribute("aria-pressed") === "false"`)
	server.Close()
	p.wait(`document.getElementById("live").textContent.includes("the server has ended")`)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = slices.DeleteFunc(p.problems, func(text string) bool { return strings.Contains(text, "ERR_CONNECTION_REFUSED") }) // of the server that has ended
}

// write replaces a file whole, as runs do.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
