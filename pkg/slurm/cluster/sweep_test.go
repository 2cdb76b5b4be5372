package cluster_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dualgn/dgn/pkg/slurm"
)

// toy is an experiment of six runs, each long enough to be ended in its middle.
const toy = `
name: toy
seeds: [0, 1, 2]
data: {name: digits}
model: {kind: mlp, hidden: [40], activation: relu}
loss: {kind: logistic}
train: {batch_size: 32, steps: 40000}
evaluate: {every: 2000}
checkpoint: {every: 1000}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.1}}
  - {name: Adam, optimizer: {kind: adam, learning_rate: 0.001}}
`

// points are ten settings of each method. The longest runs are in the first shards.
var points = []string{
	"--zip", "methods.*.optimizer.learning_rate=0.001,0.002,0.003,0.005,0.01,0.02,0.03,0.05,0.07,0.1",
	"--zip", "train.steps=40000,500,500,500,500,500,500,500,500,500",
}

// TestSweep makes 60 runs by arrays of which two elements work at the same time. Two tasks are
// killed, one altogether, and one is told that its time is up. Submitting again makes what is
// missing, and every number but times is that of a local run.
func TestSweep(t *testing.T) {
	work := t.TempDir()
	write(t, filepath.Join(work, "toy.yaml"), toy)
	must(t, work, program, append([]string{"sweep", "toy.yaml", "--out", "local", "--jobs", "2", "--quiet", "--figures", "none"}, points...)...)

	submit := append([]string{"sweep", "toy.yaml", "--out", "out", "--executor", "slurm", "--slurm", "cap=2", "--slurm", "memory=200M", "--slurm", "time=30"}, points...)
	out, _ := must(t, work, program, submit...)
	want(t, "submitted", out, "--array=0-40%2", "--array=0-18%2", "submitted: 60 runs in 60 tasks")
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.SplitN(out, "\n", 2)[0], "job "), ":")
	t.Logf("$ dgn %s\n%s", strings.Join(submit, " "), out)

	most, during := 0, ""
	do := map[string]func(id string){
		"1": func(id string) { signal(t, id, "dgn", syscall.SIGKILL) },
		"2": func(id string) { signal(t, id, "", syscall.SIGKILL) },
		"4": func(id string) { signal(t, id, "slurm_script", syscall.SIGUSR1) }, // as --signal=B:USR1 does; scancel would try again
	}
	until(t, "the end", func() bool {
		queue, _ := must(t, "", "squeue", "--array", "--noheader", "--states=RUNNING,PENDING,COMPLETING,CONFIGURING", "--format=%F %K %A %T") // once: between two looks a task may begin
		n := 0
		for line := range strings.Lines(queue) {
			f := strings.Fields(line)
			if f[3] != "RUNNING" {
				continue
			}
			n++
			if act := do[f[1]]; act != nil && f[0] == first {
				delete(do, f[1])
				awaitCheckpoint(t, filepath.Join(work, "out"), f[1])
				act(f[2])
			}
		}
		most = max(most, n)
		if len(do) == 0 && !strings.Contains(during, " running on ") { // none may be running for a moment
			during, _ = must(t, work, program, "status", "out")
		}
		return queue == ""
	})
	t.Logf("$ dgn status out\n%s", during)
	if most != 2 {
		t.Errorf("at most %d tasks were at work at the same time, not 2", most)
	}
	if len(do) > 0 {
		t.Fatalf("of the tasks to be killed or told, %d were never seen", len(do))
	}
	want(t, "the status while the array is at work", during, " running on ", " pending (")
	status, _ := must(t, work, program, "status", "out")
	t.Logf("$ dgn status out\n%s", status)
	want(t, "the status after kills", status, "60 runs: 58 complete, 2 interrupted", "_1 failed", "_2 failed", "_4 completed on ", ", requeued once")
	logs, _ := must(t, work, "sh", "-c", "cat out/slurm/*/logs/"+first+"_4.log")
	t.Logf("the log of the task that was told\n%s", logs)
	want(t, "the log of the task that was told", logs, "outcome=interrupted", "dgn: shard 4 ended with 75", "continued from a checkpoint", "dgn: shard 4 ended with 0")

	out, _ = must(t, work, program, submit...)
	t.Logf("$ dgn %s\n%s", strings.Join(submit, " "), out)
	want(t, "submitted again", out, "--array=1-2%2", "submitted: 2 runs in 2 tasks")
	wait(t)
	status, _ = must(t, work, program, "status", "out")
	t.Logf("$ dgn status out\n%s", status)
	want(t, "the status at the end", status, "60 runs: 60 complete\n")
	out, _ = must(t, work, program, submit...)
	want(t, "submitted a third time", out, "nothing to submit: all runs are complete")

	runs, continued := same(t, filepath.Join(work, "local"), filepath.Join(work, "out"))
	t.Logf("%d runs have the bits of local ones; %d of them were continued from checkpoints", runs, continued)
	if runs != 60 || continued < 2 {
		t.Errorf("%d runs, of which %d were continued", runs, continued)
	}
}

// awaitCheckpoint waits for the first checkpoint of the run of a shard.
func awaitCheckpoint(t *testing.T, dir, shard string) {
	t.Helper()
	list, err := slurm.Submissions(dir)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	i, err := strconv.Atoi(shard)
	if err != nil {
		t.Fatal(err)
	}
	key := list[0].Shards[i][0]
	until(t, "a checkpoint of shard "+shard, func() bool {
		manifests, _ := filepath.Glob(filepath.Join(dir, "runs/*/*/manifest.json"))
		swept, _ := filepath.Glob(filepath.Join(dir, "runs/*/*/*/manifest.json"))
		for _, m := range append(manifests, swept...) {
			if data, err := os.ReadFile(m); err == nil && strings.Contains(string(data), `"identity": "`+key) {
				found, _ := filepath.Glob(filepath.Join(filepath.Dir(m), "checkpoint.*"))
				return len(found) > 0
			}
		}
		return false
	})
}

// signal signals processes of a task, those of a program or all.
func signal(t *testing.T, job, name string, s syscall.Signal) {
	t.Helper()
	out, _ := must(t, "", "scontrol", "listpids", job)
	told := 0
	for _, line := range strings.Split(out, "\n")[1:] {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatal(err)
		}
		comm, err := os.ReadFile("/proc/" + f[0] + "/comm")
		if err == nil && (name == "" || strings.TrimSpace(string(comm)) == name) && syscall.Kill(pid, s) == nil {
			told++
		}
	}
	if told == 0 {
		t.Errorf("no process %s of job %s was told: %s", name, job, out)
	}
}
