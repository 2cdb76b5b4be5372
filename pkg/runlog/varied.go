package runlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/dualgn/dgn/pkg/strict"
)

// A Setting is one swept key and the value that a run has there. The keys of
// methods are relative to the method: "oracle.gamma".
type Setting struct {
	Key   string
	Value string // a text as it is; anything else as JSON on one line, as 0.1 or [64,64]
}

// Varied are the swept settings that concern a run, in the order of the axes.
type Varied []Setting

// settingJSON is a setting in a manifest.
type settingJSON struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// MarshalJSON writes the value as a number, a truth value, a list or a mapping where
// its text is one.
func (s Setting) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	raw := json.RawMessage(s.Value)
	if json.Compact(&b, raw) != nil || b.String() != s.Value || s.Value[0] == '"' { // a text
		var err error
		if raw, err = json.Marshal(s.Value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(settingJSON{s.Key, raw})
}

// UnmarshalJSON keeps a value that is not a text as it is written: seeds have up to 64
// bits.
func (s *Setting) UnmarshalJSON(data []byte) error {
	var in settingJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	s.Key = in.Key
	if json.Unmarshal(in.Value, &s.Value) == nil {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, in.Value); err != nil {
		return fmt.Errorf("varied %q: %w", s.Key, err)
	}
	s.Value = b.String()
	return nil
}

// NewSetting returns the setting of a value of a config.
func NewSetting(key string, v strict.Value) (s Setting, err error) {
	x, err := v.Any()
	if err != nil {
		return s, err
	}
	raw, err := json.Marshal(x)
	if err == nil {
		var pair []byte
		if pair, err = json.Marshal(settingJSON{key, raw}); err == nil {
			err = json.Unmarshal(pair, &s)
		}
	}
	if err != nil {
		return s, v.Errorf("cannot be swept: %v", err)
	}
	return s, nil
}

// String lists the settings for people: "oracle.gamma=0.1, train.batch_size=64".
// Long texts are cut, and what would not print is escaped.
func (v Varied) String() string {
	parts := make([]string, len(v))
	for i, s := range v {
		parts[i] = strict.Plain(s.Key + "=" + s.Value)
	}
	return strings.Join(parts, ", ")
}

// Key is a text that other settings do not have, however long they are.
func (v Varied) Key() string { return fmt.Sprintf("%q", []Setting(v)) }

// maxSlug bounds the name of a settings folder; file systems allow 255 bytes.
const maxSlug = 100

// Slug returns a folder name for the settings, "" for none: lower-case letters,
// digits and ._-+ in key=value,key=value. Where that does not tell the settings,
// or is too long, a part of their SHA-256 follows.
func (v Varied) Slug() string {
	exact := true
	parts := make([]string, len(v))
	for i, s := range v {
		parts[i] = plainName(s.Key) + "=" + plainName(s.Value)
		exact = exact && parts[i] == s.Key+"="+s.Value
	}
	slug := strings.Join(parts, ",")
	if exact && len(slug) <= maxSlug {
		return slug
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic("runlog: a setting is not JSON: " + err.Error())
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
