package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestQueued: what happens to files between submission and start does not matter, or is said; who
// submits what is in the queue submits nothing, and only what is new if there is more; a run that
// fails fails no other, and its element alone.
func TestQueued(t *testing.T) {
	work := t.TempDir()
	path := filepath.Join(work, "toy.yaml")
	short := strings.Replace(toy, "steps: 40000", "steps: 300", 1)
	write(t, path, short)
	must(t, work, program, "run", path, "--out", "local", "--quiet", "--figures", "none", "--set", "seeds=[0, 1, 2, 3]")
	release := hold(t)
	submit := []string{"run", path, "--out", "out", "--executor", "slurm", "--slurm", "memory=200M"}
	out, log := must(t, work, program, submit...)
	want(t, "submitted", out, "--array=0-5\n", "submitted: 6 runs in 6 tasks")
	want(t, "the warning", log, "is on a disk of this machine")

	out, _ = must(t, work, program, submit...)
	want(t, "submitted twice", out, "left out: 6 runs that are in the queue already, or at work: job ", "nothing to submit")
	out, _ = must(t, work, program, append(submit, "--set", "seeds=[0, 1, 2, 3]", "--runs-per-task", "8")...)
	want(t, "two more runs", out, "left out: 6 runs", "--array=0\n", "submitted: 2 runs in 1 tasks")

	write(t, path, strings.Replace(short, "0.1", "0.7", 1)) // the array runs the config as submitted
	bad := filepath.Join(work, "out/runs/sgd/1")            // where a file is in the way of one run
	if err := os.MkdirAll(filepath.Dir(bad), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, bad, "in the way")
	release()
	wait(t)
	states, _ := must(t, "", "squeue", "--array", "--noheader", "--states=all", "--name="+names(t, work), "--Format=State:|")
	if f, c := strings.Count(states, "FAILED"), strings.Count(states, "COMPLETED"); f != 2 || c != 5 { // the run is in a shard of both
		t.Errorf("%d elements failed, %d completed:\n%s", f, c, states)
	}

	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	write(t, path, short)
	out, _ = must(t, work, program, submit...)
	want(t, "submitted again", out, "submitted: 1 runs in 1 tasks")
	wait(t)
	if runs, _ := same(t, filepath.Join(work, "local"), filepath.Join(work, "out")); runs != 8 {
		t.Errorf("%d runs", runs)
	}
}

// names are those of the jobs of a results folder.
func names(t *testing.T, work string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(work, "out/slurm/*"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	var out []string
	for _, dir := range found {
		out = append(out, "dgn-toy-"+filepath.Base(dir)+".0")
	}
	return strings.Join(out, ",")
}

// TestCancel: an element that is cancelled leaves a checkpoint and is not requeued; the others go on.
// Submitted again it continues there.
func TestCancel(t *testing.T) {
	work := t.TempDir()
	write(t, filepath.Join(work, "toy.yaml"), toy)
	must(t, work, program, "run", "toy.yaml", "--out", "local", "--set", "seeds=[0]", "--quiet", "--figures", "none")
	submit := []string{"run", "toy.yaml", "--out", "out", "--set", "seeds=[0]", "--executor", "slurm", "--slurm", "memory=200M", "--slurm", "cap=1"}
	must(t, work, program, submit...)
	until(t, "a task", func() bool { return len(elements(t, "RUNNING")) == 1 })
	awaitCheckpoint(t, filepath.Join(work, "out"), "0")
	must(t, "", "scancel", elements(t, "RUNNING")[0])
	wait(t)
	logs, _ := must(t, work, "sh", "-c", "cat out/slurm/*/logs/*_0.log")
	want(t, "the log", logs, "outcome=interrupted")
	if !strings.Contains(logs, "dgn: shard 0 ended with 130") { // of SIGTERM, unless the batch script, told at the same time, was first with SIGUSR1
		want(t, "the log", logs, "asked by SIGUSR1 to go on later", "dgn: shard 0 ended with 75")
	}
	out, _ := must(t, work, program, submit...)
	want(t, "submitted again", out, "--array=0%1\n")
	wait(t)
	if runs, continued := same(t, filepath.Join(work, "local"), filepath.Join(work, "out")); runs != 2 || continued != 1 {
		t.Errorf("%d runs, %d continued", runs, continued)
	}
}

// TestUnseen: a node that does not see the results folder says so where Slurm shows it.
func TestUnseen(t *testing.T) {
	work := t.TempDir()
	write(t, filepath.Join(work, "toy.yaml"), toy)
	release := hold(t)
	must(t, work, program, "run", "toy.yaml", "--out", "out", "--executor", "slurm", "--method", "SGD", "--runs-per-task", "3", "--slurm", "memory=200M")
	jobs := names(t, work)
	if err := os.Rename(filepath.Join(work, "out/slurm"), filepath.Join(work, "out/elsewhere")); err != nil {
		t.Fatal(err)
	}
	release()
	wait(t)
	said, _ := must(t, "", "squeue", "--array", "--noheader", "--states=all", "--name="+jobs, "--Format=State:|,Comment:|")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "squeue", said, "FAILED", "node "+host+" does not see ", "results folders have to be on a disk that all nodes share")
	if err := os.Rename(filepath.Join(work, "out/elsewhere"), filepath.Join(work, "out/slurm")); err != nil {
		t.Fatal(err)
	}
	status, _ := must(t, work, program, "status", "out")
	want(t, "status", status, "_0 failed: node "+host+" does not see ", "3 queued")
}

// TestRefused: what sbatch says is passed on; an exclusive node is there with all of its CPUs.
func TestRefused(t *testing.T) {
	work := t.TempDir()
	write(t, filepath.Join(work, "toy.yaml"), toy)
	submit := []string{"run", "toy.yaml", "--out", "out", "--executor", "slurm", "--runs-per-task", "6", "--set", "train.steps=200"}
	out, log, code := said(t, work, program, append(submit, "--slurm", "partition=nonesuch")...)
	want(t, "refused", log, "sbatch: error: invalid partition specified: nonesuch", "Batch job submission failed: Invalid partition name specified")
	if code != 1 || out != "" {
		t.Errorf("exit code %d, %q", code, out)
	}
	must(t, work, program, append(submit, "--slurm", "exclusive=true")...)
	wait(t)
	manifest, err := os.ReadFile(filepath.Join(work, "out/runs/adam/2/manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "an exclusive node", string(manifest), `"threads": 2`)
}
