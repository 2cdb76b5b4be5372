package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A CommandError is that of a command of Slurm, with its own words.
type CommandError struct {
	Command string
	Said    string // on standard error, "" if it could not be started
	Err     error
}

func (e *CommandError) Error() string {
	if errors.Is(e.Err, exec.ErrNotFound) {
		return e.Command + " is not on the PATH: this needs a machine that has the commands of Slurm"
	}
	if e.Said == "" {
		return fmt.Sprintf("%s: %v", e.Command, e.Err)
	}
	return e.Said
}

func (e *CommandError) Unwrap() error { return e.Err }

// patience is how long a command of Slurm may take: a controller that does not answer is
// waited for by the command itself for shorter.
const patience = 2 * time.Minute

// run returns what a command writes to standard output.
func run(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	c.WaitDelay = time.Second
	err := c.Run()
	if ctx.Err() != nil && err != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		return "", &CommandError{name, strings.TrimSpace(said.String()), err}
	}
	return out.String(), nil
}

var maxArraySize = regexp.MustCompile(`(?m)^MaxArraySize\s*=\s*(\d+)\s*$`)

// defaultArraySize is MaxArraySize of sites that say nothing.
const defaultArraySize = 1001

// arraySize asks for MaxArraySize, which indices must be below.
func arraySize(ctx context.Context) (int, error) {
	text, err := run(ctx, "scontrol", "show", "config")
	if err != nil {
		return 0, err
	}
	m := maxArraySize.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("scontrol show config says nothing of MaxArraySize, which bounds the indices of an array job")
	}
	n, err := strconv.Atoi(m[1])
	if err == nil && n < 1 {
		err = errors.New("this site has array jobs turned off (MaxArraySize is 0): make the shards by single jobs, dgn sweep CONFIG --shard I/N")
	}
	return n, err
}

var jobID = regexp.MustCompile(`^\d+(;\S*)?$`)

// sbatch submits and returns the number of the job.
func sbatch(ctx context.Context, args ...string) (string, error) {
	text, err := run(ctx, "sbatch", append([]string{"--parsable"}, args...)...)
	if err != nil {
		return "", err
	}
	// Lines before the number are those of filters of the site.
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := lines[len(lines)-1]
	if !jobID.MatchString(last) {
		return "", fmt.Errorf("sbatch answers with no job number, but with %.200q", text)
	}
	id, _, _ := strings.Cut(last, ";") // and of a cluster
	return id, nil
}
