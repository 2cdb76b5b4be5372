package datasets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// The IDX format of MNIST: a magic number, whose third byte is the element type
// (8: unsigned byte) and whose fourth the number of dimensions; the dimensions,
// big-endian; the elements.
const (
	idxImages = 0x00000803
	idxLabels = 0x00000801
)

// parseIDX returns the dimensions and the bytes of an IDX file that should
// start with a given magic number.
func parseIDX(file string, b []byte, magic uint32) (dims []int, data []byte, err error) {
	if len(b) < 4 {
		return nil, nil, damagedf(file, "is %d bytes long, too short for an IDX file; fetch it again", len(b))
	}
	if got := binary.BigEndian.Uint32(b); got != magic {
		hint := "it is not an IDX file of bytes"
		switch got {
		case idxImages:
			hint = "it holds images; were the image and label files swapped?"
		case idxLabels:
			hint = "it holds labels; were the image and label files swapped?"
		}
		return nil, nil, damagedf(file, "starts with magic number %#08x where %#08x is expected: %s", got, magic, hint)
	}
	n := int(magic & 0xff)
	if len(b) < 4+4*n {
		return nil, nil, damagedf(file, "is cut short in its header, after %d bytes; fetch it again", len(b))
	}
	want := 1
	for i := range n {
		d := int(binary.BigEndian.Uint32(b[4+4*i:]))
		dims = append(dims, d)
		if d > 0 && want > maxIDX/d {
			return nil, nil, damagedf(file, "claims dimensions %v, more than the %s that are read; the header is damaged", dims, diskfile.Size(maxIDX))
		}
		want *= d
	}
	data = b[4+4*n:]
	if len(data) != want {
		got := fmt.Sprint(len(data))
		if len(data) > want {
			got = fmt.Sprintf("more than %d", want)
		}
		return nil, nil, damagedf(file, "has %s bytes of data where its dimensions %v need %d; it is cut short or damaged, fetch it again", got, dims, want)
	}
	return dims, data, nil
}

// maxIDX bounds the elements of a file.
const maxIDX = 1 << 30

// readIDX reads from r what a file that starts with a magic number should hold,
// as its header says, and one byte more if there is one: enough for parseIDX to
// tell what is wrong with the rest.
func readIDX(r io.Reader, magic uint32) ([]byte, error) {
	var b bytes.Buffer
	more := func(n int64) (whole bool, err error) {
		got, err := io.CopyN(&b, r, n)
		if err == io.EOF {
			err = nil
		}
		return got == n, err
	}
	header := 4 + 4*int64(magic&0xff)
	if whole, err := more(header); !whole || err != nil {
		return b.Bytes(), err
	}
	want := int64(0)
	if binary.BigEndian.Uint32(b.Bytes()) == magic {
		want = 1
		for d := b.Bytes()[4:]; len(d) > 0; d = d[4:] {
			n := int64(binary.BigEndian.Uint32(d))
			if n > 0 && want > maxIDX/n {
				return b.Bytes(), nil
			}
			want *= n
		}
	}
	_, err := more(want + 1)
	return b.Bytes(), err
}

// parseImages reads n images with labels 0 to classes-1 from the bytes of two
// IDX files.
func parseImages(imageFile string, images []byte, labelFile string, labels []byte, classes int) (*Examples, error) {
	dims, pixels, err := parseIDX(imageFile, images, idxImages)
	if err != nil {
		return nil, err
	}
	ldims, ls, err := parseIDX(labelFile, labels, idxLabels)
	if err != nil {
		return nil, err
	}
	if dims[0] != ldims[0] {
		return nil, damagedf(labelFile, "has %d labels, but %s has %d images; are they of the same part?", ldims[0], imageFile, dims[0])
	}
	if len(pixels) == 0 {
		return nil, damagedf(imageFile, "holds no images: its dimensions are %v", dims)
	}
	e := &Examples{Pixels: pixels, Labels: make([]int, len(ls))}
	e.Shape.C, e.Shape.H, e.Shape.W = 1, dims[1], dims[2]
	for i, l := range ls {
		if int(l) >= classes {
			return nil, damagedf(labelFile, "label %d of example %d is out of range 0 to %d", l, i, classes-1)
		}
		e.Labels[i] = int(l)
	}
	return e, nil
}

// classNames returns "0" to "n-1".
func classNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}
