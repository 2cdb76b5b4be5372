package datasets

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/klauspost/compress/gzip"
)

//go:embed embedded
var embeddedFiles embed.FS

func init() {
	for _, s := range []struct {
		info registry.Info
		set  Embedded
	}{
		{registry.Info{Name: "digits", Doc: "1,797 handwritten digits, 8x8, 10 classes (embedded)", Reference: "Alpaydin and Kaynak 1998, UCI"},
			Embedded{Description{Shape: tensor.Shape{C: 1, H: 8, W: 8}, Classes: 10, Train: 1797, Licence: "CC BY 4.0"}, openDigits}},
		{registry.Info{Name: "breast_cancer", Doc: "569 tumours, 30 features, malignant or benign (embedded)", Reference: "Wolberg, Street and Mangasarian 1995, UCI"},
			Embedded{Description{Shape: tensor.Shape{C: 30, H: 1, W: 1}, Classes: 2, Train: 569, Licence: "CC BY 4.0"}, openBreastCancer}},
		{registry.Info{Name: "diabetes", Doc: "442 patients, 10 features, disease progression (embedded, regression)", Reference: "Efron et al. 2004"},
			Embedded{Description{Shape: tensor.Shape{C: 10, H: 1, W: 1}, Targets: 1, Train: 442, Licence: "none stated"}, openDiabetes}},
	} {
		s.set.known.Embedded = true
		registry.Add(&Known, s.info, s.set, func(s Embedded) (Source, error) { return s, nil })
	}
}

// Embedded is a small set that is part of the program. It has no test part of
// its own.
type Embedded struct {
	known Description
	open  func(raw *Raw) error
}

var _ Source = Embedded{}

func (s Embedded) Describe() Description { return s.known }

func (s Embedded) Open(Env, Encoding) (*Raw, error) {
	raw := newRaw()
	raw.Train = &Examples{Shape: s.known.Shape}
	return raw, s.open(raw)
}

// An embeddedTable is a numeric table that is part of the program. It is read once for all runs
// of a sweep: that of digits takes 23 ms (EPYC of Zen 3), and is kept in 1.1 MB; the others are smaller.
type embeddedTable func() (readNumbers, error)

type readNumbers struct {
	name, checksum string
	rows           [][]float64 // not to be written to
}

func embedTable(name, delimiter string, skip int) embeddedTable {
	return sync.OnceValues(func() (readNumbers, error) {
		b, err := embeddedFiles.ReadFile("embedded/" + name)
		if err != nil {
			return readNumbers{}, err
		}
		read := readNumbers{name: name, checksum: sumOf(b)}
		if strings.HasSuffix(name, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				return read, fmt.Errorf("%s: %w", name, err)
			}
			if b, err = io.ReadAll(z); err != nil {
				return read, fmt.Errorf("%s: %w", name, err)
			}
		}
		t, err := readTable(name, b, delimiter, false, skip)
		if err != nil {
			return read, err
		}
		read.rows, err = t.numbers()
		return read, err
	})
}

var (
	digitsTable         = embedTable("digits.csv.gz", ",", 0)
	breastCancerTable   = embedTable("breast_cancer.csv", ",", 1) // below a line of counts and names
	diabetesTable       = embedTable("diabetes_data_raw.csv.gz", blanks, 0)
	diabetesTargetTable = embedTable("diabetes_target.csv.gz", blanks, 0)
)

// numbers are those of the table, whose checksum is noted. They are shared: callers copy them.
func (t embeddedTable) numbers(raw *Raw) ([][]float64, error) {
	read, err := t()
	if err == nil {
		raw.Checksums[read.name] = read.checksum
	}
	return read.rows, err
}

// openDigits: 64 pixels of 0 to 16, then the class.
func openDigits(raw *Raw) error {
	rows, err := digitsTable.numbers(raw)
	for _, r := range rows {
		for _, v := range r[:64] {
			raw.Train.Pixels = append(raw.Train.Pixels, uint8(v))
		}
		raw.Train.Labels = append(raw.Train.Labels, int(r[64]))
	}
	raw.Train.White = 16
	raw.Classes = classNames(10)
	return err
}

// openBreastCancer: 30 features and the class.
func openBreastCancer(raw *Raw) error {
	rows, err := breastCancerTable.numbers(raw)
	for _, r := range rows {
		raw.Train.Values = append(raw.Train.Values, r[:30]...)
		raw.Train.Labels = append(raw.Train.Labels, int(r[30]))
	}
	raw.Classes = []string{"malignant", "benign"}
	raw.Codes = classNames(2)
	return err
}

// openDiabetes: ten features in one file, the target in another.
func openDiabetes(raw *Raw) error {
	rows, err := diabetesTable.numbers(raw)
	if err != nil {
		return err
	}
	for _, r := range rows {
		raw.Train.Values = append(raw.Train.Values, r...)
	}
	targets, err := diabetesTargetTable.numbers(raw)
	for _, r := range targets {
		raw.Train.Targets = append(raw.Train.Targets, r...)
	}
	raw.Train.K = 1
	return err
}
