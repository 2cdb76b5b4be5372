package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dualgn/dgn/pkg/strict"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxFolderName is the length in bytes of the name of a folder: file systems
// allow 255, and what is written beside it before it takes its place adds ".tmp".
const maxFolderName = 255 - len(".tmp")

// Slug returns a method's folder name: letters and digits of any script without
// their case (Unicode case folding, form NFC), with everything between them turned
// into single hyphens. File systems that do not tell cases apart, or ways of
// writing an accent, keep the folders apart that it tells apart.
func Slug(name string) string {
	return hyphenate(norm.NFC.String(cases.Fold().String(norm.NFC.String(name))), kept)
}

// ASCIISlug is the folder in which results of earlier versions stand: of other
// letters than a to z there is nothing in its name.
func ASCIISlug(name string) string {
	return hyphenate(strings.ToLower(name), func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' })
}

func hyphenate(name string, keep func(rune) bool) string {
	var b strings.Builder
	for _, r := range name {
		if keep(r) {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// kept reports whether a character stands in a folder name: letters with their
// marks, and digits, but none that are invisible.
func kept(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)) && !invisible(r)
}

func invisible(r rune) bool {
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}

// These join letters or keep them apart, in Persian, Indian scripts and emoji.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// printable returns what is wrong with the characters of a name that terminals,
// tables and figures show, "" if nothing.
func printable(name string) string {
	if !utf8.ValidString(name) {
		return fmt.Sprintf("%s is not UTF-8", strict.Quote(name))
	}
	for _, r := range name {
		switch {
		case r == zeroWidthNonJoiner, r == zeroWidthJoiner:
		case unicode.Is(unicode.Bidi_Control, r):
			return fmt.Sprintf("%s holds %U, which changes the direction of text that follows it; leave it out", strict.Quote(name), r)
		case unicode.IsControl(r):
			return fmt.Sprintf("%s holds the control character %U; leave it out", strict.Quote(name), r)
		case !unicode.IsGraphic(r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
			return fmt.Sprintf("%s holds %U, which cannot be seen; leave it out", strict.Quote(name), r)
		}
	}
	return ""
}

// badMethodName returns what is wrong with the name of a method, "" if nothing.
func badMethodName(name string) string {
	if bad := printable(name); bad != "" {
		return bad
	}
	slug := Slug(name)
	if strings.IndexFunc(slug, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) < 0 { // marks alone have nothing to stand on
		return fmt.Sprintf("%s has no letter or digit to name a folder by", strict.Quote(name))
	}
	return tooLong(name, max(len(slug), utf8.RuneCountInString(name)))
}

// badExperimentName is badMethodName for the name of an experiment, which names
// its folder as it stands.
func badExperimentName(name string) string {
	if bad := printable(name); bad != "" {
		return bad
	}
	for i, r := range name {
		if !kept(r) && (i == 0 || !strings.ContainsRune("._-", r)) || i == 0 && unicode.IsMark(r) {
			return fmt.Sprintf("%s cannot name a folder; use letters, digits, '.', '_' and '-', starting with a letter or digit", strict.Quote(name))
		}
	}
	return tooLong(name, len(ResultsFolder(name)))
}

// ResultsFolder is the folder of an experiment in results/: its name, in NFC.
func ResultsFolder(name string) string { return norm.NFC.String(name) }

func tooLong(name string, length int) string {
	if length <= maxFolderName {
		return ""
	}
	return fmt.Sprintf("%s takes %d bytes as the name of a folder; at most %d fit", strict.Quote(name), length, maxFolderName)
}
