// Package cluster_test has runs made by a real Slurm of one node, on the loopback interface.
//
// Without DGN_SLURM=required, as make slurm has it, go test says "[no tests to run]" of this package
// and, with -v, why: daemons are started, by root, for half a minute or more.
package cluster_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// arraySize is MaxArraySize of the cluster: small, so that long arrays are split.
const arraySize = 41

var program string // dgn, as it is built for the tests

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("DGN_SLURM") != "required" {
		fmt.Fprintln(os.Stderr, "tests of Slurm are skipped: make slurm runs them, as root, with slurmctld, slurmd, slurm-client and munge of Debian")
		if err := flag.Set("test.run", "^$"); err != nil { // go test then says that there were no tests to run
			panic(err)
		}
		os.Exit(m.Run())
	}
	code, err := withCluster(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withCluster does something while there is a cluster.
func withCluster(do func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "slurm")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "dgn")
	if text, err := exec.Command("go", "build", "-o", program, "../../../cmd/dgn").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%w: %s", err, text)
	}
	at := filepath.Join(dir, "cluster")
	script := func(action string) error {
		c := exec.Command("../../../scripts/slurm/local.sh", action, at)
		c.Env = append(os.Environ(), "CPUS=2", fmt.Sprint("MAX_ARRAY_SIZE=", arraySize))
		var said bytes.Buffer // not a pipe that daemons would keep open
		log, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			return err
		}
		c.Stdout, c.Stderr = log, log
		err = c.Run()
		text, readErr := os.ReadFile(log.Name())
		said.Write(text)
		if err = errors.Join(err, log.Close(), readErr); err != nil {
			return fmt.Errorf("local.sh %s: %w: %s", action, err, &said)
		}
		return nil
	}
	defer func() { err = errors.Join(err, script("stop")) }()
	if err := script("start"); err != nil {
		return 1, err
	}
	err = errors.Join(os.Setenv("SLURM_CONF", filepath.Join(at, "slurm.conf")), os.Setenv("XDG_CONFIG_HOME", at), os.Unsetenv("DGN_SLURM")) // which dgn does not know
	if err != nil {
		return 1, err
	}
	return do(), nil
}

// said runs a command and returns what it writes, and its exit code.
func said(t *testing.T, dir, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", name, err)
	}
	return out.String(), log.String(), c.ProcessState.ExitCode()
}

// must is said of a command that succeeds.
func must(t *testing.T, dir, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	out, log, code := said(t, dir, name, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", filepath.Base(name), strings.Join(args, " "), code, out, log)
	}
	return out, log
}

// until waits for something, with the queue in the message if it does not come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begin := time.Now(); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			queue, _ := must(t, "", "squeue", "--array", "--states=all")
			t.Fatalf("never: %s\n%s", what, queue)
		}
	}
}

// elements are those of arrays in some states, as squeue numbers them.
func elements(t *testing.T, states string) []string {
	t.Helper()
	out, _ := must(t, "", "squeue", "--array", "--noheader", "--states="+states, "--format=%i")
	return strings.Fields(out)
}

// wait waits until nothing is in the queue.
func wait(t *testing.T) {
	t.Helper()
	until(t, "an empty queue", func() bool { return len(elements(t, "PENDING,RUNNING,SUSPENDED,COMPLETING,CONFIGURING")) == 0 })
}

// hold has jobs wait, and returns what lets them begin.
func hold(t *testing.T) (release func()) {
	t.Helper()
	set := func(state string) { must(t, "", "scontrol", "update", "PartitionName=main", "State="+state) }
	set("DOWN")
	return func() { set("UP") }
}

// write writes a file of the test.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// want complains about a text that lacks a part.
func want(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s: no %q in\n%s", what, p, text)
		}
	}
}
