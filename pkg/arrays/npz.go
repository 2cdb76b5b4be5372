package arrays

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"
)

// maxRatio bounds how much deflate can compress (1032:1): an entry that claims
// more is damaged, and is refused before it is read.
const maxRatio = 1040

// ReadNPZ reads the arrays of a NumPy .npz archive, in file order. Nothing of
// their elements is unpacked before the names and shapes of all have passed the
// checks.
func ReadNPZ(r io.ReaderAt, size int64, checks ...Check) ([]Array, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not an .npz file, which is a zip archive: %w", err)
	}
	var wanted []*zip.File
	seen := map[string]bool{}
	g := gate{checks: checks}
	var packed uint64
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("entry %.60q is not an .npy array", f.Name)
		}
		if seen[name] {
			return nil, fmt.Errorf("array %.60q: there are two of this name", name)
		}
		seen[name] = true
		// Entries that share bytes unfold to more than their archive could hold.
		packed += f.CompressedSize64
		if f.CompressedSize64 > uint64(size) || packed > uint64(size) || f.UncompressedSize64 > maxRatio*(f.CompressedSize64+64) {
			return nil, fmt.Errorf("array %.60q: claims %d bytes in %d compressed ones, of a file of %d; the file is damaged", name, f.UncompressedSize64, f.CompressedSize64, size)
		}
		ok, err := inEntry(f, func(n *npyReader) (bool, error) { return g.pass(n.Header) })
		if err != nil {
			return nil, err
		}
		if ok {
			wanted = append(wanted, f)
		}
	}
	var out []Array
	for _, f := range wanted {
		a, err := inEntry(f, func(n *npyReader) (Array, error) {
			a, err := n.read()
			if err != nil {
				return a, err
			}
			// The checksum is verified where the entry ends.
			if k, err := n.r.Read(make([]byte, 1)); k > 0 || err != io.EOF {
				return a, fmt.Errorf("array %.60q: %v at its end; the file is damaged", n.Name, err)
			}
			return a, nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// inEntry opens an entry, reads the header of its array and goes on with it.
func inEntry[R any](f *zip.File, do func(*npyReader) (R, error)) (none R, err error) {
	name := strings.TrimSuffix(f.Name, ".npy")
	r, err := f.Open()
	if err != nil {
		return none, fmt.Errorf("array %.60q: %w", name, err)
	}
	defer r.Close()
	n, err := openNPY(name, r, int64(f.UncompressedSize64))
	if err != nil {
		return none, err
	}
	return do(n)
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
