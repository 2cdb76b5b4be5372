package datasets

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// smallCIFAR has two training batches of three records.
func smallCIFAR(urls ...string) CIFARSet {
	s := cifar10
	s.records, s.train = 3, s.train[:2]
	s.archive = fileOf(cifarArchive(s), urls...)
	s.archive.Name = cifar10.archive.Name
	return s
}

// batch is the content of a training batch, or of the test batch, 9: record r has
// the label n+r, and pixels that tell all apart.
func batch(n int) []byte {
	var b []byte
	for r := range 3 {
		b = append(b, byte((n+r)%10))
		for i := range cifarShape.Len() {
			b = append(b, byte(i+17*r+n))
		}
	}
	return b
}

func cifarFiles() map[string][]byte {
	return map[string][]byte{"data_batch_1.bin": batch(1), "data_batch_2.bin": batch(2), "test_batch.bin": batch(9)}
}

func cifarArchive(s CIFARSet) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	add := func(name string, b []byte) {
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b))}), writeAll(w, b)); err != nil {
			panic(err)
		}
	}
	add(s.folder+"/batches.meta.txt", []byte("airplane\n"))
	files := cifarFiles()
	for _, name := range []string{"data_batch_2.bin", "data_batch_1.bin", "test_batch.bin"} {
		add(s.folder+"/"+name, files[name])
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func writeAll(w *tar.Writer, b []byte) error { _, err := w.Write(b); return err }

// put writes files of a set below dir.
func put(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func checkCIFAR(t *testing.T, raw *Raw, train int) {
	t.Helper()
	want := [][]byte{batch(1), batch(2)}[:train]
	if raw.Train.Len() != 3*train || raw.Test.Len() != 3 || len(raw.Checksums) != train+1 {
		t.Fatalf("%d and %d examples, checksums %v", raw.Train.Len(), raw.Test.Len(), raw.Checksums)
	}
	for i := range raw.Train.Len() {
		r := want[i/3][i%3*3073 : (i%3+1)*3073]
		if raw.Train.Labels[i] != int(r[0]) || !bytes.Equal(raw.Train.Pixels[i*3072:(i+1)*3072], r[1:]) {
			t.Errorf("training example %d is another", i)
		}
	}
	if !slices.Equal(raw.Test.Labels, []int{9, 0, 1}) || !bytes.Equal(raw.Test.Pixels[:3072], batch(9)[1:3073]) {
		t.Error("the test examples are others")
	}
}

// TestCIFAR: the set comes from the folder, from the archive, or from both, with
// the same checksums; a limit spares the batches after it.
func TestCIFAR(t *testing.T) {
	s := smallCIFAR()
	files := cifarFiles()
	dir := filepath.Join(t.TempDir(), "unpacked")
	put(t, filepath.Join(dir, "cifar10", s.folder), files)
	unpacked, err := s.Open(offline(dir), OneHot)
	if err != nil {
		t.Fatal(err)
	}
	checkCIFAR(t, unpacked, 2)
	if w := unpacked.Warnings; len(w) != 1 || !strings.Contains(w[0], "do not hold the published set, as their SHA-256 shows: data_batch_1.bin, data_batch_2.bin, test_batch.bin;") {
		t.Errorf("warnings %q", w)
	}
	known := s
	known.train, known.test.SHA256 = slices.Clone(s.train), sumOf(files["test_batch.bin"])
	for i := range known.train {
		known.train[i].SHA256 = sumOf(files[known.train[i].Name])
	}
	if raw, err := known.Open(offline(dir), OneHot); err != nil || raw.Warnings != nil {
		t.Errorf("the published files: warnings %q, %v", raw.Warnings, err)
	}

	packed := t.TempDir()
	put(t, filepath.Join(packed, "cifar10"), map[string][]byte{s.archive.Name: cifarArchive(s)})
	raw, err := s.Open(offline(packed), OneHot)
	if err != nil {
		t.Fatal(err)
	}
	checkCIFAR(t, raw, 2)
	if fmt.Sprint(raw.Checksums) != fmt.Sprint(unpacked.Checksums) {
		t.Errorf("checksums %v of the archive, %v of its files", raw.Checksums, unpacked.Checksums)
	}
	put(t, filepath.Join(packed, "cifar10", s.folder), map[string][]byte{"data_batch_2.bin": files["data_batch_2.bin"]})
	if raw, err = s.Open(offline(packed), OneHot); err != nil {
		t.Fatal(err)
	}
	checkCIFAR(t, raw, 2)

	some := t.TempDir()
	put(t, filepath.Join(some, "cifar10", s.folder), map[string][]byte{"data_batch_1.bin": files["data_batch_1.bin"], "test_batch.bin": files["test_batch.bin"]})
	for limit, ok := range map[int]bool{1: true, 3: true, 4: false, 6: false, 0: false, 100: false} {
		env := offline(some)
		env.TrainLimit = limit
		raw, err := s.Open(env, OneHot)
		if ok {
			if err != nil {
				t.Fatal(err)
			}
			checkCIFAR(t, raw, 1)
			continue
		}
		var m *MissingError
		if !errors.As(err, &m) || !slices.Equal(m.Files, []string{filepath.Join(s.folder, "data_batch_2.bin")}) {
			t.Errorf("limit %d: %v", limit, err)
		} else if want := "hold the first 3 training examples: data.train_limit: 3 or less does without the others"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cifar-10-binary.tar.gz") {
			t.Errorf("says\n%v\nwithout %s", err, want)
		}
	}
	if _, err := s.Open(offline(t.TempDir()), OneHot); err == nil || strings.Contains(err.Error(), "does without") || !strings.Contains(err.Error(), "test_batch.bin") {
		t.Errorf("of an empty folder says %v", err)
	}
}

// TestCIFARDownload: the archive is fetched once, if files are absent.
func TestCIFARDownload(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Write(cifarArchive(cifar10))
	}))
	defer server.Close()
	s := smallCIFAR(server.URL)
	env := Env{Context: context.Background(), Client: server.Client(), Dir: t.TempDir()}
	for range 2 {
		raw, err := s.Open(env, OneHot)
		if err != nil {
			t.Fatal(err)
		}
		checkCIFAR(t, raw, 2)
	}
	if requests != 1 {
		t.Errorf("%d requests", requests)
	}
}

func TestCIFARDamage(t *testing.T) {
	s := smallCIFAR()
	for _, c := range []struct {
		name   string
		damage func(files map[string][]byte)
		file   string
		want   string
	}{
		{"cut", func(f map[string][]byte) { f["data_batch_2.bin"] = f["data_batch_2.bin"][:5000] }, "data_batch_2.bin",
			"is 5000 bytes long, so it ends in record 1; 3 records of 3073 bytes are expected, each a label and an image of 3x32x32"},
		{"record short", func(f map[string][]byte) { f["test_batch.bin"] = f["test_batch.bin"][:2*3073] }, "test_batch.bin", "is 6146 bytes long, so it ends in record 2"},
		{"too long", func(f map[string][]byte) { f["test_batch.bin"] = append(f["test_batch.bin"], 1) }, "test_batch.bin", "is more than 9219 bytes long"},
		{"empty", func(f map[string][]byte) { f["test_batch.bin"] = nil }, "test_batch.bin", "is 0 bytes long"},
		{"label", func(f map[string][]byte) { f["data_batch_1.bin"][3073] = 10 }, "data_batch_1.bin", "label 10 of record 1 is out of range 0 to 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			files := cifarFiles()
			c.damage(files)
			put(t, filepath.Join(dir, "cifar10", s.folder), files)
			_, err := s.Open(offline(dir), OneHot)
			var d *DamagedError
			if path := filepath.Join(dir, "cifar10", s.folder, c.file); !errors.As(err, &d) || d.File != path || !strings.HasPrefix(d.Msg, c.want) {
				t.Errorf("says %v\nwant %s: %s", err, path, c.want)
			}
		})
	}
	whole := cifarArchive(s)
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"not gzip":  {[]byte("hello"), "is not a gzip file"},
		"cut":       {whole[:len(whole)/2], "is not a whole archive"},
		"no member": {emptyArchive(t), "holds no cifar-10-batches-bin/data_batch_1.bin; delete it and run `dgn data get cifar10`"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "cifar10"), map[string][]byte{s.archive.Name: c.archive})
			_, err := s.Open(offline(dir), OneHot)
			var d *DamagedError
			if !errors.As(err, &d) || d.File != filepath.Join(dir, "cifar10", s.archive.Name) || !strings.Contains(d.Msg, c.want) {
				t.Errorf("says %v\nwant %s", err, c.want)
			}
		})
	}
}

func emptyArchive(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if err := errors.Join(tar.NewWriter(z).Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestVerifyUnpacked: an archive, or what it holds, is looked at; all that is
// there, and all that is wanted if the archive is not.
func TestVerifyUnpacked(t *testing.T) {
	statuses := func(files map[string][]byte) (out []string) {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "cifar10"), files)
		checks, err := Verify(offline(dir), "cifar10")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			out = append(out, c.Status+" "+filepath.Base(c.File))
		}
		return out
	}
	folder, archive := cifar10.folder, cifar10.archive.Name
	for _, c := range []struct {
		files map[string][]byte
		want  []string
	}{
		{nil, []string{"missing " + archive}},
		{map[string][]byte{archive: nil}, []string{"damaged " + archive}},
		{map[string][]byte{archive: nil, folder + "/data_batch_2.bin": nil}, []string{"damaged " + archive, "damaged data_batch_2.bin"}},
		{map[string][]byte{folder + "/test_batch.bin": nil}, []string{"missing data_batch_1.bin", "missing data_batch_2.bin", "missing data_batch_3.bin", "missing data_batch_4.bin", "missing data_batch_5.bin", "damaged test_batch.bin"}},
	} {
		if got := statuses(c.files); !slices.Equal(got, c.want) {
			t.Errorf("%v are %v, want %v", c.files, got, c.want)
		}
	}
}

func FuzzCIFAR(f *testing.F) {
	s := smallCIFAR()
	s.records = 1
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	h := &tar.Header{Name: s.folder + "/test_batch.bin", Size: 3}
	if err := errors.Join(w.WriteHeader(h), writeAll(w, []byte("abc")), w.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add(byte(9), uint16(3073), packed.Bytes())
	f.Add(byte(10), uint16(3073), packed.Bytes()[:700])
	f.Add(byte(0), uint16(3000), []byte{})
	f.Fuzz(func(t *testing.T, label byte, size uint16, packed []byte) {
		var d *DamagedError
		data := make([]byte, size)
		if size > 0 {
			data[0] = label
		}
		e := &Examples{Shape: cifarShape}
		if err := s.parse(e, fileContent{"file", data}); err == nil {
			if e.Len() != 1 || len(e.Pixels) != 3072 || e.Labels[0] > 9 {
				t.Fatalf("%d labels, %d pixels", e.Len(), len(e.Pixels))
			}
		} else if !errors.As(err, &d) {
			t.Fatalf("not a DamagedError: %v", err)
		}
		if members, err := s.members("file", bytes.NewReader(packed), []string{"test_batch.bin"}); err == nil {
			if n := len(members["test_batch.bin"]); n > s.size()+1 {
				t.Fatalf("%d bytes", n)
			}
		} else if !errors.As(err, &d) {
			t.Fatalf("not a DamagedError: %v", err)
		}
	})
}
