package slurm

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

// A Job is what is to be made by an array: a shard by each element.
type Job struct {
	Options
	Name     string // of the experiment
	Version  string // of the program
	Folder   string // the results folder, absolute
	Program  string // whose command makes a shard, absolute
	Words    []string
	Threads  string   // of each element; "": as many as Slurm gives it
	Env      []string // NAME=VALUE
	WorkDir  string   // in which relative paths of the config begin, absolute
	Config   []byte   // as it is submitted
	Shards   [][]string
	Yielded  int // exit code of a command that SIGUSR1 ended
	identity string
}

//go:embed job.sh.tmpl
var scriptText string

var scriptTemplate = template.Must(template.New("job.sh").Funcs(template.FuncMap{"quote": quote}).Parse(scriptText))

// plain are texts that a shell takes as they are.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// quote makes one word of a shell of a text.
func quote(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// leastSeconds is how long a command is at work at least if a signal that ends it is not one that came
// before it could listen.
const leastSeconds = 60

// script is the text of the batch script, which is to be in dir.
func (j *Job) script(dir string) (string, error) {
	var commands []string
	for _, line := range j.Extra {
		if !isDirective(line) {
			commands = append(commands, line)
		}
	}
	var b strings.Builder
	err := scriptTemplate.Execute(&b, map[string]any{
		"Name": printable(j.Name), "Version": printable(j.Version), "Shards": len(j.Shards), "Directives": j.directives(), "Program": j.Program,
		"Script": printable(quote(filepath.Join(dir, scriptFile))), "Config": filepath.Join(dir, configFile), "Logs": filepath.Join(dir, logs), "WorkDir": j.WorkDir, "Folder": j.Folder,
		"Environment": j.Env, "Commands": commands, "Words": j.Words, "Threads": j.Threads, "Requeue": j.Requeue && j.Signal > 0, "Yielded": j.Yielded, "Least": leastSeconds,
	})
	return b.String(), err
}

// printable is a text that may stand in a comment.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

func isDirective(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#SBATCH") }

// directives are the options of sbatch, but those that differ between the parts of a long array.
func (j *Job) directives() []string {
	// The script opens the log itself: on a node without the folder Slurm would not even begin it.
	out := []string{"--nodes=1", "--ntasks=1", "--output=/dev/null"}
	for _, o := range []struct{ name, value string }{
		{"partition", j.Partition}, {"account", j.Account}, {"qos", j.QOS}, {"reservation", j.Reservation}, {"constraint", j.Constraint},
		{"nodelist", j.NodeList}, {"exclude", j.Exclude}, {"time", j.Time}, {"mem", j.Memory},
	} {
		if o.value != "" {
			out = append(out, fmt.Sprintf("--%s=\"%s\"", o.name, o.value))
		}
	}
	switch {
	case j.CPUs > 0:
		out = append(out, fmt.Sprintf("--cpus-per-task=%d", j.CPUs))
	case !j.Exclusive:
		out = append(out, "--cpus-per-task=1")
	}
	if j.Exclusive {
		out = append(out, "--exclusive")
	}
	if j.Signal > 0 {
		out = append(out, fmt.Sprintf("--signal=B:USR1@%d", j.Signal))
	}
	if j.Requeue {
		out = append(out, "--requeue")
	} else {
		out = append(out, "--no-requeue")
	}
	for _, line := range j.Extra {
		if isDirective(line) {
			out = append(out, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#SBATCH")))
		}
	}
	return out
}

// Identity is that of all that elements do, by which a job is found again.
func (j *Job) Identity() (string, error) {
	if j.identity == "" {
		text, err := j.script("")
		if err != nil {
			return "", err
		}
		h := sha256.New()
		h.Write(j.Config)
		h.Write([]byte(text))
		for _, runs := range j.Shards { // which follow from the data, and from the program, too
			fmt.Fprintln(h, runs)
		}
		j.identity = hex.EncodeToString(h.Sum(nil))[:12]
	}
	return j.identity, nil
}
