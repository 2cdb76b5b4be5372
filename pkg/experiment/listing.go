package experiment

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/folder"
)

// A Listing is what an experiment would do.
type Listing struct{ Runs []folder.Status }

// List finds out what [Sweep] would do, and writes nothing.
func List(s *config.Study, opt Options) (*Listing, error) {
	opt.Complete(context.Background(), s.Config)
	p, err := newPlan(s, opt)
	if err != nil {
		return nil, err
	}
	runs, err := opt.folder().Survey(p.Shard(opt.Shard).Tasks, opt.Runs)
	if err != nil {
		return nil, err
	}
	return &Listing{runs}, nil
}

// WriteTable writes a line for each run, and how many there are of each state.
func (l *Listing) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "method\tsettings\tseed\tstate")
	counts := map[folder.State]int{}
	for _, r := range l.Runs {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", r.Method(), cmp.Or(r.Varied.String(), "-"), r.Seed, r.State)
		counts[r.State]++
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var parts []string
	for _, s := range folder.States {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	_, err := fmt.Fprintf(w, "\n%d runs: %s\n", len(l.Runs), strings.Join(parts, ", "))
	return err
}
