// Package checkpoint keeps what a run needs to go on from a step with the same bits:
// a [Checkpoint] is its file, a [Keeper] writes those of one run, in two files that take
// turns, and [Last] finds the one to continue from.
package checkpoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/oracles"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Checkpoint is all that a run needs to go on from a step with the same bits.
// Random streams are not in it, since they follow from seed and step. Its file is
//
//	dgn checkpoint 1     the format
//	c3a5...              SHA-256 of all that follows, in hexadecimal
//	{...}                a [Position], in JSON on one line
//	...                  the arrays, as a .safetensors file
type Checkpoint struct {
	Position
	Arrays []arrays.Array
}

// A Position is where a run stands, but for its arrays.
type Position struct {
	Number int `json:"number"` // of this checkpoint in its run, from 1
	Origin
	Step           int              `json:"step"`
	Evaluated      int              `json:"evaluated"` // the last step after which there was an evaluation, -1: none
	Clock          time.Duration    `json:"clock_nanoseconds"`
	Before         config.Moment    `json:"before,omitzero"` // the last step
	Stops          clock.Stops      `json:"stops,omitzero"`
	Counters       oracles.Counters `json:"counters"`
	GradientSteps  int              `json:"gradient_steps"`
	Fallbacks      int              `json:"optimizer_fallbacks,omitempty"`
	OptimizerSteps int64            `json:"optimizer_steps"`
	Logs           map[string]int64 `json:"logs"` // length in bytes by file

	// LogSums are the SHA-256 of those bytes; checkpoints of early versions have none.
	LogSums map[string]string `json:"log_sha256,omitempty"`
}

// An Origin is what the bits of a run follow from.
type Origin struct {
	Identity   string `json:"identity"` // of the settings
	Version    string `json:"dgn_version"`
	Commit     string `json:"commit"`
	Executable string `json:"executable"` // its SHA-256, "" if version or commit tell what it does
	ISA        string `json:"isa"`        // with the architecture
}

// NewOrigin returns the origin of a run of some identity, made by this program.
func NewOrigin(identity string, b runlog.Build, m runlog.Machine) Origin {
	o := Origin{Identity: identity, Version: b.Version, Commit: b.Commit, ISA: m.ISA}
	if b.Modified || b.Commit == "" && (b.Version == "" || b.Version == "(devel)") {
		o.Executable = executable()
	}
	return o
}

// executable returns the SHA-256 of the running program.
var executable = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil { // in parts: memory for the whole program takes the system as long to find as the checksum takes
		return err.Error()
	}
	return fmt.Sprintf("%x", h.Sum(nil))
})

// differences lists in what a run that continues would differ, as "what: old -> new".
func (o Origin) differences(now Origin) (out []string) {
	for _, d := range []struct{ what, old, new string }{
		{"settings", o.Identity, now.Identity}, {"dgn version", o.Version, now.Version}, {"commit", o.Commit, now.Commit},
		{"executable", o.Executable, now.Executable}, {"instruction set", o.ISA, now.ISA},
	} {
		if d.old != d.new {
			out = append(out, fmt.Sprintf("%s: %s -> %s", d.what, cmp.Or(d.old, "(unknown)"), cmp.Or(d.new, "(unknown)")))
		}
	}
	return out
}

// magic is the first line of every checkpoint; its number is raised
// when what follows changes.
const (
	magic        = "dgn checkpoint 1\n"
	checksumLine = 2*sha256.Size + 1
)

// Encode returns the bytes of the file.
func (c *Checkpoint) Encode() ([]byte, error) {
	head, err := json.Marshal(c.Position)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(make([]byte, checksumLine))
	b.Write(append(head, '\n'))
	if err := arrays.WriteSafetensors(&b, c.Arrays); err != nil {
		return nil, err
	}
	out := b.Bytes()
	copy(out[len(magic):], checksum(out[len(magic)+checksumLine:]))
	return out, nil
}

// checksum returns the second line of the file.
func checksum(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]) + "\n"
}

// maxPosition bounds the third line, which has some hundred bytes.
const maxPosition = 1 << 20

// read reads a file.
func read(path string) (*Checkpoint, error) {
	f, size, err := diskfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Parse(f, size)
}

// Parse reads the content of a file of some size. Any change of it is an error,
// found before there is memory for arrays.
func Parse(r io.ReaderAt, size int64) (*Checkpoint, error) {
	start := make([]byte, min(size, int64(len(magic)+checksumLine)))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), start); err != nil {
		return nil, err
	}
	sum, ok := bytes.CutPrefix(start, []byte(magic))
	if !ok {
		if line, _, _ := bytes.Cut(start, []byte("\n")); bytes.HasPrefix(line, []byte("dgn checkpoint ")) {
			return nil, fmt.Errorf("it starts with %.40q, of another version of dgn; this one reads %q", line, magic[:len(magic)-1])
		}
		return nil, fmt.Errorf("it does not start with %q", magic[:len(magic)-1])
	}
	if len(sum) < checksumLine {
		return nil, errors.New("it is cut short")
	}
	body := io.NewSectionReader(r, int64(len(start)), size-int64(len(start)))
	// A file that goes on for gigabytes, as its sizes tell, need not be read for
	// its checksum.
	c, list, damage := parseBody(body)
	if damage == nil || size <= quick {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(body, 0, body.Size())); err != nil {
			return nil, err
		}
		if hex.EncodeToString(h.Sum(nil))+"\n" != string(sum) {
			return nil, errors.New("its checksum is wrong")
		}
	}
	if damage != nil {
		return nil, damage
	}
	var err error
	c.Arrays, err = arrays.ReadSafetensors(list, list.Size())
	return c, err
}

// quick is how long a file may be whose checksum takes no time.
const quick = 64 << 20

// parseBody reads what follows the checksum but for the elements of the arrays,
// whose file it returns.
func parseBody(body *io.SectionReader) (*Checkpoint, *io.SectionReader, error) {
	head := make([]byte, min(body.Size(), maxPosition))
	if _, err := body.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, nil, err
	}
	head, _, ok := bytes.Cut(head, []byte("\n"))
	if !ok {
		return nil, nil, errors.New("it has no arrays")
	}
	c := &Checkpoint{}
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(&c.Position); err != nil {
		return nil, nil, fmt.Errorf("its third line: %w", err)
	}
	if d.More() {
		return nil, nil, errors.New("its third line goes on after the JSON object")
	}
	if c.Number < 1 || c.Step < 0 || c.Evaluated < -1 || c.Evaluated > c.Step || c.Clock < 0 || c.OptimizerSteps < 0 || c.Fallbacks < 0 {
		return nil, nil, fmt.Errorf("number %d, step %d, evaluated %d, clock %d and optimizer steps %d are not those of a run", c.Number, c.Step, c.Evaluated, c.Clock, c.OptimizerSteps)
	}
	list := io.NewSectionReader(body, int64(len(head)+1), body.Size()-int64(len(head)+1))
	_, err := arrays.ReadSafetensors(list, list.Size(), func(arrays.Header) error { return arrays.ErrSkip })
	return c, list, err
}
