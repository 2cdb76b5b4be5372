package diskfile

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is who holds a lock, as its file tells.
type Holder struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Command []string  `json:"command"`

	// Boot names the machine, from one start to the next; "" where it has no such name.
	Boot string `json:"boot"`

	// Nonce tells one lock of a process from the next.
	Nonce string `json:"nonce"`
}

// String describes the holder in messages.
func (h Holder) String() string {
	return fmt.Sprintf("process %d on %s since %s (%s)", h.PID, h.Host, h.Since.Local().Format(time.DateTime), strings.Join(h.Command, " "))
}

// newRecord is that of this process.
func newRecord() Holder {
	return Holder{Host: Host(), PID: os.Getpid(), Since: time.Now().UTC(), Command: os.Args, Boot: boot(), Nonce: rand.Text()}
}

// encode returns the file: a line for people, which is all that there is in those of
// early versions, and one for programs.
func (h Holder) encode() []byte {
	line, err := json.Marshal(h)
	if err != nil {
		panic(err) // of strings and numbers
	}
	return fmt.Appendf(nil, "%s\n%s\n", h, line)
}

// Host is the name of this machine.
var Host = sync.OnceValue(func() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "an unknown host"
	}
	return host
})

// boot tells this run of the machine's system from all others; containers have that of
// their machine.
var boot = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})

// A sighting is what there was to see of a lock.
type sighting struct {
	Holder // zero: of an early version, or not yet written
	info   fs.FileInfo
	text   []byte
	locked bool // flock says that a process of this machine, or of any, holds it
}

// maxRecord bounds the file of a lock, of which the command line is most.
const maxRecord = 1 << 20

// look sees who holds a lock, nil: nobody does.
func look(path string) (*sighting, error) {
	for {
		s, same, err := glance(path)
		if err != nil || same {
			return s, err
		}
	}
}

// glance is look, unless the file changed meanwhile.
func glance(path string) (s *sighting, same bool, err error) {
	f, err := os.Open(path) // which asks the server of a shared disk
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	s = &sighting{}
	if s.info, err = f.Stat(); err != nil {
		return nil, false, err
	}
	if s.text, err = io.ReadAll(io.LimitReader(f, maxRecord)); err != nil {
		return nil, false, err
	}
	if _, line, ok := bytes.Cut(s.text, []byte("\n")); ok && json.Unmarshal(line, &s.Holder) != nil {
		s.Holder = Holder{}
	}
	// Who asks shares its lock with others who ask at the same time, and with no holder.
	ask := flock.New(path, flock.SetFlag(os.O_RDONLY))
	defer ask.Close()
	free, err := ask.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	s.locked = !free
	now, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	return s, err == nil && os.SameFile(now, s.info), err
}

// holder names who holds the lock.
func (s *sighting) holder() string {
	text, _, _ := strings.Cut(string(s.text), "\n")
	if text = strings.TrimSpace(text); text != "" {
		return text
	}
	return "another process"
}

// foreign reports whether the holder is on another machine, of which flock may say nothing.
func (s *sighting) foreign() bool {
	if s.Nonce == "" { // of an early version, for which flock is all there is
		return false
	}
	if s.Boot != "" || boot() != "" {
		return s.Boot != boot()
	}
	return s.Host != Host()
}

// same reports whether two sightings are of one lock.
func (s *sighting) same(o *sighting) bool {
	return s != nil && o != nil && os.SameFile(s.info, o.info) && bytes.Equal(s.text, o.text) && s.info.ModTime().Equal(o.info.ModTime())
}

// ended reports whether the holder is known to have ended. A file without text is of one
// that has just made it, or of a disk that lost it.
func (s *sighting) ended() bool { return !s.locked && !s.foreign() && len(s.text) > 0 }

// watched are the locks that this process has seen others hold, by path. How long one was
// silent is measured here, since clocks of machines differ.
var watched = struct {
	sync.Mutex
	locks map[string]*watch
}{locks: map[string]*watch{}}

type watch struct {
	seen        *sighting
	first, last time.Time // that it was seen as it is
}

// forget ends the watch of a lock.
func forget(key string) {
	watched.Lock()
	defer watched.Unlock()
	delete(watched.locks, key)
}

// over says why the lock can be taken over; nil: it is held.
func (s *sighting) over(key string) *Takeover {
	watched.Lock()
	defer watched.Unlock()
	if s.ended() {
		delete(watched.locks, key)
		return &Takeover{Holder: s.holder()}
	}
	now := time.Now()
	w := watched.locks[key]
	// Who did not look for some time may have been stopped with the holder.
	if w == nil || !w.seen.same(s) || since(w.last) > pace.silence/2 {
		watched.locks[key] = &watch{s, now, now}
		return nil
	}
	w.last = now
	// The watch goes on until the lock is taken: a turn that another machine left behind has to
	// be watched as well, by trying again and again.
	if silent := now.Sub(w.first); silent >= pace.silence {
		return &Takeover{s.holder(), silent}
	}
	return nil
}

// HolderOf says who holds the lock of a path, "" if nobody does. It writes nothing.
func HolderOf(path string) string {
	seen, err := look(path)
	if err != nil || seen == nil || seen.ended() {
		return ""
	}
	return seen.holder()
}

// A Holding is a lock that is held, or that a process left behind.
type Holding struct {
	Holder
	Beat    time.Time // its last sign of life, by the clock of its machine
	Ended   bool      // its process is known to have ended
	Foreign bool      // it is of another machine
}

// Held tells of the lock of a path, nil if there is none. It writes nothing.
func Held(path string) (*Holding, error) {
	seen, err := look(path)
	if err != nil || seen == nil {
		return nil, err
	}
	return &Holding{seen.Holder, seen.info.ModTime(), seen.ended(), seen.foreign()}, nil
}

// Elsewhere reports whether another process of this machine holds one of the locks in a
// folder.
func Elsewhere(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.Contains(e.Name(), preparedMark) || ours(path) {
			continue
		}
		seen, err := look(path)
		if err == nil && seen != nil && seen.locked && !seen.foreign() && !ours(path) {
			return true
		}
	}
	return false
}

// ours reports whether this process holds a lock, or is about to.
func ours(path string) bool { return owned(absolute(path), 0) > 0 }
