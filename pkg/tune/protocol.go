package tune

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/dualgn/dgn/pkg/config"
)

// written is the text of tuned.yaml: the chosen config, with the protocol by which it was
// chosen as its comment.
func written(s *config.Search, out *Outcome) ([]byte, error) {
	text, err := out.Config.YAML()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	line := func(format string, args ...any) {
		for l := range strings.Lines(fmt.Sprintf(format, args...)) {
			b.WriteString("# " + strings.TrimSuffix(l, "\n") + "\n")
		}
	}
	t := s.Config.Tune
	line("Settings chosen by dgn tune. Protocol:")
	line("  %d trials of each method, %s search (seed %d), each from the seeds %v;", t.Trials, t.Sampler, t.Seed, t.Seeds)
	if t.Share > 0 && t.Share < 1 {
		line("  trials have %.3g of the limits that runs have;", t.Share)
	}
	if h := t.Halving; h != nil {
		line("  successive halving: %d budgets, of which each keeps %.3g of the trials for one %.3g times as large;", h.Rungs, h.Keep, 1/h.Keep)
	}
	for i, m := range s.Config.Methods {
		budget := s.Config.Of(i).Train
		line("  a run of %s has %s, mini-batches of %d;", m.Name, budget.Limits(), budget.BatchSize)
	}
	line("  chosen by the mean of %s %s; a trial that diverged from any seed comes last;", t.Metric, when(t.At))
	line("  results are of the seeds %v, none of which was searched with.", s.Config.Seeds)
	if clocked(s.Config) != "" {
		line("  The choice follows the clock: another search may choose otherwise.")
	}
	for _, n := range s.Notes {
		line("  Note: %s.", n)
	}
	line("Searched:")
	for _, d := range t.Ranges {
		what := d.Range
		if what == "" {
			what = fmt.Sprintf("%d values", len(d.Values))
		}
		line("  %s: %s", d.Key, what)
	}
	line("Chosen:")
	for _, c := range out.Choices {
		line("  %s: %s (%s %.6g; %d trials, of the last ones %d diverged)", c.Method, c.Settings, t.Metric, c.Value, c.Trials, c.Failed)
		for _, e := range c.Edges {
			line("    at the edge of the search: %s", e)
		}
	}
	return append(b.Bytes(), text...), nil
}

// when says where the metric is read.
func when(at *config.Amount) string {
	switch {
	case at == nil:
		return "at the end of the runs"
	case at.Cost > 0:
		return fmt.Sprintf("at a cost of %g gradients of a mini-batch", at.Cost)
	}
	return fmt.Sprintf("after %g seconds of training", at.Seconds)
}
