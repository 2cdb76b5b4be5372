package arrays

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// allocated is the memory that f takes, in bytes, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// zeros is a compressed .npz of float64 zeros, about a thousandth of n bytes
// long.
func zeros(t *testing.T, name string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	header := npy(fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }", n/8), "")
	for _, part := range [][]byte{[]byte(header), make([]byte, n)} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// overlapping makes the one entry of an archive n entries, a0000, a0001, ...,
// which all share its bytes.
func overlapping(t *testing.T, archive []byte, n int) []byte {
	t.Helper()
	at := bytes.Index(archive, []byte("PK\x01\x02"))
	end := bytes.Index(archive, []byte("PK\x05\x06"))
	if at < 0 || end < 0 || len(archive) != end+22 {
		t.Fatal("not the archive that was expected")
	}
	out := slices.Clone(archive[:at])
	for i := range n {
		record := slices.Clone(archive[at:end])
		copy(record[46:], fmt.Sprintf("a%04d", i))
		out = append(out, record...)
	}
	tail := slices.Clone(archive[end:])
	binary.LittleEndian.PutUint16(tail[8:], uint16(n))
	binary.LittleEndian.PutUint16(tail[10:], uint16(n))
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(out)-at))
	return append(out, tail...)
}

// TestLimits: what is not wanted, or too much, is refused before there is memory
// for it.
func TestLimits(t *testing.T) {
	const mib = 1 << 20
	refuse := func(h Header) error { return fmt.Errorf("array %q is not wanted", h.Name) }
	few := func(h Header) error {
		if h.Len() > 100 {
			return fmt.Errorf("array %q has %d elements", h.Name, h.Len())
		}
		return nil
	}
	small := string(zeros(t, "a0000", 64*mib))
	f8 := func(shape string) string { return "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }" }
	for _, c := range []struct {
		name, ext, file string
		check           Check
		want            string
	}{
		{"unknown name", ".npz", small, refuse, `array "a0000" is not wanted`},
		{"size", ".npz", small, few, `array "a0000" has 8388608 elements`},
		{"left out", ".npz", small, func(Header) error { return ErrSkip }, ""},
		{"entries that share bytes", ".npz", string(overlapping(t, []byte(small), 60)), nil, `array "a0001": claims 67108937 bytes in 65314 compressed ones, of a file of`},
		{"16 GB", ".npz", string(npz(t, map[string]string{"x.npy": npy(f8("(2000000000,)"), "12345678")})), nil, `its shape [2000000000] needs 8-byte elements that do not fit its 8 bytes`},
		{"many dimensions", ".npz", string(npz(t, map[string]string{"x.npy": npy(f8("("+strings.Repeat("1,", 1000)+")"), "12345678")})), nil, "it has 1000 dimensions; at most 64 are read"},
		{"a long name", ".npz", string(npz(t, map[string]string{strings.Repeat("\x1b", 60000): ""})), nil, `is not an .npy array`},
		{"header", ".safetensors", "\x00\x00\x00\x10\x00\x00\x00\x00" + strings.Repeat(" ", 300), nil, "it claims a header of 268435456 bytes and has 300"},
		{"unknown tensor", ".safetensors", string(safe(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "abcd")), refuse, `array "a" is not wanted`},
		{"tensor left out", ".safetensors", string(safe(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "abcd")), func(Header) error { return ErrSkip }, ""},
	} {
		f, _ := formatOf(c.ext)
		n := allocated(func() {
			var checks []Check
			if c.check != nil {
				checks = append(checks, c.check)
			}
			list, err := f.read(strings.NewReader(c.file), int64(len(c.file)), checks...)
			switch {
			case c.want == "" && (err != nil || list != nil):
				t.Errorf("%s: %d arrays, %v", c.name, len(list), err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400):
				t.Errorf("%s: says %.500v, want %s", c.name, err, c.want)
			}
		})
		if n > 4*mib {
			t.Errorf("%s: takes %d MiB", c.name, n/mib)
		}
	}
}

// TestTotal: arrays that are each small enough are too large together.
func TestTotal(t *testing.T) {
	g := gate{}
	h, err := newHeader("a", []int{1 << 27}, kindF32, 1<<29)
	if err != nil || h.Len() != 1<<27 {
		t.Fatal(h.Len(), err)
	}
	for i := range 17 {
		if _, err := g.pass(h); (err != nil) != (i == 16) || err != nil && !strings.Contains(err.Error(), "longer than 8 GiB") {
			t.Errorf("array %d: %v", i, err)
		}
	}
}

// TestSparse: a file of gigabytes is not read for what its header says, and
// what is no file not at all.
func TestSparse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.safetensors")
	if err := os.WriteFile(path, safe(`{"a":{"dtype":"U8","shape":[4294967296],"data_offsets":[0,4294967296]}}`, ""), 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()+1<<32)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := allocated(func() {
		if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "longer than 8 GiB") {
			t.Error(err)
		}
		stop := errors.New("no such layer")
		if _, err := ReadFile(path, func(Header) error { return stop }); !errors.Is(err, stop) {
			t.Error(err)
		}
	})
	if n > 1<<20 {
		t.Errorf("takes %d bytes", n)
	}
	folder := filepath.Join(dir, "x.npz")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(folder); err == nil || !strings.Contains(err.Error(), "is a folder, not a file") {
		t.Error(err)
	}
}
