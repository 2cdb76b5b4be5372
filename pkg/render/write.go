package render

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/figure"
)

// A file is a figure to be rendered.
type file struct {
	figure figure.Figure
	as     figure.Renderer
	path   string
}

// Write writes each figure with each renderer to a folder, which is made if there are
// any, several at a time. It returns the files before the first that failed.
func Write(dir string, figures []figure.Figure, as []figure.Renderer) (paths []string, err error) {
	if len(figures) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, format := range Formats {
		diskfile.Clear(dir, "*."+format)
	}
	var files []file
	for _, f := range figures {
		for _, r := range as {
			files = append(files, file{f, r, filepath.Join(dir, f.Name+"."+r.Extension())})
		}
	}
	errs := make([]error, len(files))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				errs[i] = files[i].write()
			}
		})
	}
	all.Wait()
	for i, f := range files {
		if errs[i] != nil {
			return paths, errs[i]
		}
		paths = append(paths, f.path)
	}
	return paths, nil
}

func (f file) write() error {
	var b bytes.Buffer
	if err := f.as.Render(&b, f.figure); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return diskfile.Replace(f.path, b.Bytes())
}
