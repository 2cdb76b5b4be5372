//go:build unix

package slurm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// site is a Slurm that has arrays of two elements, an empty queue, and takes everything.
func site(log string) map[string]string {
	return map[string]string{
		"scontrol": "echo 'MaxArraySize            = 2'",
		"squeue":   ":",
		"sbatch":   `echo "$@" >>'` + log + `'; echo "a filter says hello"; n=$(($(/usr/bin/wc -l <'` + log + `') + 40)); echo "$n;cluster"`,
	}
}

func everything() map[string]bool {
	return map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": true}
}

// TestSubmit: a part follows the one before where there is a cap; the record says which runs are in
// which job; shards without anything to make, or in the queue, are left out.
func TestSubmit(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	commands := site(log)
	fake(t, commands)
	j := job(filepath.Join(dir, "out"))
	j.Cap = 1
	r, err := j.Submit(context.Background(), everything(), false)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := j.Identity()
	name := "dgn-itsaname-" + id
	text, _ := os.ReadFile(log)
	script := filepath.Join(j.Folder, "slurm", id, "job.sh")
	want := "--parsable --array=0-1%1 --job-name=" + name + ".0 " + script + " 0\n--parsable --array=0%1 --job-name=" + name + ".2 --dependency=afterany:41 " + script + " 2\n"
	if string(text) != want || r.Shards != 3 || r.Runs != 5 || len(r.Jobs) != 2 || r.Jobs[1].ID != "42" {
		t.Errorf("%+v\n%s\nwant\n%s", r, text, want)
	}
	for file, want := range map[string]string{"config.yaml": "name: x\n", "job.sh": r.Text} {
		if got, err := os.ReadFile(filepath.Join(filepath.Dir(script), file)); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", file, err, got)
		}
	}

	// b has been made; the second part is at work, the first has failed.
	commands["squeue"] = `echo "41|0|FAILED|n|NonZeroExitCode|0|` + name + `.0|(null)|"; echo "42|0|RUNNING|n|None|0|` + name + `.2|(null)|"`
	fake(t, commands)
	queue, err := Queue(context.Background(), j.Folder)
	if err != nil || queue["a"].State != "FAILED" || queue["d"].Job != "42" || queue["e"].Job != "42" || len(queue) != 4 {
		t.Errorf("%v, %v", queue, err)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	r, err = j.Submit(context.Background(), map[string]bool{"a": true, "d": true}, false)
	if text, _ := os.ReadFile(log); err != nil || !strings.HasPrefix(string(text), "--parsable --array=0%1 ") || strings.Count(string(text), "\n") != 1 || r.Queued != 1 || r.QueuedIn[0] != "42" || r.Runs != 1 {
		t.Errorf("%+v, %v\n%s", r, err, text)
	}
	if list, err := Submissions(j.Folder); err != nil || len(list) != 1 || len(list[0].Jobs) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	r, err = j.Submit(context.Background(), map[string]bool{"d": true}, false)
	if err != nil || r.Shards != 0 || len(r.Jobs) != 0 || r.Queued != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestOtherRuns: the same command has other runs where the data were changed, and a record of its
// own that says which.
func TestOtherRuns(t *testing.T) {
	dir := t.TempDir()
	fake(t, site(filepath.Join(dir, "log")))
	for _, runs := range [][][]string{{{"a"}}, {{"b"}}} {
		j := job(filepath.Join(dir, "out"))
		j.Shards = runs
		if _, err := j.Submit(context.Background(), everything(), false); err != nil {
			t.Fatal(err)
		}
		s, _, err := j.record()
		if err != nil || !reflect.DeepEqual(s.Shards, runs) || len(s.Jobs) != 1 {
			t.Errorf("%v are recorded as %+v, %v", runs, s, err)
		}
	}
}

// TestManyGaps: what is missing of a very long array may be more ranges than a command can be given.
func TestManyGaps(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	commands := site(log)
	commands["scontrol"] = "echo 'MaxArraySize = 4000001'"
	fake(t, commands)
	j := job(filepath.Join(dir, "out"))
	j.Shards = nil
	toMake := map[string]bool{}
	for i := range 60000 {
		key := strconv.Itoa(i)
		j.Shards = append(j.Shards, []string{key})
		toMake[key] = i%2 == 0
	}
	r, err := j.Submit(context.Background(), toMake, false)
	if err != nil || r.Shards != 30000 || len(r.Jobs) != 8 {
		t.Fatalf("%d shards in %d jobs: %v", r.Shards, len(r.Jobs), err)
	}
	text, _ := os.ReadFile(log)
	n := 0
	for line := range strings.Lines(string(text)) {
		_, list, _ := strings.Cut(line, "--array=")
		n += strings.Count(list, ",") + 1
	}
	if n != 30000 {
		t.Errorf("sbatch was told of %d elements", n)
	}
}

// TestPrint: without Slurm there is a script, and what is not known is said.
func TestPrint(t *testing.T) {
	fake(t, nil)
	j := job(filepath.Join(t.TempDir(), "my out"))
	for range 2 {
		r, err := j.Submit(context.Background(), everything(), true)
		if err == nil && !strings.HasSuffix(r.Commands[0], "/job.sh' 0") {
			t.Errorf("%q is not what a shell takes", r.Commands[0])
		}
		if err != nil || len(r.Jobs) != 0 || len(r.Commands) != 1 || !strings.Contains(strings.Join(r.Warnings, " "), "taken to be 1001: scontrol is not on the PATH") {
			t.Errorf("%+v, %v", r, err)
		}
		if text, err := os.ReadFile(r.Script); err != nil || string(text) != r.Text {
			t.Error(err)
		}
	}
}

// TestCommandErrors: what the commands of Slurm say is passed on, and leaves nothing that would be
// taken for a job.
func TestCommandErrors(t *testing.T) {
	for name, c := range map[string]struct {
		command, text, want string
	}{
		"no scontrol":    {"scontrol", "", "scontrol is not on the PATH: this needs a machine that has the commands of Slurm; --print shows the script"},
		"no squeue":      {"squeue", "", ""}, // nothing was submitted yet, and nothing is asked
		"no sbatch":      {"sbatch", "", "sbatch is not on the PATH"},
		"refused":        {"sbatch", "echo 'sbatch: error: Batch job submission failed: Invalid qos specification' >&2; exit 1", "sbatch: error: Batch job submission failed: Invalid qos specification"},
		"silent":         {"sbatch", "exit 7", "sbatch: exit status 7"},
		"no number":      {"sbatch", "echo fine", `sbatch answers with no job number, but with "fine\n"`},
		"controller":     {"scontrol", "echo 'slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)' >&2; exit 1", "Unable to contact slurm controller"},
		"no limit":       {"scontrol", "echo 'ClusterName = x'", "says nothing of MaxArraySize"},
		"no arrays":      {"scontrol", "echo 'MaxArraySize = 0'", "has array jobs turned off"},
		"a second array": {"sbatch", `case "$*" in *.0*) echo 5 ;; *) echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1 ;; esac`, "1 of 2 arrays were submitted; the same command submits the others later: sbatch: error: QOSMaxSubmitJobPerUserLimit"},
	} {
		dir := t.TempDir()
		commands := site(filepath.Join(dir, "log"))
		if commands[c.command] = c.text; c.text == "" {
			delete(commands, c.command)
		}
		fake(t, commands)
		j := job(filepath.Join(dir, "out"))
		_, err := j.Submit(context.Background(), everything(), false)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if missing := c.text == "" && c.want != ""; missing != errors.Is(err, exec.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecordErrors: a record that cannot be read is told, and not taken for an empty queue.
func TestRecordErrors(t *testing.T) {
	for text, want := range map[string]string{"{": "submission.json: unexpected end", `{"format": 2}`: "has the format 2", `{"format": 1, "shards": 3}`: "cannot unmarshal"} {
		dir := t.TempDir()
		fake(t, site(filepath.Join(dir, "log")))
		path := filepath.Join(dir, "slurm", "0123", "submission.json")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := job(dir).Submit(context.Background(), everything(), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
