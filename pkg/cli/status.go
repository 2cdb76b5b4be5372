package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/spf13/cobra"
)

// A stateSource is another system that knows of planned runs, as the queue of a cluster.
type stateSource struct {
	name string // of its column

	// fill adds what the system says to RunReport.Others, under the name of the source.
	// Runs that it does not know it leaves alone. Its error is a warning.
	fill func(ctx context.Context, dir string, runs []folder.RunReport) error
}

// stateSources are asked in this order.
var stateSources = []stateSource{slurmStates}

// status is what the command tells of a folder.
type status struct {
	Folder  string                   `json:"folder"`
	Planned bool                     `json:"has_plan"` // else runs that nobody has begun are not known
	Counts  map[folder.Condition]int `json:"counts"`
	Runs    []folder.RunReport       `json:"runs"`

	now time.Time
}

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status FOLDER",
		Short: "Tell of every planned run whether it is complete, running, queued or failed, and where",
		Long: `Tell of every planned run of a results folder how it stands:

  complete     trained to its end
  diverged     ended at a NaN or an infinity, which is a result too
  running      a process is at work on it: node, process, and its last sign of life
  silent       its process, on another node, has given no sign of life for ` + duration(diskfile.Silence) + `;
               whoever makes the run next takes it over
  interrupted  stopped or killed; goes on from the step of its checkpoint
  failed       with its error; is made again, or goes on from its checkpoint
  damaged      its manifest cannot be read
  queued       nobody is on it yet

The folder alone is asked, in which plan.json lists what dgn run and dgn sweep were
asked for; of runs submitted to Slurm, squeue is asked as well.`,
		Example: `  dgn status results/digits
  dgn status results/digits --json | jq '.counts'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.statusOf(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(a.stdout)
				e.SetIndent("", "  ")
				return e.Encode(s)
			}
			return s.writeTable(a.stdout)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// statusOf looks at a results folder.
func (a *app) statusOf(ctx context.Context, dir string) (*status, error) {
	log := a.logger(a.stderr)
	f := &folder.Folder{Dir: dir, Files: diskfile.OS{}, Log: log}
	runs, planned, err := f.Report()
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, runlog.Errorf("%s: no runs here; expected a results folder with %s, or with %s", dir, folder.PlanFile, filepath.Join("runs", "METHOD", "SEED", runlog.ManifestFile))
	}
	for _, s := range stateSources {
		if err := s.fill(ctx, dir, runs); err != nil {
			log.Warn(fmt.Sprintf("nothing is known from %s: %v", s.name, err))
		}
	}
	out := &status{Folder: dir, Planned: planned, Counts: map[folder.Condition]int{}, Runs: runs, now: time.Now()}
	for _, r := range runs {
		out.Counts[r.State]++
	}
	return out, nil
}

// writeTable writes a line for each run, and how many there are of each state.
func (s *status) writeTable(w io.Writer) error {
	var sources []stateSource
	for _, source := range stateSources {
		for _, r := range s.Runs {
			if r.Others[source.name] != "" {
				sources = append(sources, source)
				break
			}
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := []string{"method", "settings", "seed", "state", "checkpoint", "node"}
	for _, source := range sources {
		head = append(head, source.name)
	}
	fmt.Fprintln(t, strings.Join(append(head, "remarks"), "\t"))
	for _, r := range s.Runs {
		cells := []string{r.Method, cmp.Or(r.Varied.String(), "-"), fmt.Sprint(r.Seed), string(r.State), checkpointOf(r), cmp.Or(r.Host, "-")}
		for _, source := range sources {
			cells = append(cells, cmp.Or(r.Others[source.name], "-"))
		}
		cells = append(cells, s.remarks(r))
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(strict.Printable(cell), "\t", " ")
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var parts []string
	for _, c := range folder.Conditions {
		if n := s.Counts[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c))
		}
	}
	fmt.Fprintf(w, "\n%d runs: %s\n", len(s.Runs), strings.Join(parts, ", "))
	if !s.Planned {
		fmt.Fprintf(w, "%s has no %s, as folders of early versions: runs that nobody has begun are not listed\n", s.Folder, folder.PlanFile)
	}
	return nil
}

// checkpointOf is the step that a run goes on from, and of how many.
func checkpointOf(r folder.RunReport) string {
	switch {
	case r.Checkpoint == 0:
		return "-"
	case r.Steps > 0:
		return fmt.Sprintf("%d of %d", r.Checkpoint, r.Steps)
	}
	return fmt.Sprint(r.Checkpoint)
}

// remarks are what else there is to say of a run, on one line.
func (s *status) remarks(r folder.RunReport) string {
	var list []string
	if r.PID != 0 {
		list = append(list, fmt.Sprintf("process %d since %s, last sign of life %s ago", r.PID, r.Since.Local().Format(time.DateTime), duration(s.now.Sub(r.Beat))))
	}
	for _, text := range []string{r.Error, r.Detail} {
		if line, _, _ := strings.Cut(text, "\n"); line != "" {
			list = append(list, line)
		}
	}
	if r.MixedISA != nil {
		list = append(list, "made with the instruction sets "+strings.Join(r.MixedISA, ", "))
	}
	if !r.Asked && s.Planned {
		list = append(list, "not asked for by the plan")
	}
	return strings.Join(list, "; ")
}

// duration is a length of time in whole seconds.
func duration(d time.Duration) string { return max(d, 0).Round(time.Second).String() }
