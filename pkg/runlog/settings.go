package runlog

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
// called, do not matter.
type Settings map[string]string

// Identity is the SHA-256 of the settings in canonical order.
func (s Settings) Identity() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%q=%q\n", k, s[k])
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// Differences lists the keys in which two runs differ, as "key: old -> new".
func (s Settings) Differences(new Settings) (out []string) {
	keys := map[string]bool{}
	for k := range s {
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
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if a, b := show(s, k), show(new, k); a != b {
			out = append(out, fmt.Sprintf("%s: %s -> %s", k, a, b))
		}
	}
	return out
}
