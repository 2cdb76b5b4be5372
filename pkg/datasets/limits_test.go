package datasets

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
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

// gzZeros is a compressed file that starts with some bytes and goes on with n
// zeros.
func gzZeros(t *testing.T, start []byte, n int64) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, io.MultiReader(bytes.NewReader(start), io.LimitReader(zeroReader{}, n))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// zipZeros is an .npz file that claims one array of n bytes; it has the header.
func zipZeros(t *testing.T, name string, n int) []byte {
	t.Helper()
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }\n", n)
	start := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	var packed, out bytes.Buffer
	d, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(append(append(start, header...), make([]byte, 100)...)); err != nil || d.Flush() != nil {
		t.Fatal(err)
	}
	packed.Write(make([]byte, n/1000)) // what could hold as much
	z := zip.NewWriter(&out)
	w, err := z.CreateRaw(&zip.FileHeader{Name: name + ".npy", Method: zip.Deflate, UncompressedSize64: uint64(len(start) + len(header) + n), CompressedSize64: uint64(packed.Len())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed.Bytes()); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestIDXLimits: what a file unfolds to is read as far as its header says.
func TestIDXLimits(t *testing.T) {
	const much = 64 << 20
	s := small()
	for _, c := range []struct {
		name string
		file int
		data []byte
		want string
	}{
		{"zeros for labels", 1, gzZeros(t, nil, much), "starts with magic number 0x00000000"},
		{"zeros after labels", 1, gzZeros(t, s[1], much), "has more than 4 bytes of data where its dimensions [4] need 4"},
		{"zeros after images", 0, gzZeros(t, s[0], much), "has more than 24 bytes of data"},
		{"a header of gigabytes", 1, gzZeros(t, idx(idxLabels, []uint32{3 << 30}, nil), much), "claims dimensions [3221225472], more than the 1 GiB that are read"},
		{"images of 0 pixels", 0, gzZeros(t, idx(idxImages, []uint32{1 << 31, 0, 1 << 31}, nil), 0), "claims dimensions [2147483648], more than the 1 GiB that are read"},
		{"two members", 0, append(gz(s[0]), gz(s[0])...), "has more than 24 bytes of data"},
		{"garbage at the end", 3, append(gz(s[3]), "garbage"...), "is not a whole gzip file"},
	} {
		dir := t.TempDir()
		write(t, dir, "mnist", s, true)
		path := filepath.Join(dir, "mnist", mnist.files[c.file].Name)
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		n := allocated(func() {
			_, err := mnist.Open(Env{Dir: dir, Offline: true}, OneHot)
			var d *DamagedError
			if !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: says %v, want %s", c.name, err, c.want)
			}
		})
		if n > 16<<20 {
			t.Errorf("%s: takes %d MiB", c.name, n>>20)
		}
	}
	// One file in two members is what gzip allows.
	path := filepath.Join(t.TempDir(), "images.gz")
	if err := os.WriteFile(path, append(gz(s[0][:20]), gz(s[0][20:])...), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, _, err := readIDXFile(Env{}, path, File{}, idxImages); err != nil || !bytes.Equal(data, s[0]) {
		t.Errorf("two members: %d bytes, %v", len(data), err)
	}
}

// TestCIFARLimits: of an archive or a batch no more is read than a set has.
func TestCIFARLimits(t *testing.T) {
	s := smallCIFAR()
	for name, data := range map[string][]byte{
		s.archive.Name:                    gzZeros(t, nil, 64<<20),
		s.folder + "/data_batch_1.bin":    bytes.Repeat([]byte{0}, 1<<20),
		s.folder + "/data_batch_2.bin":    nil,
		s.folder + "/../" + "ignored.bin": nil,
	} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "cifar10"), map[string][]byte{s.archive.Name: cifarArchive(s)})
		put(t, filepath.Join(dir, "cifar10"), map[string][]byte{name: data})
		n := allocated(func() {
			_, err := s.Open(offline(dir), OneHot)
			var d *DamagedError
			if strings.Contains(name, "ignored") != (err == nil) || err != nil && !errors.As(err, &d) {
				t.Errorf("%s: says %v", name, err)
			}
		})
		if n > 16<<20 {
			t.Errorf("%s: takes %d MiB", name, n>>20)
		}
	}
}

// TestUserFileLimits: of users' files, what is too large or no file at all is
// damaged, found out in little memory.
func TestUserFileLimits(t *testing.T) {
	dir := t.TempDir()
	name := func(file string) string { return filepath.Join(dir, file) }
	sparse := func(file string, size int64) string {
		if err := errors.Join(os.WriteFile(name(file), nil, 0o644), os.Truncate(name(file), size)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if err := errors.Join(syscall.Mkfifo(name("fifo"), 0o644), os.Mkdir(name("folder"), 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
	}{
		{"/dev/zero", "cannot be read: it is a device, not a file"},
		{"fifo", "cannot be read: it is a pipe, not a file"},
		{"folder", "cannot be read: it is a folder, not a file"},
		{sparse("line.csv", 1<<30), "cannot be read: line 1 is longer than 16 MiB, the most that is read"},
		{sparse("large.csv", 1<<40), "cannot be read: it is longer than 2 GiB"},
		{sparse("large.npz", 1<<40), "not an .npz file"},
	} {
		for set, open := range map[string]func() (*Raw, error){
			"csv": func() (*Raw, error) {
				return CSV{Path: c.path, Delimiter: ",", Target: TableTarget{Columns: Columns{{Index: -1}}}, Task: "auto"}.Open(offline(dir), Values)
			},
			"npz": func() (*Raw, error) { return NPZ{Path: c.path}.Open(offline(dir), Values) },
		} {
			if ext := filepath.Ext(c.path); ext != "" && ext != "."+set {
				continue
			}
			n := allocated(func() {
				_, err := open()
				var d *DamagedError
				if !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s of %s says %v, want %s", set, c.path, err, c.want)
				}
			})
			if n > 100<<20 {
				t.Errorf("%s of %s takes %d MiB", set, c.path, n>>20)
			}
		}
	}
	for _, c := range []struct{ npy, want string }{
		{"x", `array "x" has shape [1073741824], 1073741824 numbers; at most 536870912 are read`},
		{"z", `array "z" is unknown; a data set has the arrays x and y`},
	} {
		// The header alone: nothing of the gigabyte that it claims is unpacked.
		path := name(c.npy + ".npz")
		if err := os.WriteFile(path, zipZeros(t, c.npy, 1<<30), 0o644); err != nil {
			t.Fatal(err)
		}
		n := allocated(func() {
			_, err := NPZ{Path: path}.Open(offline(dir), Values)
			var d *DamagedError
			if !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("says %v, want %s", err, c.want)
			}
		})
		if n > 16<<20 {
			t.Errorf("%s takes %d MiB", path, n>>20)
		}
	}
}

// TestInterruptedReading: files of every kind are read until the context ends.
func TestInterruptedReading(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "mnist", small(), true)
	cifar := smallCIFAR()
	put(t, filepath.Join(dir, "cifar10"), map[string][]byte{cifar.archive.Name: cifarArchive(cifar)})
	put(t, dir, map[string][]byte{"a.csv": []byte("1,2\n3,4\n"), "a.npz": zipZeros(t, "x", 8)})
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("why")
	cancel(why)
	for name, s := range map[string]Source{
		"mnist": mnist, "cifar10": cifar, "npz": NPZ{Path: "a.npz"}, "csv": CSV{Path: "a.csv", Delimiter: ",", Target: TableTarget{Columns: Columns{{Index: -1}}}, Task: "auto"},
	} {
		if _, err := s.Open(Env{Context: ctx, Dir: dir, Offline: true}, Values); !errors.Is(err, why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
