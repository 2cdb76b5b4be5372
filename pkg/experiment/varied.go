package experiment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// A Setting is one swept key and the value that a run has there. The keys of
// methods are relative to the method: "oracle.gamma".
type Setting struct {
	Key   string `json:"key"`
	Value any    `json:"value"` // a number, text, a truth value, or lists and mappings of these
}

// Varied are the swept settings that concern a run, in the order of the axes.
type Varied []Setting

// newSetting returns the setting as it comes back from a manifest, so that the
// two compare.
func newSetting(key string, v strict.Value) (Setting, error) {
	x, err := v.Any()
	if err != nil {
		return Setting{}, err
	}
	s := Setting{Key: key}
	b, err := json.Marshal(Setting{key, x})
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return s, v.Errorf("cannot be swept: %v", err)
	}
	return s, nil
}

// UnmarshalJSON keeps numbers as they are written: seeds have up to 64 bits.
func (s *Setting) UnmarshalJSON(b []byte) error {
	type plain Setting
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*plain)(s))
}

// Text returns the value as a config would hold it, on one line.
func (s Setting) Text() string { return flow(s.Value) }

func flow(x any) string {
	var parts []string
	switch x := x.(type) {
	case string:
		return x
	case []any:
		for _, v := range x {
			parts = append(parts, flow(v))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		for k, v := range x {
			parts = append(parts, k+": "+flow(v))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	}
	b, err := json.Marshal(x)
	if err != nil {
		panic("experiment: a setting is not JSON: " + err.Error())
	}
	return string(b)
}

// String lists the settings for people: "oracle.gamma=0.1, train.batch_size=64".
// Long texts are cut, and what would not print is escaped.
func (v Varied) String() string {
	parts := make([]string, len(v))
	for i, s := range v {
		parts[i] = strict.Plain(s.Key + "=" + s.Text())
	}
	return strings.Join(parts, ", ")
}

// same reports whether the settings are the same.
func (v Varied) same(w Varied) bool {
	return slices.EqualFunc(v, w, func(a, b Setting) bool { return a.Key == b.Key && a.Text() == b.Text() })
}

// maxSlug bounds the name of a settings folder; file systems allow 255 bytes.
const maxSlug = 100

// Slug returns a folder name for the settings, "" for none: lower-case letters,
// digits and ._-+ in key=value,key=value. Where that does not tell the settings,
// or is too long, a part of their SHA-256 follows.
func (v Varied) Slug() string {
	exact := true
	parts := make([]string, len(v))
	for i, s := range v {
		parts[i] = plainName(s.Key) + "=" + plainName(s.Text())
		exact = exact && parts[i] == s.Key+"="+s.Text()
	}
	slug := strings.Join(parts, ",")
	if exact && len(slug) <= maxSlug {
		return slug
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic("experiment: a setting is not JSON: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%s-%s", slug[:min(len(slug), maxSlug-9)], hex.EncodeToString(sum[:4]))
}

// plainName turns what file systems may take amiss into single hyphens.
func plainName(text string) string {
	if !unsafe.MatchString(text) {
		return text
	}
	return strings.Trim(unsafe.ReplaceAllString(strings.ToLower(text), "-"), "-")
}

var unsafe = regexp.MustCompile(`[^a-z0-9._+-]+`)
