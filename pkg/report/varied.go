package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Setting is a swept key and its value as text. The keys of methods are
// relative to the method: "oracle.gamma".
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// UnmarshalJSON keeps a value that is not a text as it is written.
func (s *Setting) UnmarshalJSON(data []byte) error {
	var raw struct {
		Key   string
		Value json.RawMessage
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	s.Key = raw.Key
	if json.Unmarshal(raw.Value, &s.Value) == nil {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw.Value); err != nil {
		return fmt.Errorf("varied %q: %w", s.Key, err)
	}
	s.Value = b.String()
	return nil
}

// compareSettings orders by keys, then by values: numbers by their size.
func compareSettings(a, b []Setting) int {
	return slices.CompareFunc(a, b, func(a, b Setting) int {
		if x, err := strconv.ParseFloat(a.Value, 64); err == nil && a.Key == b.Key {
			if y, err := strconv.ParseFloat(b.Value, 64); err == nil && x != y {
				return cmp.Compare(x, y)
			}
		}
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
	})
}

// groups returns the runs of each method with each of its settings, in order.
func (res *Results) groups() [][]Run {
	var out [][]Run
	for _, r := range res.Runs {
		if n := len(out); n > 0 && out[n-1][0].Method == r.Method && slices.Equal(out[n-1][0].Varied, r.Varied) {
			out[n-1] = append(out[n-1], r)
		} else {
			out = append(out, []Run{r})
		}
	}
	return out
}

// label names a run's method, and its swept settings, by the last name of each
// key.
func (r *Run) label() string {
	label := r.Method
	for _, s := range r.Varied {
		label += ", " + s.Key[strings.LastIndexByte(s.Key, '.')+1:] + "=" + s.Value
	}
	return label
}
