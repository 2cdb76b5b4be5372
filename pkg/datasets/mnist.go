package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/klauspost/compress/gzip"
)

func init() {
	registry.Add(&Known, registry.Info{Name: "mnist", Doc: "60,000 + 10,000 handwritten digits, 28x28, 10 classes", Reference: "LeCun et al. 1998"},
		mnist, func(s IDXSet) (Source, error) { return s, nil })
	registry.Add(&Known, registry.Info{Name: "fashion_mnist", Doc: "60,000 + 10,000 pictures of clothes, 28x28, 10 classes", Reference: "Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747"},
		fashionMNIST, func(s IDXSet) (Source, error) { return s, nil })
}

// An IDXSet is a set of images in the four files of MNIST.
type IDXSet struct {
	name    string
	licence string
	files   [4]File   // train images, train labels, test images, test labels
	content [4]string // SHA-256 of what they unpack to; "": not known
	shape   tensor.Shape
	classes []string
	numbers bool // whether the classes are named by the labels of the files
}

// mnistShape is that of the images of MNIST, and of sets made in its likeness.
var mnistShape = tensor.Shape{C: 1, H: 28, W: 28}

var _ Source = IDXSet{}

var mnist = IDXSet{
	name: "mnist", licence: "CC BY-SA 3.0", classes: classNames(10), numbers: true, shape: mnistShape,
	content: [4]string{
		"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
		"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
		"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
		"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
	},
	files: idxFiles([]string{"https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"}, [4]File{
		{Size: 9912422, SHA256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
		{Size: 28881, SHA256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
		{Size: 1648877, SHA256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
		{Size: 4542, SHA256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
	}),
}

var fashionMNIST = IDXSet{
	name: "fashion_mnist", licence: "MIT", shape: mnistShape,
	content: [4]string{
		"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
		"bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
		"5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
		"0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
	},
	classes: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
	files: idxFiles([]string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"}, [4]File{
		{Size: 26421880, SHA256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
		{Size: 29515, SHA256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
		{Size: 4422102, SHA256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
		{Size: 5148, SHA256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
	}),
}

func idxFiles(mirrors []string, files [4]File) [4]File {
	for i, name := range []string{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"} {
		files[i].Name = name
		for _, m := range mirrors {
			files[i].URLs = append(files[i].URLs, m+name)
		}
	}
	return files
}

func (s IDXSet) Describe() Description {
	return Description{
		Shape: s.shape, Classes: len(s.classes), Train: 60000, Test: 10000, OwnTest: true,
		Files: s.files[:], Licence: s.licence,
	}
}

// Open reads the files from <dir>/<name>/, compressed or not.
func (s IDXSet) Open(env Env, _ Encoding) (*Raw, error) {
	dir := filepath.Join(env.Dir, s.name)
	if err := fetchMissing(env, s.name, dir, s.files[:], s.find); err != nil {
		return nil, err
	}
	raw := newRaw()
	raw.Classes = s.classes
	if !s.numbers {
		raw.Codes = classNames(len(s.classes))
	}
	var paths [4]string
	var data [4][]byte
	for i, f := range s.files {
		paths[i] = s.find(dir, f)
		var err error
		var sum string
		if data[i], sum, err = readIDXFile(env, paths[i], f, [2]uint32{idxImages, idxLabels}[i%2]); err != nil {
			return nil, err
		}
		raw.Checksums[filepath.Base(paths[i])] = sum
	}
	var err error
	if raw.Train, err = parseImages(paths[0], data[0], paths[1], data[1], len(s.classes)); err != nil {
		return nil, err
	}
	if raw.Test, err = parseImages(paths[2], data[2], paths[3], data[3], len(s.classes)); err != nil {
		return nil, err
	}
	var others []string
	for i, f := range s.files {
		if e := [2]*Examples{raw.Train, raw.Test}[i/2]; e.Shape != s.shape {
			return nil, damagedf(paths[i], "has images of shape %s, those of %s have %s; is it of another data set?", e.Shape, s.name, s.shape)
		}
		if raw.Checksums[filepath.Base(paths[i])] != f.SHA256 && s.content[i] != "" && sumOf(data[i]) != s.content[i] {
			others = append(others, filepath.Base(paths[i]))
		}
	}
	raw.warnOther(s.name, dir, others)
	return raw, nil
}

// warnOther tells of files in dir that do not hold what those of a well-known set do.
func (r *Raw) warnOther(set, dir string, files []string) {
	if len(files) > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("data set %s: these files in %s do not hold the published set, as their SHA-256 shows: %s; "+
			"results from them are not results on %s (see `dgn data verify %s`)", set, dir, listed(files), set, set))
	}
}

// sumOf is the SHA-256 in hexadecimal.
func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// find returns the path of a file, with or without .gz, "" if there is none.
func (s IDXSet) find(dir string, f File) string {
	for _, name := range []string{f.Name, strings.TrimSuffix(f.Name, ".gz")} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return ""
}

// readIDXFile returns the uncompressed bytes of a file that should start with a
// magic number, and the SHA-256 of the file as it is. The content is checked by
// its structure, so that a user's own images in this format can be read as well.
func readIDXFile(env Env, path string, f File, magic uint32) (data []byte, sum string, err error) {
	file, size, err := diskfile.Open(path)
	if err != nil {
		return nil, "", &DamagedError{path, fmt.Sprintf("cannot be read: %v", errors.Unwrap(err))}
	}
	defer file.Close()
	if size > maxPacked {
		return nil, "", damagedf(path, "is %d bytes long; at most %s are read", size, diskfile.Size(maxPacked))
	}
	h := sha256.New()
	all := io.TeeReader(diskfile.Reader(env.context(), file), h)
	r := all
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(all)
	}
	if err == nil {
		data, err = readIDX(r, magic)
	}
	if _, more := io.Copy(io.Discard, all); err == nil {
		err = more
	}
	sum = hex.EncodeToString(h.Sum(nil))
	switch {
	case env.context().Err() != nil:
		return nil, "", context.Cause(env.context())
	case err != nil && strings.HasSuffix(path, ".gz"):
		return nil, "", damagedf(path, "is not a whole gzip file (%v): it is %d bytes long with SHA-256 %s, the original is %d bytes with %s; delete it and run `dgn data get`", err, size, sum, f.Size, f.SHA256)
	case err != nil:
		return nil, "", damagedf(path, "cannot be read: %v", err)
	}
	return data, sum, nil
}

// maxPacked bounds a file as it is on disk.
const maxPacked = 2 << 30
