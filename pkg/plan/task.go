package plan

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Task is one run to make: one method from one seed, and where it goes. It is plain
// data, and its JSON is all that another process needs beside the data.
type Task struct {
	Config      *config.Config // of this method alone, with the swept settings in place
	MethodIndex int            // of the method among all that are compared
	Varied      runlog.Varied  // the swept settings
	Seed        uint64
	Dir         string // relative to the results folder

	Settings  runlog.Settings
	Identity  string            // of the settings
	Checksums map[string]string // SHA-256 of the data that the settings were made with
	Group     int               // tasks of a group need the same data
	Predicted float64           // seconds that the run takes, about and in comparison with others, see [Facts]
	Steps     int               // the most that it has; 0: cost or seconds bound it alone
}

// Dir returns the folder of a run, relative to the results folder. Swept
// settings add a level; their names hold a =, so that none is a seed.
func Dir(method string, v runlog.Varied, seed uint64) string {
	return filepath.Join("runs", config.Slug(method), v.Slug(), fmt.Sprint(seed))
}

// Method is the name of the method.
func (t Task) Method() string { return t.Config.Methods[0].Name }

// String names a run in messages.
func (t Task) String() string {
	if len(t.Varied) > 0 {
		return fmt.Sprintf("%s, %s, seed %d", t.Method(), t.Varied, t.Seed)
	}
	return fmt.Sprintf("%s, seed %d", t.Method(), t.Seed)
}

// Logger returns a logger that names the run.
func (t Task) Logger(l *slog.Logger) *slog.Logger {
	l = l.With("method", t.Method())
	if len(t.Varied) > 0 {
		l = l.With("settings", t.Varied.String())
	}
	return l.With("seed", t.Seed)
}

// SameData returns an error if the facts of the task's config are not those that its
// identity was made of.
func (t Task) SameData(f Facts) error {
	s, err := settings(t.Config, t.Seed, f)
	if err != nil {
		return err
	}
	if s.Identity() == t.Identity {
		return nil
	}
	if f.Start != t.Settings[keyStart] {
		return fmt.Errorf("%s is not what it was when the runs were planned", t.Config.Model.Start)
	}
	return fmt.Errorf("the data set %s is not what it was when the runs were planned: its files were changed", t.Config.Data.Name)
}

// taskJSON is a task in JSON. The config is its YAML text.
type taskJSON struct {
	Config      string            `json:"config"`
	Method      string            `json:"method"`
	MethodIndex int               `json:"method_index"`
	Varied      runlog.Varied     `json:"varied,omitempty"`
	Seed        uint64            `json:"seed"`
	Dir         string            `json:"dir"`
	Settings    runlog.Settings   `json:"settings"`
	Identity    string            `json:"identity"`
	Checksums   map[string]string `json:"data_checksums"`
	Group       int               `json:"group"`
	Predicted   float64           `json:"predicted_seconds"`
	Steps       int               `json:"steps"`
}

// MarshalJSON writes the config as YAML text.
func (t Task) MarshalJSON() ([]byte, error) {
	text, err := t.Config.YAML()
	if err != nil {
		return nil, err
	}
	return json.Marshal(taskJSON{string(text), t.Method(), t.MethodIndex, t.Varied, t.Seed, filepath.ToSlash(t.Dir), t.Settings, t.Identity, t.Checksums, t.Group, t.Predicted, t.Steps})
}

// UnmarshalJSON reads what [Task.MarshalJSON] wrote, and refuses a task that does not
// agree with itself.
func (t *Task) UnmarshalJSON(data []byte) error {
	var in taskJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	c, err := config.Parse("task", []byte(in.Config), nil)
	switch {
	case err != nil:
		return err
	case len(c.Methods) != 1 || c.Methods[0].Name != in.Method:
		return fmt.Errorf("a task has one method, this one %q and a config of %d", in.Method, len(c.Methods))
	case in.Settings.Identity() != in.Identity:
		return fmt.Errorf("the identity %.12s of a task is not that of its settings", in.Identity)
	case !filepath.IsLocal(filepath.FromSlash(in.Dir)):
		return fmt.Errorf("the folder %q of a task is not in the results folder", in.Dir)
	}
	*t = Task{c, in.MethodIndex, in.Varied, in.Seed, filepath.FromSlash(in.Dir), in.Settings, in.Identity, in.Checksums, in.Group, in.Predicted, in.Steps}
	return nil
}
