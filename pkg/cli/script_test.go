package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what commands print into the scripts that compare it")

// hurried is the variable by which tests have locks taken over soon.
const hurried = "TEST_HURRIED_LOCKS"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dgn": func() {
		if os.Getenv(hurried) != "" {
			diskfile.Hurry(20*time.Millisecond, 800*time.Millisecond)
		}
		os.Exit(Main(""))
	}})
}

// TestScripts runs the command lines in testdata/script as a user would, each
// script in a folder of its own that has the repository's configs and one of its
// golden cases.
func TestScripts(t *testing.T) {
	configs, err := filepath.Abs("../../configs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "settings"))
			golden := filepath.Join(filepath.Dir(configs), "testdata", "golden", "mlp-logistic")
			return errors.Join(os.Symlink(configs, filepath.Join(e.WorkDir, "configs")), os.Symlink(golden, filepath.Join(e.WorkDir, "golden")))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"interrupt": interrupted,
			"await":     awaited,
			"full":      full,
		},
		RequireExplicitExec: true,
		UpdateScripts:       *update,
	})
}

// exits CODE PROGRAM ARGS... runs a program and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	checkExit(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func checkExit(ts *testscript.TestScript, want string, err error) {
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// interrupt FILE PROGRAM ARGS... starts a program, sends it an interrupt when
// FILE has two lines, and checks that it exits with code 130.
func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt FILE PROGRAM ARGS...")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir)
	var out strings.Builder
	cmd.Stderr = &out
	ts.Check(cmd.Start())
	file := ts.MkAbs(args[0])
	for i := 0; ; i++ {
		if text, err := os.ReadFile(file); err == nil && bytes.Count(text, []byte("\n")) >= 2 {
			break
		}
		if i > 1000 {
			ts.Check(cmd.Process.Kill())
			ts.Fatalf("%s did not get a second line", file)
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	err = cmd.Wait()
	fmt.Fprint(ts.Stderr(), out.String())
	checkExit(ts, "130", err)
}

// await FILE [TEXT] waits until a file is there, and holds a text: what a program in the
// background does takes longer the busier the machine is.
func awaited(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: await FILE [TEXT]")
	}
	text := ""
	if len(args) == 2 {
		text = args[1]
	}
	file := ts.MkAbs(args[0])
	for range 6000 {
		if held, err := os.ReadFile(file); err == nil && bytes.Contains(held, []byte(text)) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s is not there, or without %q, after a minute", args[0], text)
}

// full PROGRAM ARGS... runs a program with a standard output that is full, and
// checks that it says so once and exits with code 1.
func full(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: full PROGRAM ARGS...")
	}
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "XDG_CONFIG_HOME="+ts.Getenv("XDG_CONFIG_HOME"), "XDG_CACHE_HOME="+ts.Getenv("XDG_CACHE_HOME"))
	out, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	ts.Check(err)
	defer out.Close()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = out, &said
	err = cmd.Run()
	if want := "dgn: cannot write to the standard output: write /dev/stdout: no space left on device\n"; said.String() != want {
		ts.Fatalf("says %s", said.String())
	}
	checkExit(ts, "1", err)
}
