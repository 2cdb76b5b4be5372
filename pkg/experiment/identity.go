package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings are what determines the numbers of one run, flattened to dotted
// keys and their YAML text: the problem part of the resolved config, the
// method's part without its name, the seed, the data's checksums, and how they
// were read where that is not plain. Where data lie on disk, and what a method is
// called, do not matter. A schedule that follows the length of the run says when it
// has its final value, which tells it from that of early versions, whose last step
// had it.
type Settings map[string]string

// settings returns the Settings of one run.
func (p *Problem) settings(method *Method, seed uint64) (Settings, error) {
	c := p.Config
	s := Settings{}
	for _, part := range []struct {
		key   string
		value any
	}{
		{"precision", c.Precision}, {"data", c.Data}, {"model", c.Model}, {"loss", c.Loss},
		{"train", c.Train}, {"evaluate", c.Evaluate}, {"log", c.Log},
		{"oracle", method.Oracle}, {"optimizer", method.Optimizer}, {"line_search", method.LineSearch},
		{"seed", seed}, {"checksums", p.Checksums},
	} {
		if err := s.add(part.key, part.value); err != nil {
			return nil, err
		}
	}
	delete(s, "data.dir")
	for k, v := range p.Reading {
		s["data.reading."+k] = v
	}
	for part, options := range map[string]any{"oracle": method.Oracle.Options, "optimizer": method.Optimizer.Options, "line_search": method.LineSearch.Options} {
		for key, o := range eachOption[interface{ FollowsEnd() bool }](options) {
			if o.FollowsEnd() {
				s[part+"."+key+".final_value"] = "after the last step"
			}
		}
	}
	return s, nil
}

// Identity is the SHA-256 of the settings in canonical order.
func (s Settings) Identity() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%q=%q\n", k, s[k])
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// diff lists the keys in which two runs differ, as "key: old -> new".
func diff(old, new Settings) []string {
	keys := map[string]bool{}
	for k := range old {
		keys[k] = true
	}
	for k := range new {
		keys[k] = true
	}
	show := func(s Settings, k string) string {
		if v, ok := s[k]; ok {
			return v
		}
		return "(absent)"
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if a, b := show(old, k), show(new, k); a != b {
			out = append(out, fmt.Sprintf("%s: %s -> %s", k, a, b))
		}
	}
	return out
}
