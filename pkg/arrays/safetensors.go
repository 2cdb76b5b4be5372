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
const maxSafetensorsHeader = 100_000_000

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

// ReadSafetensors reads all arrays of a .safetensors file, in the order of
// their data.
func ReadSafetensors(r io.ReaderAt, size int64) ([]Array, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), b); err != nil {
		return nil, err
	}
	if len(b) < 8 {
		return nil, errors.New("not a .safetensors file: shorter than its 8-byte start")
	}
	n := u64(b)
	if n > maxSafetensorsHeader || n > uint64(len(b)-8) {
		return nil, fmt.Errorf("not a .safetensors file, or cut short: it claims a header of %d bytes and has %d", n, len(b)-8)
	}
	header, data := b[8:8+n], b[8+n:]
	tensors, names, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(tensors[a].Offsets[0], tensors[b].Offsets[0]), cmp.Compare(tensors[a].Offsets[1], tensors[b].Offsets[1]))
	})
	var out []Array
	end := 0
	for _, name := range names {
		t := tensors[name]
		k, ok := safetensorsKinds[t.DType]
		if !ok {
			return nil, fmt.Errorf("array %q: elements of type %q are not supported", name, t.DType)
		}
		if t.Offsets[0] != end || t.Offsets[1] < end || t.Offsets[1] > len(data) {
			return nil, fmt.Errorf("array %q: its data are at bytes %v, expected to start at %d and end by %d", name, t.Offsets, end, len(data))
		}
		a, err := fill(name, t.Shape, k, data[end:t.Offsets[1]])
		if err != nil {
			return nil, err
		}
		out, end = append(out, a), t.Offsets[1]
	}
	if end != len(data) {
		return nil, fmt.Errorf("%d bytes at the end belong to no array", len(data)-end)
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
			return nil, nil, fmt.Errorf("array %q: there are two of this name", name)
		}
		if len(s.Offsets) != 2 {
			return nil, nil, fmt.Errorf("array %q: data_offsets must be two numbers, got %v", name, s.Offsets)
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
