package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/dualgn/dgn/pkg/datasets"
)

// Run is the function Run for a study.
func (s *Study) Run(ctx context.Context, opt Options) (*Result, error) {
	opt.complete(ctx, s.Config)
	data := &dataCache{env: opt.Data, log: opt.Log}
	runs, err := s.runs(data)
	if err != nil {
		return nil, err
	}
	return execute(ctx, s.Config, runs, data.open, opt)
}

// A Listing is what a study would do.
type Listing struct{ runs []planned }

// List finds out what Run would do, and writes nothing.
func (s *Study) List(opt Options) (*Listing, error) {
	opt.complete(context.Background(), s.Config)
	runs, err := s.runs(&dataCache{env: opt.Data, log: opt.Log})
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(opt.Out); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("cannot make the results folder: %s is a file; choose another with --out", opt.Out)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f := &folder{dir: opt.Out}
	if err := f.survey(runs, opt); err != nil {
		return nil, err
	}
	return &Listing{runs}, nil
}

// WriteTable writes a line for each run, and how many there are of each state.
func (l *Listing) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "method\tsettings\tseed\tstate")
	counts := map[State]int{}
	for _, r := range l.runs {
		settings := r.varied.String()
		if settings == "" {
			settings = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", r.name(), settings, r.seed, r.state)
		counts[r.state]++
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var parts []string
	for _, s := range []State{New, Kept, Unfinished, Begun, Broken, Damaged, Held, Again} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	_, err := fmt.Fprintf(w, "\n%d runs: %s\n", len(l.runs), strings.Join(parts, ", "))
	return err
}

// runs lists the runs of all points, in order, each identity of a method once.
// It reads the data of every point, one set after the other, and checks what
// only data can tell.
func (s *Study) runs(data *dataCache) ([]planned, error) {
	var all complaints
	settings := make([][]planned, len(s.points)) // by seed
	for number, group := range s.byData() {
		for _, i := range group {
			p := s.points[i]
			problem, err := data.problem(p.config)
			if err != nil {
				var config *ConfigError
				if !errors.As(err, &config) {
					return nil, err // data that are missing or damaged
				}
				all.add(err)
				continue
			}
			runs, err := problem.runs()
			if err != nil {
				return nil, err
			}
			for j := range runs {
				r := &runs[j]
				r.index, r.varied, r.group = p.method, p.varied, number
				r.path = runPath(r.name(), p.varied, r.seed)
			}
			settings[i] = runs
		}
	}
	if err := all.err(); err != nil {
		return nil, &ConfigError{err}
	}
	return s.distinct(slices.Concat(settings...), data.log), nil
}

// distinct leaves out runs that are the same as an earlier one of their method.
func (s *Study) distinct(runs []planned, log *slog.Logger) (out []planned) {
	type key struct {
		method   int
		identity string
	}
	seen := map[key]bool{}
	for _, r := range runs {
		if k := (key{r.index, r.settings.Identity()}); !seen[k] {
			seen[k] = true
			out = append(out, r)
		}
	}
	if n := len(runs) - len(out); n > 0 {
		log.Info(fmt.Sprintf("%d of the sweep's runs repeat the settings of others, and are made once", n), "runs", len(out))
	}
	return out
}

// byData groups the points by the data that they need, so that each set is read
// once and is not kept longer than it is needed.
func (s *Study) byData() [][]int {
	var groups [][]int
	at := map[string]int{}
	for i, p := range s.points {
		key := dataKey(p.config)
		g, ok := at[key]
		if !ok {
			g = len(groups)
			at[key], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// dataKey is the same for configs that read and prepare data in the same way.
func dataKey(c *Config) string {
	s := Settings{}
	if err := s.add("data", c.Data); err != nil {
		panic("experiment: data settings that were decoded cannot be written: " + err.Error())
	}
	return fmt.Sprint(encoding(c.Loss.Must()), s.Identity())
}

// A dataCache keeps the data that were used last.
type dataCache struct {
	env datasets.Env
	log *slog.Logger

	mu   sync.Mutex
	key  string
	data *loaded
	told map[string]bool // notes that were logged
}

// problem returns the problem of a config, with the data in the cache if they
// fit.
func (c *dataCache) problem(config *Config) (*Problem, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key := dataKey(config); c.data == nil || key != c.key {
		c.data = nil // makes room
		d, err := openData(config, c.env)
		if err != nil {
			return nil, err
		}
		c.key, c.data = key, d
		c.tell(d.Warnings, c.log.Warn)
		c.tell(d.Notes, c.log.Info)
	}
	return c.data.problem(config)
}

// tell logs each message once.
func (c *dataCache) tell(messages []string, log func(string, ...any)) {
	for _, m := range messages {
		if !c.told[m] {
			log(m)
		}
		if c.told == nil {
			c.told = map[string]bool{}
		}
		c.told[m] = true
	}
}

// open returns the problem of a planned run.
func (c *dataCache) open(r planned) (*Problem, error) {
	p, err := c.problem(r.config)
	if err != nil {
		return nil, err
	}
	if !maps.Equal(p.Checksums, r.checksums) {
		return nil, fmt.Errorf("the data set %s is not what it was when the sweep began: its files were changed", r.config.Data.Name)
	}
	if p.start != nil && p.start.sum != r.settings[keySum] {
		return nil, fmt.Errorf("%s is not what it was when the sweep began", p.start.file)
	}
	return p, nil
}
