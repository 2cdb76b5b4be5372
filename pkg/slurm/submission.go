package slurm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// What a submission leaves in its folder, slurm/IDENTITY of the results folder.
const (
	root       = "slurm"
	scriptFile = "job.sh"
	configFile = "config.yaml" // as it was submitted
	recordFile = "submission.json"
	logs       = "logs" // of each element
)

// A Submission is the record of a job that was submitted, once or again.
type Submission struct {
	Format  int         `json:"format"`
	Name    string      `json:"name"`    // of jobs, before a dot and the offset
	Offsets []int       `json:"offsets"` // of all parts that were ever to be submitted
	Jobs    []Submitted `json:"jobs"`
	Shards  [][]string  `json:"shards"` // keys of the runs of each

	dir string
}

// Submitted is a job that sbatch took.
type Submitted struct {
	ID     string    `json:"id"`
	Offset int       `json:"offset"`
	Array  string    `json:"array"` // the elements, and how many at the same time
	Time   time.Time `json:"time"`
}

// format is that of the record.
const format = 1

// maxRecord bounds the bytes of a record: a million runs take a tenth of it.
const maxRecord = 256 << 20

// RunKey is the part of a run's identity by which records know it.
func RunKey(identity string) string { return identity[:min(len(identity), 16)] }

// jobName is the name of the job of an offset.
func (s *Submission) jobName(offset int) string { return s.Name + "." + strconv.Itoa(offset) }

// Submissions reads the records of a results folder.
func Submissions(folder string) (out []*Submission, err error) {
	names, err := fs.Glob(os.DirFS(filepath.Join(folder, root)), "*/"+recordFile)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s, err := readSubmission(filepath.Join(folder, root, filepath.Dir(filepath.FromSlash(name))))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func readSubmission(dir string) (*Submission, error) {
	path := filepath.Join(dir, recordFile)
	data, err := diskfile.Read(context.Background(), path, diskfile.Limits{Bytes: maxRecord})
	if err != nil {
		return nil, err
	}
	s := &Submission{dir: dir}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w; it says which runs are in which job: move the folder away if none of its jobs is left", path, err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("%s: has the format %d, of another version; this one knows %d", path, s.Format, format)
	}
	return s, nil
}

func (s *Submission) write() error {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return diskfile.Replace(filepath.Join(s.dir, recordFile), append(data, '\n'))
}

// Queue asks squeue for the elements in which runs of a results folder are, by the keys of
// runs: of several the one that is at work, or else the last. Without submissions it asks nothing.
func Queue(ctx context.Context, folder string) (map[string]Element, error) {
	list, err := Submissions(folder)
	if err != nil {
		return nil, err
	}
	return inQueue(ctx, list)
}

func inQueue(ctx context.Context, list []*Submission) (map[string]Element, error) {
	type place struct {
		of     *Submission
		offset int
	}
	var names []string
	at := map[string]place{}
	for _, s := range list {
		for _, offset := range s.Offsets {
			name := s.jobName(offset)
			names, at[name] = append(names, name), place{s, offset}
		}
	}
	elements, err := queue(ctx, names)
	if err != nil {
		return nil, err
	}
	out := map[string]Element{}
	for _, e := range elements {
		p, ok := at[e.Name]
		shard := p.offset + e.Index
		if !ok || shard < 0 || shard >= len(p.of.Shards) {
			continue // of another who took the name
		}
		for _, key := range p.of.Shards[shard] {
			if old, ok := out[key]; !ok || e.after(old) {
				out[key] = e
			}
		}
	}
	return out, nil
}

// after reports whether e says more of a run than another element that it is in.
func (e Element) after(other Element) bool {
	if e.Active() != other.Active() {
		return e.Active()
	}
	a, errA := strconv.Atoi(e.Job)
	b, errB := strconv.Atoi(other.Job)
	return errA == nil && errB == nil && a > b
}

// record returns the record of a job, that of an earlier submission if there is one, with its
// script and config written beside it.
func (j *Job) record() (*Submission, string, error) {
	id, err := j.Identity()
	if err != nil {
		return nil, "", err
	}
	dir := filepath.Join(j.Folder, root, id)
	text, err := j.script(dir)
	if err != nil {
		return nil, "", err
	}
	s, err := readSubmission(dir)
	if errors.Is(err, fs.ErrNotExist) {
		s, err = &Submission{Format: format, Name: jobSlug(j.Name) + "-" + id, Shards: j.Shards, dir: dir}, nil
	}
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(filepath.Join(dir, logs), 0o755); err != nil {
		return nil, "", err
	}
	return s, text, errors.Join(
		diskfile.Replace(filepath.Join(dir, configFile), j.Config),
		diskfile.Replace(filepath.Join(dir, scriptFile), []byte(text)))
}

// jobSlug is what a name may be in a list of jobs.
func jobSlug(name string) string {
	b := []byte("dgn-")
	for i := 0; i < len(name) && len(b) < 40; i++ {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b = append(b, c)
		}
	}
	return string(b)
}
