package arrays

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// A format is a kind of file, told by its extension.
type format struct {
	read  func(r io.ReaderAt, size int64) ([]Array, error)
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

// ReadFile reads all arrays of a .npz or .safetensors file, in file order.
func ReadFile(path string) (arrays []Array, err error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if arrays, err = format.read(f, info.Size()); err != nil {
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
	return renameio.WriteFile(path, b.Bytes(), 0o644)
}
