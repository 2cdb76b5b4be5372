package datasets

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/klauspost/compress/gzip"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "cifar10", Doc: "50,000 + 10,000 colour photographs, 3x32x32, 10 classes; under a train_limit, only the batches it reaches", Reference: "Krizhevsky 2009"},
		cifar10, func(s CIFARSet) (Source, error) { return s, nil })
}

// A CIFARSet is a set of images in the binary version of CIFAR-10: batches of
// records, each a label and the red, green and blue pixels, row by row.
type CIFARSet struct {
	name, folder string
	archive      File
	train        []File // batches, in order
	test         File
	records      int // of each batch
	classes      []string
}

var _ Source = CIFARSet{}

// cifarShape is the shape of an image.
var cifarShape = tensor.Shape{C: 3, H: 32, W: 32}

var cifar10 = CIFARSet{
	name: "cifar10", folder: "cifar-10-batches-bin", records: 10000,
	archive: File{
		Name: "cifar-10-binary.tar.gz", Size: 170052171, SHA256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
		URLs: []string{
			"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
			"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
		},
	},
	train: []File{
		{Name: "data_batch_1.bin", Size: 30730000, SHA256: "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
		{Name: "data_batch_2.bin", Size: 30730000, SHA256: "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
		{Name: "data_batch_3.bin", Size: 30730000, SHA256: "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
		{Name: "data_batch_4.bin", Size: 30730000, SHA256: "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
		{Name: "data_batch_5.bin", Size: 30730000, SHA256: "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
	},
	test:    File{Name: "test_batch.bin", Size: 30730000, SHA256: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
	classes: []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
}

func (s CIFARSet) Describe() Description {
	d := Description{
		Shape: cifarShape, Classes: len(s.classes), Train: len(s.train) * s.records, Test: s.records, OwnTest: true,
		Files: []File{s.archive}, Licence: "none stated",
	}
	for _, f := range append(slices.Clone(s.train), s.test) {
		f.Name = filepath.Join(s.folder, f.Name)
		d.Unpacked = append(d.Unpacked, f)
	}
	return d
}

// Open reads the batches that the wanted examples are in, from the folder that
// the archive unpacks to below <dir>/<name>/, or else from the archive there.
func (s CIFARSet) Open(env Env, _ Encoding) (*Raw, error) {
	wanted := s.train
	if n := (env.TrainLimit + s.records - 1) / s.records; n > 0 && n < len(wanted) {
		wanted = wanted[:n]
	}
	content, err := s.read(env, append(slices.Clone(wanted), s.test))
	if err != nil {
		return nil, err
	}
	raw := newRaw()
	raw.Classes, raw.Codes = s.classes, classNames(len(s.classes))
	raw.Train, raw.Test = &Examples{Shape: cifarShape, Pixels: make([]uint8, 0, len(wanted)*s.records*cifarShape.Len())}, &Examples{Shape: cifarShape}
	var others []string
	for i, f := range append(slices.Clone(wanted), s.test) {
		to := raw.Train
		if i == len(wanted) {
			to = raw.Test
		}
		if err := s.parse(to, content[i]); err != nil {
			return nil, err
		}
		sum := sumOf(content[i].data)
		if raw.Checksums[f.Name] = sum; sum != f.SHA256 {
			others = append(others, f.Name)
		}
	}
	raw.warnOther(s.name, filepath.Join(env.Dir, s.name), others)
	return raw, nil
}

// A fileContent is what a file holds, and its name for messages.
type fileContent struct {
	name string
	data []byte
}

// read returns the content of batches.
func (s CIFARSet) read(env Env, files []File) ([]fileContent, error) {
	dir := filepath.Join(env.Dir, s.name)
	out := make([]fileContent, len(files))
	var absent []string
	for i, f := range files {
		at := filepath.Join(dir, s.folder, f.Name)
		b, err := s.readBatch(env, at)
		if errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, f.Name)
			continue
		}
		if err != nil {
			return nil, err
		}
		out[i] = fileContent{at, b}
	}
	if absent == nil {
		return out, nil
	}
	if err := s.fetch(env, dir, files, absent); err != nil {
		return nil, err
	}
	packed := filepath.Join(dir, s.archive.Name)
	members, err := s.unpack(env, packed, absent)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if out[i].data == nil {
			out[i] = fileContent{packed + ": " + path.Join(s.folder, f.Name), members[f.Name]}
		}
	}
	return out, nil
}

// readBatch reads a batch and, if there is one, one byte more, which is enough to
// know that the file is too long. Its errors are fs.ErrNotExist, *DamagedError
// and the context's.
func (s CIFARSet) readBatch(env Env, file string) ([]byte, error) {
	f, _, err := diskfile.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, damagedf(file, "cannot be read: %v", errors.Unwrap(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(diskfile.Reader(env.context(), f), int64(s.size()+1)))
	if cause := context.Cause(env.context()); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, damagedf(file, "cannot be read: %v", err)
	}
	return b, nil
}

// fetch makes sure of the archive, if absent files must come from it.
func (s CIFARSet) fetch(env Env, dir string, files []File, absent []string) error {
	err := fetchMissing(env, s.name, dir, []File{s.archive}, func(dir string, f File) string {
		if _, err := os.Stat(filepath.Join(dir, f.Name)); errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		return f.Name
	})
	missing, ok := err.(*MissingError)
	if !ok {
		return err
	}
	missing.Files = nil
	for _, name := range absent {
		missing.Files = append(missing.Files, filepath.Join(s.folder, name))
	}
	missing.Hint = fmt.Sprintf("The archive %s there, as it was published, serves as well.", s.archive.Name)
	here := slices.IndexFunc(files, func(f File) bool { return slices.Contains(absent, f.Name) })
	if here > 0 && here < len(files)-1 {
		missing.Hint += fmt.Sprintf(" The files that are there hold the first %d training examples: data.train_limit: %d or less does without the others.", here*s.records, here*s.records)
	}
	return missing
}

// unpack returns members of the archive by their names.
func (s CIFARSet) unpack(env Env, file string, names []string) (map[string][]byte, error) {
	f, _, err := diskfile.Open(file)
	if err != nil {
		return nil, damagedf(file, "cannot be read: %v", errors.Unwrap(err))
	}
	defer f.Close()
	z, err := gzip.NewReader(diskfile.Reader(env.context(), f))
	if cause := context.Cause(env.context()); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, damagedf(file, "is not a gzip file (%v); delete it and run `dgn data get %s`", err, s.name)
	}
	// What else is in the archive is some text.
	most := int64(len(s.train)+2) * int64(s.size()+1<<10)
	members, err := s.members(file, io.LimitReader(z, most), names)
	if cause := context.Cause(env.context()); cause != nil {
		return nil, cause
	}
	return members, err
}

// members is unpack for what is in the compressed file.
func (s CIFARSet) members(file string, r io.Reader, names []string) (map[string][]byte, error) {
	members := map[string][]byte{}
	for t := tar.NewReader(r); len(members) < len(names); {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, s.cut(file, err)
		}
		dir, name := path.Split(path.Clean(h.Name))
		if path.Clean(dir) != s.folder || !slices.Contains(names, name) {
			continue
		}
		// One byte more than expected is enough to know.
		if members[name], err = io.ReadAll(io.LimitReader(t, int64(s.size()+1))); err != nil {
			return nil, s.cut(file, err)
		}
	}
	for _, name := range names {
		if members[name] == nil {
			return nil, damagedf(file, "holds no %s; delete it and run `dgn data get %s`", path.Join(s.folder, name), s.name)
		}
	}
	return members, nil
}

func (s CIFARSet) cut(file string, err error) error {
	return damagedf(file, "is not a whole archive (%v); delete it and run `dgn data get %s`", err, s.name)
}

// record is the number of bytes of a label and an image.
var record = 1 + cifarShape.Len()

// size is that of a batch.
func (s CIFARSet) size() int { return s.records * record }

// parse appends the examples of a batch.
func (s CIFARSet) parse(e *Examples, c fileContent) error {
	if len(c.data) != s.size() {
		n := fmt.Sprint(len(c.data))
		if len(c.data) > s.size() {
			n = fmt.Sprintf("more than %d", s.size())
		}
		return damagedf(c.name, "is %s bytes long, so it ends in record %d; %d records of %d bytes are expected, each a label and an image of %s; fetch it again",
			n, len(c.data)/record, s.records, record, cifarShape)
	}
	for i := range s.records {
		r := c.data[i*record : (i+1)*record]
		if int(r[0]) >= len(s.classes) {
			return damagedf(c.name, "label %d of record %d is out of range 0 to %d", r[0], i, len(s.classes)-1)
		}
		e.Labels = append(e.Labels, int(r[0]))
		e.Pixels = append(e.Pixels, r[1:]...)
	}
	return nil
}
