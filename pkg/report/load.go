// Package report reads the logs of runs, and nothing else, and turns them into
// tables and figures.
package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// columns are those of metrics.csv that hold numbers.
var columns = []string{"seed", "step", "epoch", "wall_seconds", "cost", "oracle_calls",
	"train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy", "test_rmse"}

// A Row is one evaluation, by column; NaN stands for an empty cell.
type Row map[string]float64

// A Run is the logs of one method with one seed.
type Run struct {
	Dir string
	Manifest
	Rows []Row
}

// Manifest is what figures and tables need of a run's manifest.json.
type Manifest struct {
	Name        string    `json:"name"`
	Method      string    `json:"method"`
	MethodIndex int       `json:"method_index"`
	Seed        uint64    `json:"seed"`
	Dataset     string    `json:"dataset"`
	Outcome     string    `json:"outcome"`
	Varied      []Setting `json:"varied,omitempty"` // swept settings
	Version     string    `json:"dgn_version"`
	Commit      string    `json:"commit"`
	CPU         string    `json:"cpu"`
	ISA         string    `json:"isa"`
	Threads     int       `json:"threads"`
	Jobs        int       `json:"jobs"`
}

// complete reports whether the run trained to its end.
func (r *Run) complete() bool { return r.Outcome == "finished" || r.Outcome == "target" }

// Results are runs, by method in the order of the config, then by swept
// settings and seed.
type Results struct {
	Runs     []Run
	Warnings []string // what was left out, and why
}

// Load reads the runs of result folders.
func Load(dirs ...string) (*Results, error) {
	res := &Results{}
	for _, dir := range dirs {
		if err := res.load(dir); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(res.Runs, func(a, b Run) int {
		if a.MethodIndex != b.MethodIndex {
			return a.MethodIndex - b.MethodIndex
		}
		if c := strings.Compare(a.Method, b.Method); c != 0 {
			return c
		}
		if c := compareSettings(a.Varied, b.Varied); c != 0 {
			return c
		}
		switch {
		case a.Seed < b.Seed:
			return -1
		case a.Seed > b.Seed:
			return 1
		}
		return 0
	})
	return res, nil
}

func (res *Results) load(dir string) error {
	root := filepath.Join(dir, "runs")
	found := false
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() != "manifest.json" || d.IsDir() {
			return nil
		}
		found = true
		return res.run(filepath.Dir(path))
	})
	if errors.Is(err, fs.ErrNotExist) || err == nil && !found {
		return fmt.Errorf("%s: no runs here; expected a results folder with %s", dir, filepath.Join("runs", "METHOD", "SEED", "manifest.json"))
	}
	return err
}

func (res *Results) run(dir string) error {
	r := Run{Dir: dir}
	path := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &r.Manifest); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if r.Method == "" || r.Outcome == "" {
		return fmt.Errorf("%s: the fields method and outcome are missing; is it a manifest of dgn?", path)
	}
	path = filepath.Join(dir, "metrics.csv")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s: %s, and without metrics.csv: left out", dir, r.Outcome))
		return nil
	}
	if err != nil {
		return err
	}
	var warning string
	if r.Rows, warning, err = readMetrics(path, text); err != nil {
		return err
	}
	if warning != "" {
		res.Warnings = append(res.Warnings, warning)
	}
	res.Runs = append(res.Runs, r)
	return nil
}

// readMetrics reads the rows of metrics.csv. A last row that a crash cut short
// is left out, with a warning; any other damage is an error.
func readMetrics(path string, text []byte) (rows []Row, warning string, err error) {
	if i := bytes.LastIndexByte(text, '\n'); i+1 < len(text) {
		warning = fmt.Sprintf("%s: the last row is cut short: left out", path)
		text = text[:i+1]
	}
	r := csv.NewReader(bytes.NewReader(text))
	header, err := r.Read()
	if err != nil {
		return nil, "", fmt.Errorf("%s: there is no header: %w", path, err)
	}
	at := map[string]int{}
	for i, h := range header {
		at[h] = i
	}
	var missing []string
	for _, c := range columns {
		if _, ok := at[c]; !ok {
			missing = append(missing, c)
		}
	}
	if missing != nil {
		return nil, "", fmt.Errorf("%s: missing columns: %s", path, strings.Join(missing, ", "))
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, warning, nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", path, err)
		}
		row := Row{}
		for _, c := range columns {
			cell := cells[at[c]]
			if cell == "" {
				row[c] = math.NaN()
				continue
			}
			if row[c], err = strconv.ParseFloat(cell, 64); err != nil {
				line, _ := r.FieldPos(at[c])
				return nil, "", fmt.Errorf("%s:%d: column %s: %q is not a number", path, line, c, cell)
			}
		}
		rows = append(rows, row)
	}
}

// has reports whether any run has numbers in a column.
func (res *Results) has(column string) bool {
	for _, r := range res.Runs {
		for _, row := range r.Rows {
			if !math.IsNaN(row[column]) {
				return true
			}
		}
	}
	return false
}

// timing says why the wall clocks of the runs do not compare, "" if they do.
func (res *Results) timing() string {
	var differ []string
	jobs := 1
	for i, r := range res.Runs {
		jobs = max(jobs, r.Jobs)
		first := res.Runs[0]
		for _, m := range []struct {
			name string
			same bool
		}{
			{"versions", r.Version == first.Version && r.Commit == first.Commit}, {"processors", r.CPU == first.CPU && r.ISA == first.ISA},
			{"threads", r.Threads == first.Threads}, {"jobs", r.Jobs == first.Jobs},
		} {
			if i > 0 && !m.same && !slices.Contains(differ, m.name) {
				differ = append(differ, m.name)
			}
		}
	}
	switch {
	case differ != nil:
		return "times do not compare: runs were made with different " + strings.Join(differ, ", ")
	case jobs > 1:
		return fmt.Sprintf("times do not compare: %d runs were made at the same time", jobs)
	}
	return ""
}
