package slurm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A Receipt says what became of a submission.
type Receipt struct {
	Script   string      // the file
	Text     string      // of the script
	Commands []string    // that submit it, or would, as a shell takes them
	Jobs     []Submitted // none if it was only to be shown
	Shards   int         // elements of these, or of what was shown
	Runs     int         // runs to make in them
	Warnings []string

	Queued   int      // runs left out, as they are in elements of earlier jobs
	QueuedIn []string // these jobs
}

// Submit writes the script and submits it, for those shards that have a run to make that is in no
// element of an earlier job. To make are runs by their keys. Where print is set it submits nothing,
// and needs no Slurm.
//
// Of several processes that submit for one folder, each sees the jobs of those before it.
func (j *Job) Submit(ctx context.Context, toMake map[string]bool, print bool) (r *Receipt, err error) {
	lock, err := diskfile.WaitLock(ctx, filepath.Join(j.Folder, root, ".lock"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	r = &Receipt{}
	limit, queued, err := j.site(ctx, print, r)
	if err != nil {
		return nil, err
	}
	if kind := localDisk(j.Folder); kind != "" {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s is on a disk of this machine (%s): tasks on nodes that do not share it will fail, and make nothing; choose a folder that they share with --out", j.Folder, kind))
	}
	parts := split(j.missing(toMake, queued, r), limit)
	if len(parts) == 0 {
		return r, nil
	}
	s, text, err := j.record()
	if err != nil {
		return nil, err
	}
	r.Script, r.Text = filepath.Join(s.dir, scriptFile), text
	for _, p := range parts {
		if !slices.Contains(s.Offsets, p.offset) {
			s.Offsets = append(s.Offsets, p.offset)
		}
	}
	if err := s.write(); err != nil { // so that a job is known from its first moment
		return nil, err
	}
	return r, j.submit(ctx, s, parts, print, r)
}

// site asks Slurm for its limit on indices, and for the runs that are in its queue.
func (j *Job) site(ctx context.Context, print bool, r *Receipt) (limit int, queued map[string]Element, err error) {
	if limit, err = arraySize(ctx); err != nil && print {
		r.Warnings = append(r.Warnings, fmt.Sprintf("MaxArraySize of the site is not known here, and taken to be %d: %v", defaultArraySize, err))
		limit, err = defaultArraySize, nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("%w; --print shows the script without them", err)
	}
	if err != nil {
		return 0, nil, err
	}
	if queued, err = Queue(ctx, j.Folder); err != nil && print {
		r.Warnings = append(r.Warnings, "what is in the queue already is not known here: "+err.Error())
		err = nil
	}
	return limit, queued, err
}

// missing are the shards that have a run to make which is not in the queue.
func (j *Job) missing(toMake map[string]bool, queued map[string]Element, r *Receipt) (shards []int) {
	for i, runs := range j.Shards {
		n := 0
		for _, key := range runs {
			if !toMake[key] {
				continue
			}
			if e, ok := queued[key]; ok && e.Active() {
				r.Queued++
				if !slices.Contains(r.QueuedIn, e.Job) {
					r.QueuedIn = append(r.QueuedIn, e.Job)
				}
				continue
			}
			n++
		}
		if n > 0 {
			shards = append(shards, i)
			r.Runs += n
		}
	}
	r.Shards = len(shards)
	return shards
}

// commandLine is a command as it is given to a shell.
func commandLine(name string, args []string) string {
	for _, a := range args {
		name += " " + quote(a)
	}
	return name
}

// submit submits the parts one after the other. With a cap a part begins when the one before has
// ended, so that it is one on all of them.
func (j *Job) submit(ctx context.Context, s *Submission, parts []part, print bool, r *Receipt) error {
	before := "JOB" // of the part before
	for i, p := range parts {
		args := []string{"--array=" + p.spec(j.Cap), "--job-name=" + s.jobName(p.offset)}
		if i > 0 && j.Cap > 0 {
			args = append(args, "--dependency=afterany:"+before)
		}
		args = append(args, r.Script, strconv.Itoa(p.offset))
		r.Commands = append(r.Commands, commandLine("sbatch", args))
		if print {
			continue
		}
		id, err := sbatch(ctx, args...)
		if err != nil {
			if i > 0 {
				err = fmt.Errorf("%d of %d arrays were submitted; the same command submits the others later: %w", i, len(parts), err)
			}
			return err
		}
		before = id
		job := Submitted{ID: id, Offset: p.offset, Array: p.spec(j.Cap), Time: time.Now().UTC().Truncate(time.Second)}
		r.Jobs, s.Jobs = append(r.Jobs, job), append(s.Jobs, job)
		if err := s.write(); err != nil {
			return err
		}
	}
	return nil
}
