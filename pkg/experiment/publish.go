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
	res, err := r.logs()
	if err != nil {
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

// logs reads the logs of the experiment's own runs, whatever else the results
// folder holds, in its order and with the settings that it varied: a reused run
// may be that of another sweep.
func (r *Result) logs() (*report.Results, error) {
	res := &report.Results{}
	for _, p := range r.runs {
		if p.state == Held {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s: left out: %v", filepath.Join(r.Dir, p.path), p.fault))
			continue
		}
		b, err := json.Marshal(p.varied)
		if err != nil {
			return nil, err
		}
		var varied []report.Setting
		if err := json.Unmarshal(b, &varied); err != nil {
			return nil, err
		}
		if err := res.Add(filepath.Join(r.Dir, p.path), varied); err != nil {
			return nil, err
		}
	}
	return res, nil
}
