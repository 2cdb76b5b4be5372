// Package slurm has the shards of a plan made by an array job of Slurm: it writes one batch script,
// submits it, and asks squeue what became of it. It knows no network and no config: what the
// elements of an array make is a command line.
//
// Nothing stays connected. What was submitted is on disk, in the folder slurm of the results
// folder, and a later process finds there which runs are in which element.
package slurm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dualgn/dgn/pkg/strict"
)

// Options are what is asked of Slurm. What is empty is left to the site.
type Options struct {
	Partition   string
	Account     string
	QOS         string
	Reservation string
	Constraint  string // features of nodes
	NodeList    string
	Exclude     string // nodes
	Time        string // limit of each element
	Memory      string // of each element
	CPUs        int    // of each element; 0: one, or all of an exclusive node
	Exclusive   bool   // nodes are shared with no other job
	Cap         int    // elements at work at the same time; 0: as many as the site lets
	Signal      int    // seconds before the time limit at which runs make a checkpoint; 0: no warning
	Requeue     bool   // an element goes on after its time limit
	Extra       []string
}

// Defaults are the options if nothing is asked for.
func Defaults() Options { return Options{Signal: 120, Requeue: true} }

// A Key is an option as users give it.
type Key struct {
	Name, Doc string
	set       func(o *Options, value string) error
}

// Keys are all of them.
var Keys = []Key{
	{"partition", "partition, or several separated by commas", text(func(o *Options) *string { return &o.Partition })},
	{"account", "account that is charged", text(func(o *Options) *string { return &o.Account })},
	{"qos", "quality of service", text(func(o *Options) *string { return &o.QOS })},
	{"reservation", "reservation", text(func(o *Options) *string { return &o.Reservation })},
	{"constraint", "features that nodes must have, as avx512", text(func(o *Options) *string { return &o.Constraint })},
	{"nodelist", "nodes to use", text(func(o *Options) *string { return &o.NodeList })},
	{"exclude", "nodes not to use", text(func(o *Options) *string { return &o.Exclude })},
	{"time", "limit of each task: MINUTES, HH:MM:SS or D-HH:MM:SS", text(func(o *Options) *string { return &o.Time })},
	{"memory", "memory of each task, as 4G", text(func(o *Options) *string { return &o.Memory })},
	{"cpus", "CPUs of each task, and threads of its runs (default 1, or all of an exclusive node)", number(1, func(o *Options) *int { return &o.CPUs })},
	{"exclusive", "true: share nodes with no other job, as times that are to be quoted need", yesNo(func(o *Options) *bool { return &o.Exclusive })},
	{"cap", "tasks at work at the same time", number(1, func(o *Options) *int { return &o.Cap })},
	{"signal", "seconds before the time limit at which a task makes a checkpoint (default 120; 0: never)", number(0, func(o *Options) *int { return &o.Signal })},
	{"requeue", "false: a task that reached its time limit is not requeued, but left to the next submission", yesNo(func(o *Options) *bool { return &o.Requeue })},
	{"extra", "a line of the script: a directive that begins with #SBATCH, or a command, as module load (repeatable)", func(o *Options, value string) error {
		o.Extra = append(o.Extra, value)
		return nil
	}},
}

// ParseOptions reads options, each KEY=VALUE, as the flag --slurm has them.
func ParseOptions(list []string) (Options, error) {
	o := Defaults()
	var errs []error
	given := map[string]bool{}
	for _, s := range list {
		errs = append(errs, o.parse(s, given))
	}
	if limit, ok := seconds(o.Time); ok && limit > 0 && o.Signal > 0 && limit <= o.Signal { // 0 is none
		errs = append(errs, fmt.Errorf("--slurm time=%s: tasks are told %d seconds before their limit to make a checkpoint, and would be told at their beginning; give more time, or a smaller --slurm signal=SECONDS", o.Time, o.Signal))
	}
	return o, errors.Join(errs...)
}

// parse sets one option. Only extra may be given again.
func (o *Options) parse(s string, given map[string]bool) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("--slurm %s: expected KEY=VALUE, as in --slurm partition=main", strict.Plain(s))
	}
	at := slices.IndexFunc(Keys, func(k Key) bool { return k.Name == name })
	if at < 0 {
		var known []string
		for _, k := range Keys {
			known = append(known, k.Name)
		}
		return fmt.Errorf("--slurm %s: unknown key %s%s; what has no key is a line of the script: --slurm 'extra=#SBATCH --OPTION=VALUE'", strict.Plain(s), strict.Quote(name), strict.Suggest(name, known))
	}
	switch {
	case given[name] && name != "extra":
		return fmt.Errorf("--slurm %s: the key is given twice", strict.Plain(s))
	case strings.TrimSpace(value) == "":
		return fmt.Errorf("--slurm %s: the value is empty", strict.Plain(s))
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return fmt.Errorf("--slurm %s: the value must be one line", strict.Plain(s))
	}
	given[name] = true
	if err := Keys[at].set(o, value); err != nil {
		return fmt.Errorf("--slurm %s: %w", strict.Plain(s), err)
	}
	return nil
}

// text is an option that stands as it is in a directive.
func text(field func(*Options) *string) func(*Options, string) error {
	return func(o *Options, value string) error {
		if strings.ContainsAny(value, "\"\\") {
			return errors.New(`must not hold " or \`)
		}
		*field(o) = value
		return nil
	}
}

func number(least int, field func(*Options) *int) func(*Options, string) error {
	return func(o *Options, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least {
			return fmt.Errorf("must be a whole number from %d on, got %s", least, strict.Quote(value))
		}
		*field(o) = n
		return nil
	}
}

func yesNo(field func(*Options) *bool) func(*Options, string) error {
	return func(o *Options, value string) error {
		if value != "true" && value != "false" {
			return fmt.Errorf("must be true or false, got %s", strict.Quote(value))
		}
		*field(o) = value == "true"
		return nil
	}
}

// seconds reads a time limit: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S.
func seconds(limit string) (s int, ok bool) {
	units := [][]int{{60}, {60, 1}, {3600, 60, 1}}
	days, rest, long := strings.Cut(limit, "-")
	if long {
		units = [][]int{{3600}, {3600, 60}, {3600, 60, 1}}
		n, err := strconv.Atoi(days)
		if err != nil {
			return 0, false
		}
		s, limit = 86400*n, rest
	}
	parts := strings.Split(limit, ":")
	if len(parts) > len(units) {
		return 0, false
	}
	for i, unit := range units[len(parts)-1] {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return 0, false
		}
		s += n * unit
	}
	return s, true
}
