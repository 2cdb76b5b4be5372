package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor"
)

// idx makes an IDX file.
func idx(magic uint32, dims []uint32, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// small is a set of 4 training and 2 test images of 2x3 pixels.
func small() [4][]byte {
	pixels := make([]byte, 24)
	for i := range pixels {
		pixels[i] = byte(10 * i)
	}
	return [4][]byte{
		idx(idxImages, []uint32{4, 2, 3}, pixels), idx(idxLabels, []uint32{4}, []byte{0, 9, 3, 3}),
		idx(idxImages, []uint32{2, 2, 3}, pixels[:12]), idx(idxLabels, []uint32{2}, []byte{1, 2}),
	}
}

// write puts the four files of a set into dir/name, compressed if they are
// named so.
func write(t *testing.T, dir, name string, files [4][]byte, compress bool) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, b := range files {
		path := filepath.Join(dir, name, mnist.files[i].Name)
		if compress {
			b = gz(b)
		} else {
			path = strings.TrimSuffix(path, ".gz")
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tinyMNIST is the set mnist with the images of small.
func tinyMNIST() IDXSet {
	s := mnist
	s.shape = tensor.Shape{C: 1, H: 2, W: 3}
	return s
}

func offline(dir string) Env { return Env{Dir: dir, Offline: true} }

func TestIDX(t *testing.T) {
	for _, compress := range []bool{true, false} {
		dir := t.TempDir()
		write(t, dir, "mnist", small(), compress)
		raw, err := tinyMNIST().Open(offline(dir), OneHot)
		if err != nil {
			t.Fatal(err)
		}
		if s := raw.Train.Shape; s.C != 1 || s.H != 2 || s.W != 3 || raw.Train.Len() != 4 || raw.Test.Len() != 2 {
			t.Errorf("shape %v, %d and %d examples", s, raw.Train.Len(), raw.Test.Len())
		}
		if raw.Train.Labels[1] != 9 || raw.Train.Pixels[23] != 230 || raw.Test.Labels[1] != 2 {
			t.Error("wrong labels or pixels")
		}
		if len(raw.Checksums) != 4 {
			t.Errorf("checksums: %v", raw.Checksums)
		}
	}
}

// TestIDXErrors feeds every kind of damage; each is a DamagedError that names
// the file.
func TestIDXErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(f *[4][]byte)
		file   int
		want   string
	}{
		{"cut data", func(f *[4][]byte) { f[0] = f[0][:30] }, 0, "has 14 bytes of data where its dimensions [4 2 3] need 24; it is cut short or damaged, fetch it again"},
		{"too long", func(f *[4][]byte) { f[1] = append(f[1], 0) }, 1, "has more than 4 bytes of data where its dimensions [4] need 4"},
		{"cut header", func(f *[4][]byte) { f[0] = f[0][:9] }, 0, "is cut short in its header, after 9 bytes"},
		{"empty", func(f *[4][]byte) { f[2] = nil }, 2, "is 0 bytes long, too short for an IDX file"},
		{"swapped", func(f *[4][]byte) { f[0], f[1] = f[1], f[0] }, 0, "starts with magic number 0x00000801 where 0x00000803 is expected: it holds labels; were the image and label files swapped?"},
		{"swapped labels", func(f *[4][]byte) { f[3] = f[2] }, 3, "starts with magic number 0x00000803 where 0x00000801 is expected: it holds images; were the image and label files swapped?"},
		{"magic", func(f *[4][]byte) { f[0][3] = 4 }, 0, "starts with magic number 0x00000804 where 0x00000803 is expected: it is not an IDX file of bytes"},
		{"label", func(f *[4][]byte) { f[1][9] = 10 }, 1, "label 10 of example 1 is out of range 0 to 9"},
		{"counts", func(f *[4][]byte) { f[3] = idx(idxLabels, []uint32{3}, []byte{1, 2, 3}) }, 3, "has 3 labels, but "},
		{"huge", func(f *[4][]byte) { copy(f[0][4:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") }, 0, "claims dimensions"},
		{"none", func(f *[4][]byte) {
			f[0], f[1] = idx(idxImages, []uint32{0, 2, 3}, nil), idx(idxLabels, []uint32{0}, nil)
		}, 0, "holds no images"},
		{"shapes", func(f *[4][]byte) { f[2] = idx(idxImages, []uint32{2, 3, 2}, make([]byte, 12)) }, 2, "has images of shape 1x3x2, those of mnist have 1x2x3; is it of another data set?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			files := small()
			c.damage(&files)
			write(t, dir, "mnist", files, false)
			_, err := tinyMNIST().Open(offline(dir), OneHot)
			var damaged *DamagedError
			path := filepath.Join(dir, "mnist", strings.TrimSuffix(mnist.files[c.file].Name, ".gz"))
			if !errors.As(err, &damaged) || damaged.File != path || !strings.HasPrefix(damaged.Msg, c.want) {
				t.Errorf("says %v\nwant %s: %s", err, path, c.want)
			}
		})
	}
}

func TestIDXCutGzip(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "mnist", small(), true)
	path := filepath.Join(dir, "mnist", mnist.files[2].Name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{b[:len(b)-6], []byte("hello"), {}} {
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := tinyMNIST().Open(offline(dir), OneHot)
		var d *DamagedError
		if !errors.As(err, &d) || d.File != path || !strings.Contains(d.Msg, "is not a whole gzip file") || !strings.Contains(d.Msg, "1648877") {
			t.Errorf("%d bytes: %v", len(damaged), err)
		}
	}
}

func TestMissingFiles(t *testing.T) {
	dir := t.TempDir()
	_, err := tinyMNIST().Open(offline(dir), OneHot)
	var m *MissingError
	if !errors.As(err, &m) {
		t.Fatal(err)
	}
	for _, want := range []string{filepath.Join(dir, "mnist"), "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "dgn data get mnist", "digits, breast_cancer and diabetes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("says\n%v\nwithout %s", err, want)
		}
	}
}

func FuzzIDX(f *testing.F) {
	s := small()
	f.Add(s[0], s[1])
	f.Add(s[2], s[3])
	f.Add(s[1], s[0])
	f.Add(s[0][:20], s[1][:8])
	f.Fuzz(func(t *testing.T, images, labels []byte) {
		e, err := parseImages("images", images, "labels", labels, 10)
		if err != nil {
			var d *DamagedError
			if !errors.As(err, &d) {
				t.Fatalf("not a DamagedError: %v", err)
			}
			return
		}
		if len(e.Pixels) != e.Len()*e.Shape.Len() || e.Len() == 0 {
			t.Fatalf("%d pixels for %d examples of shape %v", len(e.Pixels), e.Len(), e.Shape)
		}
		for _, l := range e.Labels {
			if l < 0 || l > 9 {
				t.Fatalf("label %d", l)
			}
		}
	})
}

// TestLookalike: files of another set under the name of a published one are used
// with a warning, however they are compressed; the published ones without.
func TestLookalike(t *testing.T) {
	files := small()
	other := files
	other[3] = idx(idxLabels, []uint32{2}, []byte{3, 4})
	for _, compress := range []bool{true, false} {
		for _, c := range []struct {
			files [4][]byte
			want  []string
		}{{files, nil}, {other, []string{"t10k-labels"}}} {
			set := tinyMNIST()
			for i, b := range files {
				set.files[i].SHA256, set.content[i] = sumOf([]byte("as it was published, packed otherwise")), sumOf(b)
			}
			dir := t.TempDir()
			write(t, dir, "mnist", c.files, compress)
			raw, err := set.Open(offline(dir), OneHot)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Prepare(raw, Defaults(), OneHot)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Warnings) != len(c.want) {
				t.Errorf("warnings %q, want %q", p.Warnings, c.want)
				continue
			}
			for i, w := range c.want {
				if !strings.Contains(p.Warnings[i], "data set mnist: these files in "+filepath.Join(dir, "mnist")+" do not hold the published set") || !strings.Contains(p.Warnings[i], w) || strings.Contains(p.Warnings[i], "train-") {
					t.Errorf("warns %s", p.Warnings[i])
				}
			}
		}
	}
	dir := t.TempDir()
	write(t, dir, "mnist", files, true)
	_, err := mnist.Open(offline(dir), OneHot)
	var d *DamagedError
	if !errors.As(err, &d) || !strings.Contains(d.Msg, "has images of shape 1x2x3, those of mnist have 1x28x28; is it of another data set?") {
		t.Errorf("images of another size say %v", err)
	}
}
