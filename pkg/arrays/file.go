package arrays

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A format is a kind of file, told by its extension.
type format struct {
	read  func(r io.ReaderAt, size int64, checks ...Check) ([]Array, error)
	write func(w io.Writer, arrays []Array) error
}

func formatOf(path string) (format, error) {
	switch ext := filepath.Ext(path); ext {
	case ".npz":
		return format{ReadNPZ, WriteNPZ}, nil
	case ".safetensors":
		return format{ReadSafetensors, WriteSafetensors}, nil
	default:
		return format{}, fmt.Errorf("%s: the extension %q says nothing of the format; use .npz or .safetensors", path, ext)
	}
}

// ReadFile reads the arrays of a .npz or .safetensors file that pass the checks,
// in file order.
func ReadFile(path string, checks ...Check) ([]Array, error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	f, size, err := diskfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	arrays, err := format.read(f, size, checks...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return arrays, nil
}

// WriteFile writes arrays to a .npz or .safetensors file: to a temporary file
// that is synced and then renamed.
func WriteFile(path string, arrays []Array) error {
	format, err := formatOf(path)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := format.write(&b, arrays); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return diskfile.Replace(path, b.Bytes())
}
