package train

import (
	"bytes"
	"context"
	"encoding/csv"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/config/configtest"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
)

// toy is a small experiment on embedded data.
const toy = configtest.Toy

func parse(t testing.TB, text string, sets ...string) *config.Config {
	t.Helper()
	return configtest.Read(t, config.Parse, text, sets...)
}

// opened is the problem of a config on embedded data.
func opened(t testing.TB, c *config.Config) *problem.Problem {
	t.Helper()
	p, err := problem.Open(c, datasets.Env{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noMonitor watches nothing.
type noMonitor struct{}

func (noMonitor) Step(Progress)                {}
func (noMonitor) Evaluated(*runlog.Evaluation) {}

// output writes to a folder of its own.
func output(t testing.TB) (out Output, dir string) {
	t.Helper()
	dir = t.TempDir()
	logs, err := runlog.NewWriter(diskfile.OS{}, dir, runlog.Requests{Inner: true, Probes: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep := &checkpoint.Keeper{Files: diskfile.OS{}, Dir: dir, At: time.Now(), Log: slog.New(slog.DiscardHandler)}
	return Output{Log: logs, Checkpoints: keep, Monitor: noMonitor{}}, dir
}

// trained runs a method of a config to its end, and returns the folder of the logs.
func trained(t testing.TB, c *config.Config, method int) (end End, dir string) {
	t.Helper()
	out, dir := output(t)
	end, err := Training{Problem: opened(t, c), Method: &c.Methods[method], Threads: 1}.Run(context.Background(), out)
	if err != nil || end.Outcome != runlog.Finished {
		t.Fatal(end, err)
	}
	if err := out.Log.Close(); err != nil {
		t.Fatal(err)
	}
	return end, dir
}

// steps reads steps.csv, by column.
func steps(t testing.TB, dir string) (columns map[string][]string, n int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, runlog.Steps.File))
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns = map[string][]string{}
	for _, r := range all[1:] {
		for i, cell := range r {
			columns[all[0][i]] = append(columns[all[0][i]], cell)
		}
	}
	return columns, len(all) - 1
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
