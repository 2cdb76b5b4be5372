package experiment

import (
	"bytes"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/report"
)

// Publish sums up the logs of the experiment's methods: it writes summary.csv
// and the default figures, and returns the summary and the figures' files.
func (r *Result) Publish(files Files) (*report.Summary, []string, error) {
	res, err := report.Load(r.Dir)
	if err != nil {
		return nil, nil, err
	}
	res.Keep(r.Methods)
	summary := report.Summarize(res)
	var b bytes.Buffer
	if err := summary.WriteCSV(&b); err != nil {
		return summary, nil, err
	}
	if err := files.Replace(filepath.Join(r.Dir, "summary.csv"), b.Bytes()); err != nil {
		return summary, nil, err
	}
	figures, err := report.Figures(res, report.FigureOptions{Dir: filepath.Join(r.Dir, "figures")})
	summary.Warnings = res.Warnings
	return summary, figures, err
}
