//go:build unix

package slurm

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestScriptAtWork runs the batch script with a program that waits for a signal, in place of dgn, and
// an scontrol that writes down what it is asked.
func TestScriptAtWork(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("batch scripts are those of bash: ", err)
	}
	for name, c := range map[string]struct {
		program string         // a shell script
		signal  syscall.Signal // that the batch script gets when the program is there, 0: none
		forbid  bool           // requeueing
		code    int
		asked   string
		log     []string
	}{
		"ends well":       {"exit 0", 0, false, 0, "", []string{"shard 1002 ended with 0"}},
		"a run fails":     {"exit 1", 0, false, 1, "", []string{"ended with 1"}},
		"out of time":     {waiting, syscall.SIGUSR1, false, 75, "requeue 12_2\n", []string{"told USR1", "ended with 75"}},
		"not for it":      {"trap 'exit 1' USR1; " + forSignal, syscall.SIGUSR1, false, 1, "", []string{"ended with 1"}},
		"too early":       {"trap - USR1; " + forSignal, syscall.SIGUSR1, false, 138, "", []string{"ended with 138", "not requeued: told of the time limit at the beginning"}},
		"killed late":     {"trap 'kill -9 $$' USR1; " + forSignal, syscall.SIGUSR1, false, 137, "requeue 12_2\n", []string{"ended with 137"}},
		"finishes anyway": {"trap 'exit 0' USR1; " + forSignal, syscall.SIGUSR1, false, 0, "", []string{"ended with 0"}},
		"forbidden":       {waiting, syscall.SIGUSR1, true, 75, "requeue 12_2\n", []string{"Requeue is disabled", "not requeued: the command that submitted this submits what is missing"}},
		"cancelled":       {waiting, syscall.SIGTERM, false, 75, "", []string{"told USR1", "ended with 75"}},
		"killed":          {"kill -9 $$", 0, false, 137, "", []string{"ended with 137"}},
	} {
		dir := t.TempDir()
		j := job(dir)
		j.Program = filepath.Join(dir, "program")
		asked, ready := filepath.Join(dir, "asked"), filepath.Join(dir, "ready")
		scontrol := `echo "$@" >>'` + asked + `'`
		if c.forbid {
			scontrol += "; echo 'Requeue is disabled for this partition' >&2; exit 1"
		}
		commands := map[string]string{"scontrol": scontrol}
		if name == "killed late" { // a minute passes from one look at the clock to the next
			clock := filepath.Join(dir, "clock")
			commands["date"] = `[ -e '` + clock + `' ] && echo 60 && exit; touch '` + clock + `'; echo 0`
		}
		fakeBefore(t, commands)
		if err := os.WriteFile(j.Program, []byte("#!/bin/sh\necho \"$@ of $DGN_DATA_DIR in $PWD\"\nready='"+ready+"'\n"+c.program+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		s, _, err := j.record()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bash, filepath.Join(s.dir, "job.sh"), "1000")
		cmd.Env = append(os.Environ(), "SLURM_ARRAY_JOB_ID=12", "SLURM_ARRAY_TASK_ID=2", "SLURM_JOB_ID=14", "SLURM_CPUS_PER_TASK=3")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); c.signal != 0 && time.Since(begin) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(ready); err == nil {
				if err := cmd.Process.Signal(c.signal); err != nil {
					t.Error(err)
				}
				break
			}
		}
		_ = cmd.Wait() // the code tells
		log, err := os.ReadFile(filepath.Join(s.dir, "logs", "12_2.log"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := os.ReadFile(asked)
		if code := cmd.ProcessState.ExitCode(); code != c.code || string(text) != c.asked {
			t.Errorf("%s: exit code %d, want %d; scontrol was asked %q, want %q\n%s", name, code, c.code, text, c.asked, log)
		}
		command := "sweep --method a 'b' $HOME " + filepath.Join(s.dir, "config.yaml") + " --out " + dir + " --shard 1002/3 --threads 3 of /data of `all` in " + dir
		for _, want := range append(c.log, command) {
			if !strings.Contains(string(log), want) {
				t.Errorf("%s: no %q in\n%s", name, want, log)
			}
		}
	}
}

const (
	forSignal = `touch "$ready"; i=0; while [ $i -lt 1000 ]; do sleep 0.01; i=$((i + 1)); done`
	waiting   = `trap 'echo told USR1; exit 75' USR1; ` + forSignal
)

// TestScriptWithoutFolder: a node that lacks something says so in the comment of the job.
func TestScriptWithoutFolder(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("batch scripts are those of bash: ", err)
	}
	for what, want := range map[string]string{"slurm/ID/config.yaml": "results folders have to be on a disk that all nodes share", "slurm/ID/logs": "cannot write", "program": "does not see the program"} {
		dir := t.TempDir()
		j := job(dir)
		j.Program = filepath.Join(dir, "program")
		asked := filepath.Join(dir, "asked")
		fakeBefore(t, map[string]string{"scontrol": `echo "$@" >>'` + asked + `'`})
		if err := os.WriteFile(j.Program, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		s, _, err := j.record()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, strings.Replace(what, "ID", filepath.Base(s.dir), 1)), filepath.Join(dir, "away")); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bash, filepath.Join(s.dir, "job.sh"), "0")
		cmd.Env = append(os.Environ(), "SLURM_ARRAY_JOB_ID=12", "SLURM_ARRAY_TASK_ID=2")
		var said bytes.Buffer
		cmd.Stderr = &said
		_ = cmd.Run() // the code tells
		text, _ := os.ReadFile(asked)
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.HasPrefix(string(text), "update JobId=12_2 Comment=node ") || !strings.Contains(string(text), want) {
			t.Errorf("%s: exit code %d; scontrol was asked %q\n%s", what, code, text, &said)
		}
	}
}

// TestScriptInAnyFolder: what a shell would take for its own, or for a new line, in the name of a
// folder is a part of the name.
func TestScriptInAnyFolder(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("batch scripts are those of bash: ", err)
	}
	dir := filepath.Join(t.TempDir(), "100% \"$(touch made)`touch made`'\nexit 3\n")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	j := job(dir)
	j.Program = filepath.Join(dir, "program")
	fakeBefore(t, map[string]string{"scontrol": "exit 0"})
	if err := os.WriteFile(j.Program, []byte("#!/bin/sh\necho \"works in $PWD\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, _, err := j.record()
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []bool{false, true} {
		if gone { // and so in the message that says so
			j.WorkDir = filepath.Join(dir, "$(touch made)\"")
			if s, _, err = j.record(); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(bash, filepath.Join(s.dir, scriptFile), "0")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SLURM_ARRAY_JOB_ID=12", "SLURM_ARRAY_TASK_ID=2")
		out, err := cmd.CombinedOutput()
		log, _ := os.ReadFile(filepath.Join(s.dir, logs, "12_2.log"))
		want := "works in " + dir
		if gone {
			want = "does not see the folder " + j.WorkDir + ", where"
		}
		if (err != nil) != gone || !strings.Contains(string(log), want) {
			t.Errorf("%v: %s\n%s", err, out, log)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "made")); err == nil {
		t.Error("a part of a name was run as a command")
	}
}

// TestTwoAtOnce: of two processes that submit at the same moment, the second sees the job of the first.
func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	commands := site(log)
	j := job(filepath.Join(dir, "out"))
	id, err := j.Identity()
	if err != nil {
		t.Fatal(err)
	}
	commands["scontrol"] = "echo 'MaxArraySize = 1001'"
	commands["squeue"] = `[ ! -e '` + log + `' ] || for i in 0 1 2; do echo "41|$i|PENDING||None|0|dgn-itsaname-` + id + `.0|(null)|"; done`
	fake(t, commands)
	type answer struct {
		r   *Receipt
		err error
	}
	answers := make(chan answer)
	for range 2 {
		go func() {
			r, err := job(j.Folder).Submit(context.Background(), everything(), false)
			answers <- answer{r, err}
		}()
	}
	runs, queued := 0, 0
	for range 2 {
		a := <-answers
		if a.err != nil {
			t.Fatal(a.err)
		}
		runs, queued = runs+a.r.Runs, queued+a.r.Queued
	}
	if runs != 5 || queued != 5 {
		t.Errorf("%d runs are submitted, %d left out", runs, queued)
	}
}

// FuzzQueue: whatever squeue answers, it is read or refused.
func FuzzQueue(f *testing.F) {
	f.Add("12|3|RUNNING|n7|None|2|dgn-x-ab.0|(null)|\n")
	f.Add("8|N/A|FAILED|||0|x|a|b|\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseQueue(text)
		if err != nil && list != nil {
			t.Error("an answer and an error")
		}
		for _, e := range list {
			_ = e.String()
		}
	})
}
