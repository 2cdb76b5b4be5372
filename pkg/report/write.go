package report

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A file is a figure in one format.
type file struct {
	figure
	format, path string
}

// write draws files, several at a time, and returns the paths of those before the
// first that failed.
func write(files []*file, dpi int) (paths []string, err error) {
	errs := make([]error, len(files))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				errs[i] = files[i].write(dpi)
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

func (f *file) write(dpi int) error {
	b, err := f.encode(f.format, dpi)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return diskfile.Replace(f.path, b)
}
