package arrays

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The .npy format, version 1.0 to 3.0 (NumPy enhancement proposal 1): a magic
// string, the length of a header, the header - a Python dictionary - and the
// elements.
const npyMagic = "\x93NUMPY"

// maxHeader bounds a header; NumPy's own are below 200 bytes.
const maxHeader = 1 << 16

// npyHeader matches what NumPy writes: keys in this order, single quotes.
var npyHeader = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*$`)

// kinds by the type code of a header; |b1 is a boolean. '>' is big-endian.
var npyKinds = map[string]kind{
	"f8": kindF64, "f4": kindF32, "f2": kindF16,
	"i8": kindI64, "i4": kindI32, "i2": kindI16, "i1": kindI8,
	"u4": kindU32, "u2": kindU16, "u1": kindU8, "b1": kindU8,
}

// An npyReader reads the elements that follow a header.
type npyReader struct {
	Header
	r       io.Reader
	swap    bool
	fortran bool
}

// openNPY reads the header of an .npy file of size bytes.
func openNPY(name string, r io.Reader, size int64) (*npyReader, error) {
	cut := fmt.Errorf("array %.60q: the header is cut short", name)
	b := make([]byte, 12)
	if _, err := io.ReadFull(r, b[:10]); err != nil && !ended(err) {
		return nil, fmt.Errorf("array %.60q: %w; the file is damaged", name, err)
	} else if err != nil || !bytes.HasPrefix(b, []byte(npyMagic)) {
		return nil, fmt.Errorf("array %.60q: not in NumPy's .npy format", name)
	}
	start, length := 10, int64(u16(b[8:]))
	switch version := b[6]; {
	case version < 1 || version > 3:
		return nil, fmt.Errorf("array %.60q: version %d of the .npy format is unknown", name, version)
	case version > 1:
		if _, err := io.ReadFull(r, b[10:]); err != nil {
			return nil, cut
		}
		start, length = 12, int64(u32(b[8:]))
	}
	if length > maxHeader || int64(start)+length > size {
		return nil, cut
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, cut
	}
	m := npyHeader.FindSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("array %.60q: the header %.80q is not one that NumPy writes for an array of numbers", name, text)
	}
	descr := string(m[1])
	if len(descr) < 2 {
		return nil, fmt.Errorf("array %.60q: unknown element type %q", name, descr)
	}
	k, ok := npyKinds[descr[1:]]
	if !ok || !strings.ContainsRune("<>|=", rune(descr[0])) {
		return nil, fmt.Errorf("array %.60q: elements of type %.60q are not supported; save it as float32, float64 or an integer type", name, descr)
	}
	shape := []int{}
	for s := range strings.SplitSeq(string(m[3]), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("array %.60q: the dimension %.40s is not a number", name, s)
		}
		shape = append(shape, d)
	}
	h, err := newHeader(name, shape, k, size-int64(start)-length)
	if err != nil {
		return nil, err
	}
	return &npyReader{h, r, descr[0] == '>', string(m[2]) == "True" && len(shape) > 1}, nil
}

// ended reports whether a file was shorter than what was to be read of it.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// read reads the elements.
func (n *npyReader) read() (Array, error) {
	a := Array{Name: n.Name, Shape: n.Shape}
	if err := n.kind.load(&a, decoder{n.r, n.Len(), n.kind.size, n.swap}); err != nil {
		return Array{}, fmt.Errorf("array %.60q: %w; the file is damaged", n.Name, err)
	}
	if n.fortran {
		// Elements in column-major order are those of the transpose.
		slices.Reverse(a.Shape)
		return a.transposed(), nil
	}
	return a, nil
}

// transposed returns the array with its axes reversed.
func (a Array) transposed() Array {
	t := Array{Name: a.Name, Shape: make([]int, len(a.Shape))}
	for i, d := range a.Shape {
		t.Shape[len(a.Shape)-1-i] = d
	}
	t.f32, t.f64, t.i64 = transpose(a.f32, a.Shape), transpose(a.f64, a.Shape), transpose(a.i64, a.Shape)
	return t
}

func transpose[E any](in []E, shape []int) []E {
	if in == nil {
		return nil
	}
	out := make([]E, len(in))
	index := make([]int, len(shape)) // of the element at hand, in the order of in
	for _, v := range in {
		at := 0
		for i := len(shape) - 1; i >= 0; i-- {
			at = at*shape[i] + index[i]
		}
		out[at] = v
		for i := len(shape) - 1; i >= 0; i-- {
			if index[i]++; index[i] < shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return out
}

// encodeNPY writes an array as NumPy does.
func encodeNPY(w io.Writer, a Array) error {
	descr := "<f8"
	switch {
	case a.f32 != nil:
		descr = "<f4"
	case a.i64 != nil:
		descr = "<i8"
	}
	var dims strings.Builder
	for i, d := range a.Shape {
		if i > 0 {
			dims.WriteString(", ")
		}
		dims.WriteString(strconv.Itoa(d))
	}
	if len(a.Shape) == 1 {
		dims.WriteString(",")
	}
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims.String())
	// Elements start at a multiple of 64 bytes.
	pad := 64 - (10+len(h)+1)%64
	h += strings.Repeat(" ", pad%64) + "\n"
	if len(h) > maxHeader-1 {
		return errors.New("arrays: too many dimensions for an .npy header")
	}
	b := append([]byte(npyMagic), 1, 0, byte(len(h)), byte(len(h)>>8))
	_, err := w.Write(append(append(b, h...), a.raw()...))
	return err
}
