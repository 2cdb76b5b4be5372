package arrays

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The safetensors format (github.com/huggingface/safetensors): the length of a
// header, the header - a JSON object - and the elements, without gaps.
const maxSafetensorsHeader = 16 << 20 // some 100,000 arrays

var safetensorsKinds = map[string]kind{
	"F64": kindF64, "F32": kindF32, "F16": kindF16, "BF16": kindBF16,
	"I64": kindI64, "I32": kindI32, "I16": kindI16, "I8": kindI8,
	"U32": kindU32, "U16": kindU16, "U8": kindU8, "BOOL": kindU8,
}

type safetensor struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"`
}

// ReadSafetensors reads the arrays of a .safetensors file, in the order of
// their data. No elements are read before the header is known to be sound and
// the names and shapes of all have passed the checks.
func ReadSafetensors(r io.ReaderAt, size int64, checks ...Check) ([]Array, error) {
	if size < 8 {
		return nil, errors.New("not a .safetensors file: shorter than its 8-byte start")
	}
	start := make([]byte, 8)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, 8), start); err != nil {
		return nil, err
	}
	n := u64(start)
	switch {
	case n > uint64(size-8):
		return nil, fmt.Errorf("not a .safetensors file, or cut short: it claims a header of %d bytes and has %d", n, size-8)
	case n > maxSafetensorsHeader:
		return nil, fmt.Errorf("not a .safetensors file: it claims a header of %d bytes; at most %d are read", n, maxSafetensorsHeader)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, 8, int64(n)), header); err != nil {
		return nil, err
	}
	data := io.NewSectionReader(r, 8+int64(n), size-8-int64(n))
	tensors, names, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(tensors[a].Offsets[0], tensors[b].Offsets[0]), cmp.Compare(tensors[a].Offsets[1], tensors[b].Offsets[1]))
	})
	var wanted []Header
	g := gate{checks: checks}
	end := 0
	for _, name := range names {
		t := tensors[name]
		k, ok := safetensorsKinds[t.DType]
		if !ok {
			return nil, fmt.Errorf("array %.60q: elements of type %.60q are not supported", name, t.DType)
		}
		if t.Offsets[0] != end || t.Offsets[1] < end || int64(t.Offsets[1]) > data.Size() {
			return nil, fmt.Errorf("array %.60q: its data are at bytes %v, expected to start at %d and end by %d", name, t.Offsets, end, data.Size())
		}
		h, err := newHeader(name, t.Shape, k, int64(t.Offsets[1]-end))
		if err != nil {
			return nil, err
		}
		if ok, err = g.pass(h); err != nil {
			return nil, err
		}
		if ok {
			wanted = append(wanted, h)
		}
		end = t.Offsets[1]
	}
	if int64(end) != data.Size() {
		return nil, fmt.Errorf("%d bytes at the end belong to no array", data.Size()-int64(end))
	}
	var out []Array
	for _, h := range wanted {
		o := tensors[h.Name].Offsets
		a := Array{Name: h.Name, Shape: h.Shape}
		if err := h.kind.load(&a, decoder{r: io.NewSectionReader(data, int64(o[0]), int64(o[1]-o[0])), n: h.Len(), size: h.kind.size}); err != nil {
			return nil, fmt.Errorf("array %.60q: %w", h.Name, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// parseHeader decodes the header key by key, which tells duplicate names.
func parseHeader(header []byte) (map[string]safetensor, []string, error) {
	bad := func(err error) error { return fmt.Errorf("the header is not valid: %w", err) }
	d := json.NewDecoder(bytes.NewReader(header))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, bad(errors.New("expected a JSON object"))
	}
	tensors := map[string]safetensor{}
	var names []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, bad(err)
		}
		name := t.(string) // the decoder takes nothing else for a key
		if name == "__metadata__" {
			var meta map[string]string
			if err := d.Decode(&meta); err != nil {
				return nil, nil, bad(err)
			}
			continue
		}
		var s safetensor
		if err := d.Decode(&s); err != nil {
			return nil, nil, bad(err)
		}
		if _, dup := tensors[name]; dup {
			return nil, nil, fmt.Errorf("array %.60q: there are two of this name", name)
		}
		if len(s.Offsets) != 2 {
			return nil, nil, fmt.Errorf("array %.60q: data_offsets must be two numbers, got %.60s", name, fmt.Sprint(s.Offsets))
		}
		tensors[name], names = s, append(names, name)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, bad(err)
	}
	if rest := header[d.InputOffset():]; len(bytes.Trim(rest, " \n")) != 0 {
		return nil, nil, bad(errors.New("text after the JSON object"))
	}
	return tensors, names, nil
}

// WriteSafetensors writes arrays in order. The same arrays give the same bytes.
func WriteSafetensors(w io.Writer, arrays []Array) error {
	var h bytes.Buffer
	h.WriteByte('{')
	at := 0
	for i, a := range arrays {
		t := safetensor{DType: "F64", Shape: a.Shape}
		size := 8 * a.Len()
		switch {
		case a.f32 != nil:
			t.DType, size = "F32", 4*a.Len()
		case a.i64 != nil:
			t.DType = "I64"
		}
		if t.Shape == nil {
			t.Shape = []int{}
		}
		t.Offsets = []int{at, at + size}
		at += size
		key, err := json.Marshal(a.Name)
		if err != nil {
			return err
		}
		value, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if i > 0 {
			h.WriteByte(',')
		}
		fmt.Fprintf(&h, "%s:%s", key, value)
	}
	h.WriteByte('}')
	for h.Len()%8 != 0 { // elements start at a multiple of 8
		h.WriteByte(' ')
	}
	n := uint64(h.Len())
	out := make([]byte, 8, 8+h.Len()+at)
	for i := range out {
		out[i] = byte(n >> (8 * i))
	}
	out = append(out, h.Bytes()...)
	for _, a := range arrays {
		out = append(out, a.raw()...)
	}
	_, err := w.Write(out)
	return err
}
