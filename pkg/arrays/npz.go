package arrays

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
)

// maxArray bounds the bytes of one array: an .npz may say that a few
// compressed bytes unfold to anything.
const maxArray = 16 << 30

// maxRatio bounds how much deflate can compress (1032:1): an entry that claims
// more is damaged, and is refused before memory is made for it.
const maxRatio = 1040

// ReadNPZ reads all arrays of a NumPy .npz archive, in file order.
func ReadNPZ(r io.ReaderAt, size int64) ([]Array, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not an .npz file, which is a zip archive: %w", err)
	}
	var out []Array
	seen := map[string]bool{}
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("entry %q is not an .npy array", f.Name)
		}
		if seen[name] {
			return nil, fmt.Errorf("array %q: there are two of this name", name)
		}
		seen[name] = true
		if f.UncompressedSize64 > maxArray || f.UncompressedSize64 > maxRatio*(f.CompressedSize64+64) || f.CompressedSize64 > uint64(size) {
			return nil, fmt.Errorf("array %q: claims %d bytes in %d compressed ones; the file is damaged", name, f.UncompressedSize64, f.CompressedSize64)
		}
		a, err := readEntry(name, f)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func readEntry(name string, f *zip.File) (Array, error) {
	r, err := f.Open()
	if err != nil {
		return Array{}, fmt.Errorf("array %q: %w", name, err)
	}
	defer r.Close()
	b := make([]byte, f.UncompressedSize64)
	if _, err := io.ReadFull(r, b); err != nil {
		return Array{}, fmt.Errorf("array %q: %w; the file is damaged", name, err)
	}
	// The checksum is verified where the entry ends.
	if n, err := r.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return Array{}, fmt.Errorf("array %q: %v at its end; the file is damaged", name, err)
	}
	return decodeNPY(name, b)
}

// WriteNPZ writes arrays as numpy.savez does, without compression. The same
// arrays give the same bytes.
func WriteNPZ(w io.Writer, arrays []Array) error {
	z := zip.NewWriter(w)
	for _, a := range arrays {
		e, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if err := encodeNPY(e, a); err != nil {
			return err
		}
	}
	return z.Close()
}
