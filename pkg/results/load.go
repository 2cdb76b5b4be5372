package results

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/strict"
)

// Load reads the runs of result folders, and of files that Export wrote, together. A run
// folder needs manifest.json and metrics.csv alone. Runs that lack one of them, or whose
// files are not as the run left them, are left out or marked as damaged, with a
// warning; what cannot be understood is a [runlog.Error]. An export goes with other results
// if these are of other methods.
func Load(paths ...string) (*Results, error) {
	logs, err := Open(paths...)
	if err != nil {
		return nil, err
	}
	return logs.Merge()
}

// Logs are runs as they were read, before it is known which go together.
type Logs struct {
	runs     []Run
	from     []source // of each run
	warnings []string
}

// A source is a path that runs were read from.
type source struct {
	path   string
	export bool
}

// Open reads what [Load] does. [Logs.Merge] takes all runs together, [Logs.Tasks] each
// experiment by itself.
func Open(paths ...string) (*Logs, error) { return open(&Results{}, paths) }

// OpenChanging reads as [Open] does what others are writing meanwhile: what is not there yet
// and what cannot be understood is left out, with a warning, and the last row of a log that
// is being written without one.
func OpenChanging(paths ...string) *Logs {
	logs, _ := open(&Results{lenient: true}, paths) // whose errors are warnings
	logs.warnings = slices.DeleteFunc(logs.warnings, func(w string) bool { return strings.HasSuffix(w, runlog.CutShort) })
	return logs
}

func open(res *Results, paths []string) (*Logs, error) {
	logs := &Logs{}
	for _, path := range paths {
		from, load := source{path: path}, res.loadFolder
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			from.export, load = true, res.loadExport
		}
		if err := load(path); err != nil && !res.lenient {
			return nil, err
		} else if err != nil {
			res.warn("%v", err)
		}
		for len(logs.from) < len(res.Runs) {
			logs.from = append(logs.from, from)
		}
	}
	res.WarnOfFiles()
	logs.runs, logs.warnings = res.Runs, res.Warnings
	return logs, nil
}

// Select leaves only the runs of some methods, all of which must be there.
func (l *Logs) Select(methods []string) error {
	ordered := slices.Clone(l.runs) // in which an error names the methods
	slices.SortStableFunc(ordered, func(a, b Run) int { return cmp.Compare(a.MethodIndex, b.MethodIndex) })
	if err := (&Results{Runs: ordered}).Select(methods); err != nil {
		return err
	}
	*l = *l.only(func(r *Run) bool { return slices.Contains(methods, r.Method) })
	return nil
}

// only returns some of the runs.
func (l *Logs) only(keep func(r *Run) bool) *Logs {
	out := &Logs{warnings: l.warnings}
	for i := range l.runs {
		if keep(&l.runs[i]) {
			out.runs, out.from = append(out.runs, l.runs[i]), append(out.from, l.from[i])
		}
	}
	return out
}

// Merge returns all runs, of which those of one method that differ in any setting are told
// apart.
func (l *Logs) Merge() (*Results, error) {
	of := map[string]source{} // by method, the first
	for i, r := range l.runs {
		from := l.from[i]
		first, ok := of[r.Method]
		if !ok {
			of[r.Method] = from
		} else if first.path != from.path && (first.export || from.export) {
			return nil, OptionErrorf("%s and %s both hold runs of %q, and an export tells only of settings in which its own runs differ: whether these have the same cannot be known; export the folders together", first.path, from.path, r.Method)
		}
	}
	res := &Results{Runs: slices.Clone(l.runs), Warnings: slices.Clone(l.warnings)}
	res.relate()
	res.distinguish()
	// A method has one place, though it may have another in each config.
	place := map[string]int{}
	for _, r := range res.Runs {
		if at, ok := place[r.Method]; !ok || r.MethodIndex < at {
			place[r.Method] = r.MethodIndex
		}
	}
	for i := range res.Runs {
		res.Runs[i].MethodIndex = place[res.Runs[i].Method]
	}
	slices.SortStableFunc(res.Runs, func(a, b Run) int {
		return cmp.Or(a.MethodIndex-b.MethodIndex, strings.Compare(a.Method, b.Method),
			slices.CompareFunc(a.Varied, b.Varied, compareSettings), cmp.Compare(a.Seed, b.Seed))
	})
	return res, nil
}

// A Task is the runs of one experiment on one data set.
type Task struct {
	Name, Dataset string
	*Results
}

// Tasks returns the runs by experiment and data set, in the order in which these come.
// Settings that only other experiments vary tell no runs apart, and exports go together
// that Merge would refuse, if they are of different tasks. Warnings of what was read are
// those of the first.
func (l *Logs) Tasks() (tasks []Task, err error) {
	type id struct{ name, dataset string }
	seen := map[id]bool{}
	for _, r := range l.runs {
		own := id{r.Name, r.Dataset}
		if seen[own] {
			continue
		}
		seen[own] = true
		part := l.only(func(r *Run) bool { return id{r.Name, r.Dataset} == own })
		if len(tasks) > 0 {
			part.warnings = nil
		}
		res, err := part.Merge()
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, Task{Name: own.name, Dataset: own.dataset, Results: res})
	}
	return tasks, nil
}

func (res *Results) loadFolder(dir string) error {
	runs := filepath.Join(dir, "runs")
	found, err := res.walk(runs, map[string]bool{})
	if errors.Is(err, fs.ErrNotExist) || err == nil && !found {
		return runlog.Errorf("%s: no runs here; expected a results folder with %s, or a file of dgn export", dir, filepath.Join("runs", "METHOD", "SEED", runlog.ManifestFile))
	}
	return err
}

// walk reads the runs below a folder, and reports whether there are manifests.
// Links to folders are followed, since results are moved to other disks; each
// folder is read once, however many links lead there.
func (res *Results) walk(dir string, seen map[string]bool) (found bool, err error) {
	place, err := filepath.EvalSymlinks(dir)
	if err != nil || seen[place] {
		return false, err
	}
	seen[place] = true
	list, err := os.ReadDir(dir)
	if err != nil && res.lenient {
		res.warn("%v", err)
	} else if err != nil {
		return false, runlog.Errorf("%w", err)
	}
	manifest, logs := false, false
	for _, e := range list {
		path, folder := filepath.Join(dir, e.Name()), e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if err != nil && e.Name() != runlog.ManifestFile && e.Name() != runlog.Metrics.File {
				res.warn("%s: left out: the link leads nowhere", path)
				continue
			}
			folder = err == nil && info.IsDir()
		}
		switch {
		case e.Name() == runlog.ManifestFile && !folder:
			manifest = true
		case e.Name() == runlog.Metrics.File && !folder:
			logs = true
		case folder:
			below, err := res.walk(path, seen)
			if err != nil {
				return found, err
			}
			found = found || below
		}
	}
	if manifest {
		err := res.loadRun(dir)
		if err != nil && res.lenient && !errors.Is(err, fs.ErrNotExist) {
			res.warn("%v; the run is left out", err)
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
	}
	if manifest || logs {
		res.warn("%s: left out: it has no manifest.json, which says what its logs are of", dir)
	}
	return found, nil
}

// Add adds the run in a folder, if it was begun, with settings in place of those
// that its manifest says it varies. Its error is as that of Load. WarnOfFiles is to
// follow the last.
func (res *Results) Add(dir string, varied []runlog.Setting) error {
	before := len(res.Runs)
	err := res.loadRun(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for i := range res.Runs[before:] {
		res.Runs[before+i].Varied = varied
	}
	return err
}

func (res *Results) loadRun(dir string) error {
	r := Run{Dir: dir}
	path := filepath.Join(dir, runlog.ManifestFile)
	m, err := runlog.ReadManifest(dir)
	if err != nil {
		return err
	}
	r.Manifest = *m
	if r.MethodIndex < 0 {
		return runlog.Errorf("%s: method_index: must not be negative, got %d", path, r.MethodIndex)
	}
	if r.Method == "" || r.Outcome == "" {
		return runlog.Errorf("%s: the fields method and outcome are missing; is it a manifest of dgn?", path)
	}
	if !r.Outcome.Known() {
		return runlog.Errorf("%s: outcome: must be %s, got %s", path, strings.Join(outcomes(), ", "), strict.Quote(string(r.Outcome)))
	}
	path = filepath.Join(dir, runlog.Metrics.File)
	text, err := runlog.ReadFile(path, runlog.MaxTable, runlog.MaxLine)
	if errors.Is(err, fs.ErrNotExist) {
		if r.ended() {
			r.Damage = "metrics.csv is missing"
			res.Runs = append(res.Runs, r)
			return nil
		}
		res.warn("%s: %s, and without metrics.csv: left out", dir, r.Outcome)
		return nil
	}
	if err != nil {
		return err
	}
	var warning string
	if r.ended() || !runlog.Metrics.Begins(text) {
		if r.Rows, warning, err = runlog.Metrics.Read(path, text); err != nil {
			return err
		}
	}
	if warning != "" {
		res.warn("%s", warning)
	}
	if err := r.inspect(text); err != nil {
		return err
	}
	if warning != "" && r.ended() && r.Damage == "" {
		r.Damage = "the last row of metrics.csv is cut short"
	}
	if len(r.Rows) == 0 {
		res.warn("%s: no evaluations yet", path)
	}
	res.Runs = append(res.Runs, r)
	return nil
}
