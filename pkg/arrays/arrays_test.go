package arrays

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFixtures reads what NumPy and safetensors wrote (scripts/array_fixtures.py).
func TestFixtures(t *testing.T) {
	for file, n := range map[string]int{"numpy.npz": 19, "compressed.npz": 19, "numpy.safetensors": 11} {
		list, err := ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != n {
			t.Errorf("%s: %d arrays, want %d", file, len(list), n)
		}
		for _, a := range list {
			shape := []int{2, 3, 4}
			switch a.Name {
			case "bool":
				shape = []int{2}
			case "scalar":
				shape = []int{}
			case "empty":
				shape = []int{0, 3}
			case "vector":
				shape = []int{5}
			}
			if !slices.Equal(a.Shape, shape) {
				t.Errorf("%s: %s has shape %v", file, a.Name, a.Shape)
			}
			for i, v := range a.Float64s() {
				if v != float64(i) {
					t.Errorf("%s: %s: element %d is %g", file, a.Name, i, v)
					break
				}
			}
			isInt := strings.ContainsAny(a.Name[len(a.Name)-2:], "iu") || a.Name == "bool"
			if a.Len() > 0 && a.IsInt() != isInt {
				t.Errorf("%s: %s: IsInt is %v", file, a.Name, a.IsInt())
			}
		}
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504, 0x0400: 0x1p-14,
		0x0001: 0x1p-24, 0x83ff: -1023 * 0x1p-24, 0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	} {
		if got := fromHalf(bits); got != want {
			t.Errorf("fromHalf(%#04x) = %g, want %g", bits, got, want)
		}
	}
	if !math.IsNaN(float64(fromHalf(0x7e00))) || !math.Signbit(float64(fromHalf(0x8000))) {
		t.Error("NaN or -0 is lost")
	}
}

// equal compares arrays, NaN by its bits.
func equal(a, b Array) bool {
	return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.raw(), b.raw())
}

// drawArrays draws arrays of every type, with distinct names.
func drawArrays(t *rapid.T) []Array {
	n := rapid.IntRange(0, 4).Draw(t, "arrays")
	var out []Array
	for i := range n {
		shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(t, "shape")
		size, _ := elements(shape)
		name := fmt.Sprintf("%d%s", i, rapid.StringMatching(`[a-z./"é ]*`).Draw(t, "name"))
		switch rapid.IntRange(0, 2).Draw(t, "type") {
		case 0:
			out = append(out, Float32(name, shape, rapid.SliceOfN(rapid.Float32(), size, size).Draw(t, "data")))
		case 1:
			out = append(out, Float64(name, shape, rapid.SliceOfN(rapid.Float64(), size, size).Draw(t, "data")))
		default:
			out = append(out, Int64(name, shape, rapid.SliceOfN(rapid.Int64(), size, size).Draw(t, "data")))
		}
	}
	return out
}

// TestRoundTrip: what is written is read back, and the same arrays give the
// same bytes.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawArrays(t)
		for _, ext := range []string{".npz", ".safetensors"} {
			f, _ := formatOf("x" + ext)
			var a, b bytes.Buffer
			if err := f.write(&a, in); err != nil {
				t.Fatal(err)
			}
			if err := f.write(&b, in); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Fatal("the same arrays give other bytes", err)
			}
			out, err := f.read(bytes.NewReader(a.Bytes()), int64(a.Len()))
			if err != nil || !slices.EqualFunc(in, out, equal) {
				t.Fatalf("%s: %v comes back as %v, %v", ext, in, out, err)
			}
		}
	})
}

// TestCut: a file cut short anywhere is an error.
func TestCut(t *testing.T) {
	for _, name := range []string{"numpy.npz", "numpy.safetensors"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		f, _ := formatOf(name)
		for n := range b {
			if _, err := f.read(bytes.NewReader(b[:n]), int64(n)); err == nil {
				t.Fatalf("%s: the first %d of %d bytes are read without an error", name, n, len(b))
			}
		}
	}
}

// npz packs raw .npy bytes into an archive.
func npz(t testing.TB, entries map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range entries {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// npy makes an .npy file of a header and elements.
func npy(header, data string) string {
	return npyMagic + "\x01\x00" + string([]byte{byte(len(header)), byte(len(header) >> 8)}) + header + data
}

func TestNPZErrors(t *testing.T) {
	eight := "\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, c := range []struct {
		entry, npy, want string
	}{
		{"a.txt", "", `entry "a.txt" is not an .npy array`},
		{"a.npy", "hello", `array "a": not in NumPy's .npy format`},
		{"a.npy", npyMagic + "\x07\x00\x00\x00", `version 7 of the .npy format is unknown`},
		{"a.npy", npyMagic + "\x01\x00\xff\xff{}", `the header is cut short`},
		{"a.npy", npy("{}", ""), `the header "{}" is not one that NumPy writes`},
		{"a.npy", npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", eight+eight), `elements of type "<c16" are not supported`},
		{"a.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", eight), `elements of type "|O" are not supported`},
		{"a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", eight), `its shape [2] needs 8-byte elements that do not fit its 8 bytes`},
		{"a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", eight), `do not fit`},
		{"a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", eight), `is not a number`},
	} {
		b := npz(t, map[string]string{c.entry: c.npy})
		_, err := ReadNPZ(bytes.NewReader(b), int64(len(b)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\n  says %v\n  want %s", c.npy, err, c.want)
		}
	}
	if _, err := ReadNPZ(strings.NewReader("hello"), 5); err == nil || !strings.Contains(err.Error(), "not an .npz file") {
		t.Errorf("text says %v", err)
	}
}

// TestNPZBomb: an entry that claims to unfold to gigabytes is refused before
// memory is made for it; a wrong checksum is found.
func TestNPZBomb(t *testing.T) {
	for _, c := range []struct {
		h    zip.FileHeader
		want string
	}{
		{zip.FileHeader{Name: "a.npy", Method: zip.Deflate, UncompressedSize64: 1 << 33, CompressedSize64: 5}, "the file is damaged"},
		{zip.FileHeader{Name: "a.npy", Method: zip.Store, UncompressedSize64: 5, CompressedSize64: 5, CRC32: crc32.ChecksumIEEE([]byte("other"))}, "checksum"},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.CreateRaw(&c.h)
		if err == nil {
			_, err = w.Write([]byte("hello"))
		}
		if err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		_, err = ReadNPZ(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("says %v, want %s", err, c.want)
		}
	}
}

// safe makes a .safetensors file of a header and data.
func safe(header, data string) []byte {
	n := len(header)
	return []byte(string([]byte{byte(n), byte(n >> 8), 0, 0, 0, 0, 0, 0}) + header + data)
}

func TestSafetensorsErrors(t *testing.T) {
	for _, c := range []struct{ header, data, want string }{
		{`[]`, ``, `expected a JSON object`},
		{`{"a":`, ``, `the header is not valid`},
		{`{} x`, ``, `text after the JSON object`},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, `abcd`, `data_offsets must be two numbers, got [0]`},
		{`{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,4]}}`, `abcd`, `elements of type "C64" are not supported`},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, `abcd`, `expected to start at 0 and end by 4`},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, `abcdabcd`, `expected to start at 0`},
		{`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, `abcd`, `do not fit its 4 bytes`},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, `abcde`, `1 bytes at the end belong to no array`},
		{`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}`, `abcd`, `there are two of this name`},
	} {
		b := safe(c.header, c.data)
		_, err := ReadSafetensors(bytes.NewReader(b), int64(len(b)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  says %v\n  want %s", c.header, err, c.want)
		}
	}
	if _, err := ReadSafetensors(strings.NewReader("abc"), 3); err == nil {
		t.Error("three bytes are read without an error")
	}
	if _, err := ReadSafetensors(strings.NewReader("\xff\xff\xff\xff\xff\xff\xff\xff"), 8); err == nil {
		t.Error("a huge header is read without an error")
	}
}

// fuzz: whatever is read without an error can be written and read back.
func fuzz(f *testing.F, ext string) {
	files, err := filepath.Glob("testdata/*" + ext)
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	fm, _ := formatOf("x" + ext)
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := fm.read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var w bytes.Buffer
		if err := fm.write(&w, in); err != nil {
			t.Fatal(err)
		}
		out, err := fm.read(bytes.NewReader(w.Bytes()), int64(w.Len()))
		if err != nil || !slices.EqualFunc(in, out, equal) {
			t.Fatalf("%v comes back as %v, %v", in, out, err)
		}
	})
}

func FuzzNPZ(f *testing.F)         { fuzz(f, ".npz") }
func FuzzSafetensors(f *testing.F) { fuzz(f, ".safetensors") }

// FuzzNPY feeds the decoder of one array, past the checksums of the archive.
func FuzzNPY(f *testing.F) {
	f.Add([]byte(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "\x00\x00\x00\x00\x00\x00\xf0\x3f")))
	f.Add([]byte(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 1), }", "\x00\x01\x00\x02")))
	f.Add([]byte(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", "\x01")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := openNPY("a", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		a, err := r.read()
		if n, ok := elements(a.Shape); err == nil && (!ok || n != a.Len()) {
			t.Fatalf("%d elements of shape %v", a.Len(), a.Shape)
		}
	})
}

// TestExtension: a file whose name does not tell its format is not written.
func TestExtension(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.txt")
	if err := WriteFile(path, []Array{Float64("a", nil, []float64{1})}); err == nil || !strings.Contains(err.Error(), "use .npz or .safetensors") {
		t.Errorf("says %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("something was written")
	}
}
