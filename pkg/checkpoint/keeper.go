package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/runlog"
)

// Slot returns the file of a run's checkpoint of a number: they take turns, so
// that the last one stays while the next is written.
func Slot(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("checkpoint.%d", number%2))
}

// A Keeper writes the checkpoints of one run.
type Keeper struct {
	Files  diskfile.Files
	Dir    string // of the run
	Origin Origin
	Last   *Checkpoint // nil: there is none; its arrays are nil once they have been used
	At     time.Time   // when that was written, or else when training began

	// Begin puts on disk what a checkpoint is worth nothing without, before the
	// first; nil if it is there.
	Begin func() error
	Log   *slog.Logger

	failed bool // the latest could not be written
}

// Write makes c the run's last checkpoint. Where that fails, training goes on:
// its results are worth more than what could save a part of it, and the last
// checkpoint is still there. The first failure of a row is told.
func (k *Keeper) Write(c *Checkpoint) {
	c.Origin, c.Number = k.Origin, 1
	if k.Last != nil {
		c.Number += k.Last.Number
	}
	data, err := c.Encode()
	if err == nil && k.Begin != nil {
		if err = k.Begin(); err == nil {
			k.Begin = nil
		}
	}
	if err == nil {
		err = k.Files.Replace(Slot(k.Dir, c.Number), data)
	}
	if err == nil {
		c.Arrays, k.Last, k.At, k.failed = nil, c, time.Now(), false
		return
	}
	if !k.failed {
		from := "from the beginning"
		if k.Last != nil {
			from = fmt.Sprintf("from step %d", k.Last.Step)
		}
		k.Log.Warn("cannot write a checkpoint; training goes on, and if it were interrupted would begin again "+from, "step", c.Step, "error", err)
	}
	k.failed = true
}

// Last returns the last good checkpoint of the run in a folder, nil if it has none,
// and a warning about a damaged one. The error is a *[runlog.DamagedError] if all are
// damaged or the logs are not what they were then, and a *[runlog.HeldError] if a run
// of another origin made the last good one. Another instruction set alone can be allowed.
func Last(dir string, now Origin, acrossISA bool) (c *Checkpoint, warning string, err error) {
	var bad []string
	for number := range 2 {
		name := Slot(dir, number)
		got, err := read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", name, err))
		} else if c == nil || got.Number > c.Number {
			c = got
		}
	}
	switch {
	case c == nil && bad != nil:
		return nil, "", runlog.Damagedf("it was interrupted, and none of its checkpoints can be used: %s", strings.Join(bad, "; "))
	case c == nil:
		return nil, "", nil
	}
	same := now
	same.ISA = c.ISA
	only := c.differences(same) == nil // the instruction set differs, or nothing
	if d := c.differences(now); d != nil && !(only && acrossISA) {
		other := ""
		if only {
			other = "; --resume-across-isa continues it here all the same, with other bits than on either machine, and marks it"
		}
		return nil, "", runlog.Heldf("%s was interrupted, and cannot continue with the same bits; go back to what made it, or to make this run anew, move its folder away (--fresh makes all runs anew)%s:\n    %s", dir, other, strings.Join(d, "\n    "))
	}
	if changed := c.changedLogs(dir); changed != nil {
		return nil, "", runlog.Damagedf("it was interrupted, and its logs are not what they were: %s", strings.Join(changed, "; "))
	}
	if bad != nil {
		warning = fmt.Sprintf("a checkpoint cannot be used, continuing from the one after step %d: %s", c.Step, bad[0])
	}
	return c, warning, nil
}

// Peek returns where the last checkpoint of the run in a folder stands, nil if there is none
// that can be read. It looks at nothing else, so that the run may not be able to continue.
func Peek(dir string) (last *Position) {
	for number := range 2 {
		f, size, err := diskfile.Open(Slot(dir, number))
		if err != nil {
			continue
		}
		start := int64(len(magic) + checksumLine)
		if size > start {
			if c, _, err := parseBody(io.NewSectionReader(f, start, size-start)); err == nil && (last == nil || c.Number > last.Number) {
				last = &c.Position
			}
		}
		f.Close()
	}
	return last
}

// changedLogs says which logs in dir do not begin with what the run had written
// when it made the checkpoint.
func (c *Checkpoint) changedLogs(dir string) (what []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Logs)) {
		size, path := c.Logs[name], filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			what = append(what, runlog.Absence(name, err))
			continue
		}
		if info.Size() < size {
			what = append(what, fmt.Sprintf("%s has %d bytes, fewer than the %d it had at step %d", name, info.Size(), size, c.Step))
			continue
		}
		want, ok := c.LogSums[name]
		if !ok {
			continue
		}
		if got, err := runlog.PrefixSum(path, size); err != nil {
			what = append(what, fmt.Sprintf("%s: %v", name, err))
		} else if got != want {
			what = append(what, fmt.Sprintf("the first %d bytes of %s were changed since step %d", size, name, c.Step))
		}
	}
	return what
}

// Remove removes the checkpoints of a run that is complete, if there
// are any, with the temporary files that a kill may have left.
func Remove(dir string, log *slog.Logger) {
	for number := range 2 {
		if err := os.Remove(Slot(dir, number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("cannot remove a checkpoint that is of no more use", "error", err)
		}
	}
	diskfile.Clear(dir, "*")
}
