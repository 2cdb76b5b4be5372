package runlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A FileRecord is what a run left in one of its files.
type FileRecord struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Rows   *int   `json:"rows,omitempty"` // of a table, below its header
}

// RecordOf records the content of a file of arrays.
func RecordOf(data []byte) FileRecord {
	sum := sha256.Sum256(data)
	return FileRecord{Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// Compare says in what a file is not the one that was recorded, "" if in nothing; its
// error is that the file cannot be read. The text of a file that has been read need
// not be read again, nil otherwise. Of arrays of more bytes than hashed the size has
// to do.
func (r FileRecord) Compare(path string, text []byte, hashed int64) (difference string, err error) {
	table := r.Rows != nil || strings.HasSuffix(path, ".csv")
	size, sum, lines := int64(len(text)), "", 0
	if text != nil {
		sum, lines, err = scan(bytes.NewReader(text))
	} else {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		if !info.Mode().IsRegular() {
			return "is no file", nil
		}
		if size = info.Size(); table || size == r.Bytes && size <= hashed {
			f, err := os.Open(path)
			if err != nil {
				return "", err
			}
			defer f.Close() // only read
			if sum, lines, err = scan(f); err != nil {
				return "", err
			}
		}
	}
	rows := max(lines-1, 0) // without the header
	switch {
	case err != nil:
		return "", err
	case size == r.Bytes && (sum == "" || r.SHA256 == "" || strings.EqualFold(sum, r.SHA256)):
		return "", nil
	case r.Rows != nil && rows != *r.Rows:
		return fmt.Sprintf("has %d rows, and %d when the run ended", rows, *r.Rows), nil
	case size != r.Bytes:
		return fmt.Sprintf("has %d bytes, and %d when the run ended", size, r.Bytes), nil
	}
	return "was changed since the run ended", nil
}

// scan returns the SHA-256 of what it reads, and the number of its lines.
func scan(r io.Reader) (sum string, lines int, err error) {
	var c counter
	_, err = io.Copy(&c, r)
	return c.sum(), c.lines, err
}

// PrefixSum returns the SHA-256 of the first size bytes of a file, in hexadecimal.
func PrefixSum(path string, size int64) (string, error) {
	c, err := prefix(path, size)
	return c.sum(), err
}

// prefix counts the first size bytes of a file.
func prefix(path string, size int64) (c counter, err error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close() // only read
	n, err := io.Copy(&c, io.LimitReader(f, size))
	if err == nil && n < size {
		err = fmt.Errorf("has %d bytes, fewer than %d", n, size)
	}
	return c, err
}

// Absence says of a file that cannot be looked at that it is missing, or why.
func Absence(name string, err error) string {
	if errors.Is(err, os.ErrNotExist) {
		return name + " is missing"
	}
	return fmt.Sprintf("%s: %v", name, err)
}
