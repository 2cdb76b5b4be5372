package datasets

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	textunicode "golang.org/x/text/encoding/unicode"
)

// A foreign format is known by how its files start.
type foreign struct {
	magic string
	what  string // completes "is ..."
	do    string // what a user can do about it
}

var (
	unpackIt = "unpack it first"
	exportIt = "export the table as CSV"
)

// foreignFormats are those that people take for tables or for .npz files.
var foreignFormats = []foreign{
	{"PK\x03\x04", "a zip archive, as .xlsx, .ods and .npz files are", exportIt + "; for .npz use name: npz"},
	{"PK\x05\x06", "an empty zip archive", exportIt},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls)", exportIt},
	{"\x1f\x8b", "compressed by gzip", unpackIt},
	{"BZh", "compressed by bzip2", unpackIt},
	{"\xfd7zXZ\x00", "compressed by xz", unpackIt},
	{"(\xb5/\xfd", "compressed by zstd", unpackIt},
	{"\x04\"M\x18", "compressed by lz4", unpackIt},
	{"7z\xbc\xaf'\x1c", "a 7-Zip archive", unpackIt},
	{"Rar!\x1a\x07", "a RAR archive", unpackIt},
	{"PAR1", "a Parquet file", exportIt},
	{"ARROW1", "an Arrow file", exportIt},
	{"FEA1", "a Feather file", exportIt},
	{"ORC", "an ORC file", exportIt},
	{"Obj\x01", "an Avro file", exportIt},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file", exportIt},
	{"MATLAB 5.0 MAT-file", "a MATLAB file", exportIt},
	{"SQLite format 3\x00", "an SQLite database", exportIt},
	{"\x93NUMPY", "a single NumPy array (.npy)", "save the two arrays x and y with numpy.savez, and use name: npz"},
	{"\x80\x02", "a Python pickle", exportIt},
	{"\x80\x03", "a Python pickle", exportIt},
	{"\x80\x04", "a Python pickle", exportIt},
	{"\x80\x05", "a Python pickle", exportIt},
	{"%PDF-", "a PDF document", exportIt},
	{"\x89PNG", "a picture (PNG)", exportIt},
	{"\xff\xd8\xff", "a picture (JPEG)", exportIt},
	{"version https://git-lfs.github.com", "a pointer of Git LFS, without the file's content", "fetch the content with git lfs pull"},
}

// foreignTexts are known by their first word, in small letters.
var foreignTexts = []foreign{
	{"<!doctype html", "a web page", "download the file itself, not the page that shows it"},
	{"<html", "a web page", "download the file itself, not the page that shows it"},
	{"<?xml", "an XML file", exportIt},
	{"@relation", "an ARFF file", "keep the lines below @data, and use header: false"},
	{"{\"", "a JSON file", exportIt},
	{"[{", "a JSON file", exportIt},
	{"[[", "a JSON file", exportIt},
}

// foreignFormat says what a file is that is not a table, "" if it may be one.
func foreignFormat(b []byte) string {
	for _, f := range foreignFormats {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return "is " + f.what + "; " + f.do
		}
	}
	start := strings.ToLower(string(bytes.TrimSpace(bytes.TrimPrefix(b[:min(len(b), 512)], []byte("\ufeff")))))
	joined := strings.Join(strings.Fields(start), "") // JSON may have a line for each bracket
	for _, f := range foreignTexts {
		if strings.HasPrefix(start, f.magic) || strings.HasPrefix(joined, f.magic) {
			return "is " + f.what + "; " + f.do
		}
	}
	return ""
}

// decodeText returns the text of a table as UTF-8 with lines that end in \n.
// Spreadsheets write a byte order mark, which is left out, and UTF-16. Bytes
// that are not UTF-8 stay: they can only be in names and labels.
func decodeText(file string, b []byte) ([]byte, error) {
	if is := foreignFormat(b); is != "" {
		return nil, damagedf(file, "%s", is)
	}
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(b, []byte("\x00\x00\xfe\xff")):
		return nil, damagedf(file, "is written in UTF-32; save it as UTF-8")
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		if len(b)%2 != 0 {
			return nil, damagedf(file, "is written in UTF-16 and cut short: it is %d bytes long, an odd number", len(b))
		}
		var err error
		if b, err = utf16Decoder().Bytes(b); err != nil {
			return nil, damagedf(file, "is written in UTF-16 that cannot be read: %v; save it as UTF-8", err)
		}
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return nil, damagedf(file, "holds a zero byte, at position %d: it is not text, or is written in UTF-16 without a byte order mark; save it as UTF-8", i)
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if !bytes.Contains(b, []byte("\n")) {
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	return b, nil
}

// utf16Decoder decodes text whose byte order mark says how it is written.
func utf16Decoder() *encoding.Decoder {
	return textunicode.UTF16(textunicode.LittleEndian, textunicode.ExpectBOM).NewDecoder()
}

// delimiters are those that hints try.
var delimiters = []string{",", ";", "\t", "|", ":", blanks}

// Hints look at so many lines, up to one that is longer than so many bytes.
const (
	sampleLines = 50
	sampleWidth = 1 << 20
)

// delimiterHint names the delimiter that splits the first lines into as many
// cells each, the most of them numbers and no smaller part than with the one in
// use; "" if that does, or none.
func (t *table) delimiterHint() string {
	best, cells := "", 0
	width, numbers := t.cells(t.delimiter)
	most := float64(width) * numbers
	for _, d := range delimiters {
		if n, f := t.cells(d); n > 1 && f >= max(numbers, 0.5) && float64(n)*f > most {
			best, cells, most = d, n, float64(n)*f
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; %q splits every line into %d cells: set delimiter: %q", best, cells, best)
}

// cells returns the number of cells in each of the first lines, 0 if that varies,
// and which fraction of them are numbers.
func (t *table) cells(delimiter string) (width int, numbers float64) {
	all := 0
	for _, line := range t.sample {
		cells, err := splitLine(line, delimiter)
		if err != nil || width > 0 && len(cells) != width {
			return 0, 0
		}
		width = len(cells)
		for _, c := range cells {
			all++
			if c = strings.TrimSpace(c); isNumber(strings.Replace(c, ",", ".", 1)) || isMissing(c) {
				numbers++
			}
		}
	}
	return width, numbers / float64(max(all, 1))
}

// splitLine splits one line into cells, which may be quoted.
func splitLine(line, delimiter string) ([]string, error) {
	if delimiter == blanks {
		return splitBlanks(line)
	}
	r := csv.NewReader(strings.NewReader(line))
	r.Comma = rune(delimiter[0])
	r.TrimLeadingSpace = delimiter != "\t"
	return r.Read()
}

// splitBlanks splits a line at runs of blanks outside of double quotes.
func splitBlanks(line string) (cells []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		end := strings.IndexFunc(line, unicode.IsSpace)
		if line[0] == '"' {
			close := strings.IndexByte(line[1:], '"')
			if close < 0 {
				return nil, fmt.Errorf("a quote is opened and not closed")
			}
			cells, line = append(cells, line[1:1+close]), line[close+2:]
			continue
		}
		if end < 0 {
			end = len(line)
		}
		cells, line = append(cells, line[:end]), line[end:]
	}
	return cells, nil
}
