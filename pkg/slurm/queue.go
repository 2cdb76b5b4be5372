package slurm

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// An Element is one of an array job, as squeue has it.
type Element struct {
	Job      string // of the array
	Index    int
	State    string // PENDING, RUNNING, COMPLETING, ... as Slurm has them
	Node     string
	Reason   string // why it waits, or failed
	Restarts int
	Comment  string // what its script had to say, where it could not write a log
	Name     string // of the job
}

// ended are states from which an element does not go on by itself.
var ended = map[string]bool{
	"COMPLETED": true, "FAILED": true, "CANCELLED": true, "TIMEOUT": true, "NODE_FAIL": true, "OUT_OF_MEMORY": true,
	"PREEMPTED": true, "BOOT_FAIL": true, "DEADLINE": true, "REVOKED": true, "SPECIAL_EXIT": true,
}

// Active reports whether the element is at work, or will be.
func (e Element) Active() bool { return !ended[e.State] }

// String says what Slurm says: "12_3 pending (JobArrayTaskLimit)", "12_4 running on n7, requeued once".
func (e Element) String() string {
	s := fmt.Sprintf("%s_%d %s", e.Job, e.Index, strings.ReplaceAll(strings.ToLower(e.State), "_", " "))
	if e.Node != "" && (e.Active() || e.Comment == "") {
		s += " on " + e.Node
	}
	switch {
	case e.Comment != "":
		s += ": " + e.Comment
	case e.Reason != "" && e.Reason != "None":
		s += " (" + e.Reason + ")"
	}
	switch {
	case e.Restarts == 1:
		s += ", requeued once"
	case e.Restarts > 1:
		s += fmt.Sprintf(", requeued %d times", e.Restarts)
	}
	return s
}

// columns are what squeue is asked for, in an order in which only the last may hold what
// separates them.
const columns = "ArrayJobID:|,ArrayTaskID:|,State:|,NodeList:|,Reason:|,RestartCnt:|,Name:|,Comment:|"

// queue asks for the elements of jobs by their names: of jobs that are gone squeue knows nothing,
// and does not complain, as it would about numbers. It knows those that ended lately.
func queue(ctx context.Context, names []string) ([]Element, error) {
	if len(names) == 0 {
		return nil, nil
	}
	text, err := run(ctx, "squeue", "--array", "--noheader", "--states=all", "--name="+strings.Join(names, ","), "--Format="+columns)
	if err != nil {
		return nil, err
	}
	return parseQueue(text)
}

// parseQueue reads the answer of squeue. Jobs that are no array are none of dgn's.
func parseQueue(text string) (out []Element, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.SplitN(line, "|", 8)
		if len(f) < 8 {
			return nil, fmt.Errorf("squeue answers with the line %.200q, which is not %s", line, columns)
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		e := Element{Job: f[0], State: f[2], Node: f[3], Reason: f[4], Name: f[6], Comment: strings.TrimSuffix(f[7], "|")}
		if f[1] == "N/A" {
			continue
		}
		var wrong error
		if e.Index, err = strconv.Atoi(f[1]); err == nil {
			e.Restarts, wrong = strconv.Atoi(f[5])
		}
		if err != nil || wrong != nil {
			return nil, fmt.Errorf("squeue answers with the line %.200q, whose index or number of restarts is no number", line)
		}
		for _, s := range []*string{&e.Node, &e.Comment} {
			if *s == "(null)" || *s == "n/a" {
				*s = ""
			}
		}
		out = append(out, e)
	}
	return out, nil
}
