package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// slot returns the file of a run's checkpoint of a number: they take turns, so
// that the last one stays while the next is written.
func slot(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("checkpoint.%d", number%2))
}

// A checkpointer writes the checkpoints of one run.
type checkpointer struct {
	files  Files
	dir    string
	origin origin
	last   *checkpoint // nil: there is none; its arrays are nil once they have been used
	at     time.Time   // when that was written, or else when training began
	failed bool        // the latest could not be written

	// begin puts on disk what a checkpoint is worth nothing without, before the
	// first; nil if it is there.
	begin func() error
	log   *slog.Logger
}

// write makes c the run's last checkpoint. Where that fails, training goes on:
// its results are worth more than what could save a part of it, and the last
// checkpoint is still there. The first failure of a row is told.
func (k *checkpointer) write(c *checkpoint) {
	c.origin, c.Number = k.origin, 1
	if k.last != nil {
		c.Number += k.last.Number
	}
	data, err := c.encode()
	if err == nil && k.begin != nil {
		if err = k.begin(); err == nil {
			k.begin = nil
		}
	}
	if err == nil {
		err = k.files.Replace(slot(k.dir, c.Number), data)
	}
	if err == nil {
		c.arrays, k.last, k.at, k.failed = nil, c, time.Now(), false
		return
	}
	if !k.failed {
		from := "from the beginning"
		if k.last != nil {
			from = fmt.Sprintf("from step %d", k.last.Step)
		}
		k.log.Warn("cannot write a checkpoint; training goes on, and if it were interrupted would begin again "+from, "step", c.Step, "error", err)
	}
	k.failed = true
}

// lastCheckpoint returns the last good checkpoint of the run at path, nil if
// it has none, and a warning about a damaged one. It is a *damagedError if all are
// damaged or the logs are not what they were then, and a *heldError if a run of
// another origin made the last good one.
func (f *folder) lastCheckpoint(path string, now origin) (c *checkpoint, warning string, err error) {
	dir := filepath.Join(f.dir, path)
	var bad []string
	for number := range 2 {
		name := slot(dir, number)
		got, err := readCheckpoint(name)
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
		return nil, "", damagedErrorf("it was interrupted, and none of its checkpoints can be used: %s", strings.Join(bad, "; "))
	case c == nil:
		return nil, "", nil
	}
	if d := c.differences(now); d != nil {
		return nil, "", &heldError{fmt.Errorf("%s was interrupted, and cannot continue with the same bits; go back to what made it, or to make this run anew, move its folder away (--fresh makes all runs anew):\n    %s", dir, strings.Join(d, "\n    "))}
	}
	if changed := c.changedLogs(dir); changed != nil {
		return nil, "", damagedErrorf("it was interrupted, and its logs are not what they were: %s", strings.Join(changed, "; "))
	}
	if bad != nil {
		warning = fmt.Sprintf("a checkpoint cannot be used, continuing from the one after step %d: %s", c.Step, bad[0])
	}
	return c, warning, nil
}

// changedLogs says which logs in dir do not begin with what the run had written
// when it made the checkpoint.
func (c *checkpoint) changedLogs(dir string) (what []string) {
	for _, name := range slices.Sorted(maps.Keys(c.Logs)) {
		size, path := c.Logs[name], filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			what = append(what, absence(name, err))
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
		if got, err := prefixSum(path, size); err != nil {
			what = append(what, fmt.Sprintf("%s: %v", name, err))
		} else if got != want {
			what = append(what, fmt.Sprintf("the first %d bytes of %s were changed since step %d", size, name, c.Step))
		}
	}
	return what
}

// removeCheckpoints removes the checkpoints of a run that is complete, if there
// are any, with the temporary files that a kill may have left.
func removeCheckpoints(dir string, log *slog.Logger) {
	for number := range 2 {
		if err := os.Remove(slot(dir, number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("cannot remove a checkpoint that is of no more use", "error", err)
		}
	}
	diskfile.Clear(dir, "*")
}
