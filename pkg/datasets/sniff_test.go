package datasets

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16File is a text in UTF-16, with a byte order mark.
func utf16File(text string, order binary.AppendByteOrder) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// TestEncodings: tables in the encodings and with the line ends that spreadsheets
// write.
func TestEncodings(t *testing.T) {
	const text = "größe,y\n1,3\n4,6\n"
	dir := t.TempDir()
	for name, file := range map[string]string{
		"utf8": text, "bom": "\ufeff" + text, "le": utf16File(text, binary.LittleEndian), "be": utf16File(text, binary.BigEndian),
		"crlf": strings.ReplaceAll(text, "\n", "\r\n"), "cr": strings.ReplaceAll(text, "\n", "\r"), "unended": strings.TrimSuffix(text, "\n"),
	} {
		writeFile(t, dir, "f.csv", file)
		raw, err := open(t, dir, "{name: csv, path: f.csv, header: true, target: größe}", Values)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(raw.Train.Values, []float64{3, 6}) || !slices.Equal(raw.Train.Targets, []float64{1, 4}) {
			t.Errorf("%s: %+v", name, raw.Train)
		}
	}
}

// TestForeignFiles: files that are no tables are named for what they are.
func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ file, want string }{
		{"PK\x03\x04\x14\x00", "is a zip archive, as .xlsx, .ods and .npz files are; export the table as CSV; for .npz use name: npz"},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel file (.xls); export"},
		{string(gz([]byte("1,2\n3,4\n"))), "is compressed by gzip; unpack it first"},
		{"BZh91AY", "is compressed by bzip2"},
		{"PAR1\x15", "is a Parquet file"},
		{"\x93NUMPY\x01", "is a single NumPy array (.npy); save the two arrays x and y"},
		{"\n <!DOCTYPE html>\n<html>", "is a web page; download the file itself"},
		{"<HTML><body>1,2</body>", "is a web page"},
		{"@RELATION iris\n@DATA\n1,2\n", "is an ARFF file; keep the lines below @data"},
		{"{\"x\": [1, 2]}", "is a JSON file"},
		{"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"},
		{"1\x00,\x002\x00\n\x00", "holds a zero byte, at position 1: it is not text, or is written in UTF-16 without a byte order mark"},
		{"\xff\xfe\x00\x001\x00\x00\x00", "is written in UTF-32"},
		{"\xff\xfe1\x00,", "is written in UTF-16 and cut short"},
	} {
		writeFile(t, dir, "f.csv", c.file)
		_, err := open(t, dir, "{name: csv, path: f.csv}", Values)
		var d *DamagedError
		if !errors.As(err, &d) || !strings.HasPrefix(d.Msg, c.want) {
			t.Errorf("%q\n  says %v\n  want %s", c.file, err, c.want)
		}
	}
}

// TestDelimiterHints: a wrong delimiter is told by the one that would do.
func TestDelimiterHints(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ file, options, want string }{
		{"1 2 3\n4 5 6\n", "", `finds one cell in every line of ` + dir + `/f.csv, so that every column of it is a target; "space" splits every line into 3 cells: set delimiter: "space"`},
		{"1;2;3\n4;5;6\n", "", `";" splits every line into 3 cells: set delimiter: ";"`},
		{"1\t2\n4\t5\n", "delimiter: ';'", `"\t" splits every line into 2 cells: set delimiter: "\t"`},
		{"1\t2 \t\n4\t\t5\n", "delimiter: \"\\t\"", `line 1, column 2: the cell is empty; every cell needs a number; with delimiter: space, runs of blanks are one delimiter`},
		{"1,2\n4,5\n", "delimiter: space", `"," splits every line into 2 cells`},
		{"a;b;y\n1;2;3\n4;5;6\n1;2;9\n", "header: true", `";" splits every line into 3 cells`},
		{"1,5;2,5;3\n4,5;5,5;6\n", "", `";" splits every line into 3 cells`},
		{"1,5;2,5;3\n4,5;5,5;6\n", "delimiter: ';'", `line 1, column 0: "1,5" is not a number: write the decimal point as a point, not as a comma`},
		{"5.1;3.5;setosa\n4.9;3;setosa\n", "task: classification", `";" splits every line into 3 cells`},
		{"1,2\n3,x\n", "", `line 2, column 1: "x" is not a number`},
		{"1,2\n" + strings.Repeat("long", 100) + "\x1b[31m,4\n", "", `line 2, column 0: "` + strings.Repeat("long", 15) + `"... (405 characters) is not a number`},
		{"1,2\n\x1b[31m,4\n", "", `line 2, column 0: "\x1b[31m" is not a number`},
		{"1 \"a b\n", "delimiter: space", "line 1: a quote is opened and not closed"},
	} {
		writeFile(t, dir, "f.csv", c.file)
		options := c.options
		if options != "" {
			options = ", " + options
		}
		if _, err := open(t, dir, "{name: csv, path: f.csv"+options+"}", Values); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q\n  says %v\n  want %s", c.file, err, c.want)
		}
	}
}

// TestBlanks: tables of the UCI archive: runs of spaces and tabs, blank lines,
// blanks at the ends of lines, quoted names.
func TestBlanks(t *testing.T) {
	dir := t.TempDir()
	for file, options := range map[string]string{
		"-2.3 0.568 4.78\r\n  -2.3\t\t0.600   4.34 \t\r\n \t \r\n\r\n":               "",
		"\"length of hull\"  ratio\t\"y\"\n-2.3 0.568 4.78\n-2.3 0.600 \"4.34\"\n\n": ", header: true, target: y",
		" a b y \n-2.3 0.568 4.78 \n\t-2.3 0.600 4.34":                               ", header: true",
	} {
		writeFile(t, dir, "f.txt", file)
		raw, err := open(t, dir, "{name: csv, path: f.txt, delimiter: space"+options+"}", Values)
		if err != nil {
			t.Errorf("%q: %v", file, err)
			continue
		}
		if !slices.Equal(raw.Train.Values, []float64{-2.3, 0.568, -2.3, 0.6}) || !slices.Equal(raw.Train.Targets, []float64{4.78, 4.34}) {
			t.Errorf("%q: %+v", file, raw.Train)
		}
	}
}
