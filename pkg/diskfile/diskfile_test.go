package diskfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// only checks what files a folder holds.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("the folder holds %v, want %v", names, want)
	}
}

// TestReplace: what a killed program left of another write is used again.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a.csv"), "old")
	write(t, Temporary(path), "the longer half of something that was never finished")
	for _, text := range []string{"new", "newer", ""} {
		if err := Replace(path, []byte(text)); err != nil || content(t, path) != text {
			t.Errorf("%q: %v", text, err)
		}
		only(t, dir, "a.csv")
	}
}

// TestDiscard: without Commit the old content stays, and nothing else.
func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a"), "old")
	p, err := Create(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(p, "new")
	if err := p.Discard(); err != nil || content(t, path) != "old" {
		t.Error(err)
	}
	only(t, dir, "a")
}

// TestSameTarget: writers of one file take turns, so that it is always the whole
// of what one of them wrote.
func TestSameTarget(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 20 {
				text := strings.Repeat(string(rune('a'+w)), 1000*(i+1))
				if err := Replace(path, []byte(text)); err != nil {
					t.Error(err)
				}
				got := content(t, path)
				if strings.Trim(got, got[:1]) != "" || len(got)%1000 != 0 {
					t.Errorf("%d bytes of several writers", len(got))
				}
			}
		})
	}
	wg.Wait()
	only(t, dir, "a")
}

// TestBusy: a file that another process goes on writing is an error in the end,
// and stays the other's.
func TestBusy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	first, err := Create(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(first, "first")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Create(ctx, path); err == nil || !strings.Contains(err.Error(), "another process is still writing") {
		t.Error(err)
	}
	Clear(dir, "*")
	if err := errors.Join(first.Commit(), first.Discard()); err != nil || content(t, path) != "first" {
		t.Error(err)
	}
	only(t, dir, "a")
}

// TestClear removes what is left over, and nothing else.
func TestClear(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.pdf.tmp", "b.png.tmp", "c.txt.tmp", "d.pdf"} {
		write(t, filepath.Join(dir, name), "")
	}
	if err := os.Mkdir(filepath.Join(dir, "e.pdf.tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	Clear(dir, "*.pdf")
	Clear(filepath.Join(dir, "none"), "*.pdf")
	only(t, dir, "b.png.tmp", "c.txt.tmp", "d.pdf", "e.pdf.tmp")
}

// TestNotAFile: nothing is read from, or written in place of, what has no end or
// makes the program wait.
func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{fifo: "is a pipe, not a file", os.DevNull: "is a device, not a file", dir: "is a folder, not a file"} {
		if _, err := Read(context.Background(), path, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read %s: %v", path, err)
		}
		if err := Replace(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("write %s: %v", path, err)
		}
	}
	if _, err := Read(context.Background(), filepath.Join(dir, "none"), Limits{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	lines := "first\n" + strings.Repeat("x", 100) + "\n" + strings.Repeat("y", 101)
	long := strings.Repeat(strings.Repeat("z", 63)+"\n", 100_000) // several chunks
	for _, c := range []struct {
		name, text string
		l          Limits
		want       string // of the error; "" for none
	}{
		{"empty", "", Limits{1, 1}, ""},
		{"no limits", lines, Limits{}, ""},
		{"just so long", lines, Limits{int64(len(lines)), 101}, ""},
		{"one byte more", lines, Limits{int64(len(lines)) - 1, 0}, "it is longer than 207 bytes, the most that is read"},
		{"a long line", lines, Limits{0, 99}, "line 2 is longer than 99 bytes"},
		{"a long last line", lines, Limits{0, 100}, "line 3 is longer than 100 bytes"},
		{"chunks", long, Limits{0, 63}, ""},
		{"a long line after chunks", long + strings.Repeat("z", 64), Limits{0, 63}, "line 100001 is longer than 63 bytes"},
	} {
		path := write(t, filepath.Join(dir, "a"), c.text)
		for i, read := range []func(context.Context, string, Limits) ([]byte, error){Read, ReadStream} {
			got, err := read(context.Background(), path, c.l)
			if c.want == "" && (err != nil || string(got) != c.text) {
				t.Errorf("%s, %d: %d bytes, %v", c.name, i, len(got), err)
			}
			var limit *LimitError
			if c.want != "" && (!errors.As(err, &limit) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s, %d: says %v", c.name, i, err)
			}
		}
	}
}

// TestEndless: a file without lines, and one without an end, are refused before
// there is memory for them.
func TestEndless(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "sparse"), "")
	if err := os.Truncate(path, 1<<32); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Read(context.Background(), path, Limits{Line: 1 << 20}); err == nil || !strings.Contains(err.Error(), "line 1 is longer than 1 MiB") {
		t.Error(err)
	}
	if _, err := Read(context.Background(), path, Limits{Bytes: 1 << 30}); err == nil || !strings.Contains(err.Error(), "longer than 1 GiB") {
		t.Error(err)
	}
	if _, err := ReadStream(context.Background(), "/dev/zero", Limits{Bytes: 1 << 20}); err == nil || !strings.Contains(err.Error(), "longer than 1 MiB") {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
		t.Errorf("%d MiB of memory for files that are not read", n>>20)
	}
}

// TestInterrupted: reading ends with the context.
func TestInterrupted(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("x", 100))
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	if _, err := Read(ctx, path, Limits{}); err != why {
		t.Error(err)
	}
	if _, err := Reader(ctx, bytes.NewReader(nil)).Read(nil); err != why {
		t.Error(err)
	}
}

// TestReplaceIf: what is lost while it is written does not get its name, and leaves nothing behind.
func TestReplaceIf(t *testing.T) {
	lost := errors.New("lost")
	for name, replace := range map[string]func(string, []byte, func() error) error{"ReplaceIf": ReplaceIf, "PutIf": PutIf} {
		dir := t.TempDir()
		path := write(t, filepath.Join(dir, "a"), "old")
		asked := false
		still := func() error {
			asked = true
			if got := content(t, path); got != "old" || content(t, Temporary(path)) != "new" {
				t.Errorf("%s asks when the file is %q", name, got)
			}
			return lost
		}
		if err := replace(path, []byte("new"), still); !errors.Is(err, lost) || !asked {
			t.Errorf("%s: %v", name, err)
		}
		if got := content(t, path); got != "old" {
			t.Errorf("%s: the file is %q", name, got)
		}
		only(t, dir, "a")
		if err := replace(path, []byte("new"), func() error { return nil }); err != nil || content(t, path) != "new" {
			t.Errorf("%s: %v", name, err)
		}
		only(t, dir, "a")
	}
}

// TestTemporaryOfAnother: where somebody has removed the temporary file and made another of its name, that
// one is neither renamed nor removed.
func TestTemporaryOfAnother(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a"), "old")
	for _, commit := range []bool{true, false} {
		p, err := Create(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(Temporary(path)); err != nil {
			t.Fatal(err)
		}
		write(t, Temporary(path), "theirs")
		if commit {
			if err := p.Commit(); err == nil || !strings.Contains(err.Error(), "another process has removed") {
				t.Errorf("commit: %v", err)
			}
		}
		if err := p.Discard(); err != nil {
			t.Error(err)
		}
		if content(t, path) != "old" || content(t, Temporary(path)) != "theirs" {
			t.Errorf("the file is %q, that of the other %q", content(t, path), content(t, Temporary(path)))
		}
	}
}
