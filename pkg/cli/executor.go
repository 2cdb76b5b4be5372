package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/slurm"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// executorFlags say who makes the runs: this process, or Slurm.
type executorFlags struct {
	executor    string
	slurm       []string
	runsPerTask int
	print       bool
}

// add defines the flags.
func (e *executorFlags) add(f *pflag.FlagSet) {
	f.StringVar(&e.executor, "executor", "local", "who makes the runs: local, or slurm, which submits an array job and returns")
	f.StringArrayVar(&e.slurm, "slurm", nil, "ask something of Slurm: KEY=VALUE, as partition=main (repeatable; dgn sweep --help has the keys)")
	f.IntVar(&e.runsPerTask, "runs-per-task", 1, "runs that a task of Slurm makes, one after the other, on average")
	f.BoolVar(&e.print, "print", false, "write the batch script and show it; submit nothing")
}

// slurmHelp tells of the keys of --slurm.
func slurmHelp() string {
	var b strings.Builder
	b.WriteString(`With --executor slurm an array job makes the runs, and the command returns as soon
as it is submitted; the same command submits what is missing. The keys of --slurm:
`)
	for _, k := range slurm.Keys {
		fmt.Fprintf(&b, "\n  %-12s %s", k.Name, k.Doc)
	}
	return b.String()
}

// read returns the job that is to be submitted, nil if this process makes the runs.
func (e *executorFlags) read(a *app, c *cobra.Command, flags *runFlags) (*slurm.Job, error) {
	f := c.Flags()
	switch e.executor {
	case "local":
		for _, name := range []string{"slurm", "runs-per-task", "print"} {
			if f.Changed(name) {
				return nil, usageError{fmt.Errorf("--%s: is for --executor slurm", name)}
			}
		}
		return nil, nil
	case "slurm":
	default:
		return nil, usageError{fmt.Errorf("--executor: must be local or slurm, got %.40q", e.executor)}
	}
	opt, err := slurm.ParseOptions(e.slurm)
	switch {
	case err != nil:
	case e.runsPerTask < 1:
		err = fmt.Errorf("--runs-per-task: must be a whole number from 1 on, got %d", e.runsPerTask)
	case f.Changed("shard"):
		err = errors.New("--shard: --executor slurm makes shards of its own; leave one of them out")
	case flags.opt.Runs == folder.Fresh:
		err = errors.New("--fresh: tasks that are requeued would begin anew each time; choose another folder with --out, or move the runs away")
	case flags.opt.Repeats > 0:
		err = errors.New("--timing: compares the runs of one process with each other; have it run in a job of its own, sbatch --exclusive --wrap 'dgn run CONFIG --timing'")
	}
	if err != nil {
		return nil, usageError{err}
	}
	job := &slurm.Job{Options: opt, Version: experiment.ThisBuild(a.version).Version, Yielded: exitYielded}
	if f.Changed("threads") {
		job.Threads = f.Lookup("threads").Value.String()
		if !a.settings.Auto && job.CPUs == 0 && !job.Exclusive {
			job.CPUs = a.settings.Threads
		}
	}
	job.Words = e.words(a, c, flags)
	if a.settings.DataDir != "" {
		job.Env = append(job.Env, envName("data_dir")+"="+a.settings.DataDir)
	}
	if job.Program, err = slurm.ThisProgram(); err != nil {
		return nil, err
	}
	job.WorkDir, err = os.Getwd()
	return job, err
}

// words are the command of a task, without its config, folder and shard.
func (e *executorFlags) words(a *app, c *cobra.Command, flags *runFlags) []string {
	words := []string{c.Name()}
	for _, m := range flags.opt.Methods {
		words = append(words, "--method", m)
	}
	if flags.opt.Jobs > 1 {
		words = append(words, "--jobs", strconv.Itoa(flags.opt.Jobs))
	}
	if flags.opt.AcrossISA {
		words = append(words, "--resume-across-isa")
	}
	if flags.opt.FailFast {
		words = append(words, "--fail-fast")
	}
	if a.settings.Offline {
		words = append(words, "--offline")
	}
	if c.Flags().Changed("log-format") {
		words = append(words, "--log-format", a.settings.LogFormat)
	}
	if !c.Flags().Changed("figures") { // as a part draws none, so does one that is all
		return append(words, "--figures", string(experiment.NoFigures))
	}
	return append(words, "--figures", flags.figures)
}

// submit has Slurm make the runs of a study, and says what was submitted.
func (a *app) submit(c *cobra.Command, study *config.Study, opt experiment.Options, job slurm.Job, e *executorFlags) error {
	screen := a.newScreen(c.Context())
	log := a.equip(c, screen, &opt)
	r, err := experiment.Submit(c.Context(), study, opt, job, e.runsPerTask, e.print)
	screen.close()
	if r == nil {
		return err
	}
	for _, w := range r.Warnings {
		log.Warn(w)
	}
	var lines []string
	if e.print {
		fmt.Fprint(a.stdout, r.Text)
		lines = append(lines, r.Commands...)
	}
	for _, j := range r.Jobs {
		lines = append(lines, fmt.Sprintf("job %s: --array=%s", j.ID, j.Array))
	}
	if r.Queued > 0 {
		lines = append(lines, fmt.Sprintf("left out: %d runs that are in the queue already, or at work: job %s", r.Queued, strings.Join(r.QueuedIn, ", ")))
	}
	switch {
	case err != nil:
	case r.Shards == 0 && r.Queued == 0:
		lines = append(lines, "nothing to submit: all runs are complete")
	case r.Shards == 0:
		lines = append(lines, "nothing to submit")
	case len(r.Jobs) > 0:
		lines = append(lines, fmt.Sprintf("submitted: %d runs in %d tasks: %s", r.Runs, r.Shards, r.Script))
	}
	for _, l := range lines {
		if e.print { // so that all of it is a script
			l = "# " + strings.ReplaceAll(l, "\n", "\n# ")
		}
		fmt.Fprintln(a.stdout, l)
	}
	return err
}

// slurmStates is what squeue says of runs that were submitted.
var slurmStates = stateSource{"slurm", func(ctx context.Context, dir string, runs []folder.RunReport) error {
	queue, err := slurm.Queue(ctx, dir)
	if err != nil {
		return err
	}
	for i := range runs {
		r := &runs[i]
		e, ok := queue[slurm.RunKey(r.Identity)]
		if !ok {
			continue
		}
		if r.Others == nil {
			r.Others = map[string]string{}
		}
		r.Others["slurm"] = e.String()
	}
	return nil
}}
