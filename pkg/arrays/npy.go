package arrays

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
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

// decodeNPY reads one array from all the bytes of an .npy file.
func decodeNPY(name string, b []byte) (Array, error) {
	if !bytes.HasPrefix(b, []byte(npyMagic)) || len(b) < 10 {
		return Array{}, fmt.Errorf("array %q: not in NumPy's .npy format", name)
	}
	start, length := 10, int(u16(b[8:]))
	switch version := b[6]; {
	case version < 1 || version > 3:
		return Array{}, fmt.Errorf("array %q: version %d of the .npy format is unknown", name, version)
	case version > 1 && len(b) >= 12:
		start, length = 12, int(u32(b[8:]))
	case version > 1:
		return Array{}, fmt.Errorf("array %q: the header is cut short", name)
	}
	if length > maxHeader || start+length > len(b) {
		return Array{}, fmt.Errorf("array %q: the header is cut short", name)
	}
	m := npyHeader.FindSubmatch(b[start : start+length])
	if m == nil {
		return Array{}, fmt.Errorf("array %q: the header %.80q is not one that NumPy writes for an array of numbers", name, b[start:start+length])
	}
	descr := string(m[1])
	if len(descr) < 2 {
		return Array{}, fmt.Errorf("array %q: unknown element type %q", name, descr)
	}
	k, ok := npyKinds[descr[1:]]
	if !ok || !strings.ContainsRune("<>|=", rune(descr[0])) {
		return Array{}, fmt.Errorf("array %q: elements of type %q are not supported; save it as float32, float64 or an integer type", name, descr)
	}
	shape := []int{}
	for s := range strings.SplitSeq(string(m[3]), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return Array{}, fmt.Errorf("array %q: the dimension %s is not a number", name, s)
		}
		shape = append(shape, d)
	}
	data := b[start+length:]
	if descr[0] == '>' {
		data = swapped(data, k.size)
	}
	fortran := string(m[2]) == "True" && len(shape) > 1
	if fortran {
		// Elements in column-major order are those of the transpose.
		reversed := make([]int, len(shape))
		for i, d := range shape {
			reversed[len(shape)-1-i] = d
		}
		a, err := fill(name, reversed, k, data)
		return a.transposed(), err
	}
	return fill(name, shape, k, data)
}

// swapped returns b with the bytes of each element reversed.
func swapped(b []byte, size int) []byte {
	out := bytes.Clone(b)
	for e := out; len(e) >= size; e = e[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			e[i], e[j] = e[j], e[i]
		}
	}
	return out
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
