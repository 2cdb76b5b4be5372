// Package cli is the command line of dgn: its commands, their flags, the settings of the
// machine, progress on a terminal, and exit codes. What the commands do is in other packages.
//
// [Main] is all that it offers, so that another program can have the whole command line
// with names of its own. Its main package registers them from init functions, and what it
// registers is then known to dgn list, to configs, and to their checks:
//
//	func init() { registry.Add(&nn.Layers, registry.Info{Name: "mine", Doc: "..."}, ...) }
//
//	func main() { os.Exit(cli.Main("")) }
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/interrupt"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/spf13/cobra"
)

// Main does what the words after the name of the program say, and returns the exit code. A
// version of "" is that of the main module, as the go command knows it.
func Main(version string) int { return run(version, os.Args[1:], os.Stdout, os.Stderr) }

// run is the whole program: results go to stdout, progress and logs to stderr,
// and the exit code comes back.
func run(version string, args []string, stdout, stderr io.Writer) int {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	ctx, deaf := interrupt.OnYield(ctx)
	defer deaf()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	out := &output{w: stdout}
	a := &app{version: version, stdout: out, stderr: stderr}
	root := a.command()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.started {
		// Before a command starts, only its words can be wrong.
		err = usageError{err}
	}
	err = interrupt.Told(ctx, out.told(err))
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "dgn: interrupted; everything logged so far is kept, and the same command goes on from here")
		for _, e := range parts(err) { // runs may have failed before
			if !errors.Is(e, context.Canceled) && !errors.Is(e, interrupt.ErrYield) {
				fmt.Fprintf(stderr, "dgn: %s\n", strict.Printable(e.Error()))
			}
		}
	case err != nil:
		fmt.Fprintf(stderr, "dgn: %s\n", strict.Printable(err.Error()))
	}
	return exitCode(err)
}

// parts takes joined errors apart.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, parts(e)...)
	}
	return out
}

// Exit codes, as documented in the README.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitData        = 3
	exitYielded     = 75 // EX_TEMPFAIL of sysexits.h
	exitInterrupted = 130
)

// errStuck says that SIGUSR1 came before anything was made that the same command could go on from.
// Whoever begins it again each time it is told to go on later would do so for ever.
var errStuck = errors.New("told to go on later before a step was made that could be kept: begun again with as little time, this command gets nowhere; give it more time, as by --slurm time=TIME, or a smaller --slurm signal=SECONDS")

// onward returns err, and errStuck with it if runs ended so.
func onward(c *cobra.Command, r *experiment.Result, err error) error {
	ended := errors.Is(err, context.Canceled) && errors.Is(context.Cause(c.Context()), interrupt.ErrYield) || errors.Is(err, interrupt.ErrYield)
	if ended && (r == nil || !r.Advanced) {
		return errors.Join(err, errStuck)
	}
	return err
}

// usageError marks a bad command line or user setting.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitCode is the one table from errors to exit codes.
func exitCode(err error) int {
	var failed *experiment.RunError
	var usage usageError
	var wrong *config.Error
	var missing *datasets.MissingError
	var damaged *datasets.DamagedError
	var file *problem.FileError
	var logs *runlog.Error
	var options *results.OptionError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errStuck): // and is not to be begun again
		return exitFailed
	case errors.Is(err, interrupt.ErrYield):
		return exitYielded
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &failed): // whatever failed it
		return exitFailed
	case errors.As(err, &usage), errors.As(err, &wrong), errors.As(err, &options):
		return exitUsage
	case errors.As(err, &missing), errors.As(err, &damaged), errors.As(err, &file), errors.As(err, &logs):
		return exitData
	}
	return exitFailed
}
