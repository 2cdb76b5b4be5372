package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dualgn/dgn/pkg/report"
)

// Publish sums up the logs of the experiment's runs: it writes summary.csv and
// the default figures, and returns the summary and the figures' files. Of runs on
// several data sets there are no figures, which the summary warns of.
func (r *Result) Publish(files Files) (*report.Summary, []string, error) {
	res, err := report.Load(r.Dir)
	if err != nil {
		return nil, nil, err
	}
	if err := r.take(res); err != nil {
		return nil, nil, err
	}
	summary := report.Summarize(res)
	var b bytes.Buffer
	if err := summary.WriteCSV(&b); err != nil {
		return summary, nil, err
	}
	if err := files.Replace(filepath.Join(r.Dir, "summary.csv"), b.Bytes()); err != nil {
		return summary, nil, err
	}
	if sets := res.Datasets(); len(sets) > 1 {
		summary.Warnings = append(res.Warnings, fmt.Sprintf("no figures: the runs are of different data sets, %s; dgn export --csv writes a table of all", strings.Join(sets, " and ")))
		return summary, nil, nil
	}
	figures, err := report.Figures(res, report.FigureOptions{Dir: filepath.Join(r.Dir, "figures")})
	summary.Warnings = res.Warnings
	return summary, figures, err
}

// take leaves the experiment's own runs of a results folder, in its order and
// with the settings that it varied: a reused run may be that of another sweep.
func (r *Result) take(res *report.Results) error {
	at := map[string]report.Run{}
	for _, run := range res.Runs {
		at[run.Dir] = run
	}
	res.Runs = nil
	for _, p := range r.runs {
		run, ok := at[filepath.Join(r.Dir, p.path)]
		if !ok {
			continue // not begun, or without logs
		}
		b, err := json.Marshal(p.varied)
		if err != nil {
			return err
		}
		run.Varied = nil
		if err := json.Unmarshal(b, &run.Varied); err != nil {
			return err
		}
		res.Runs = append(res.Runs, run)
	}
	return nil
}
