package experiment

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/klauspost/cpuid/v2"
)

// manifestFormat is raised when a field changes its meaning.
const manifestFormat = 1

// An Outcome says how a run ended. Divergence is a result; only Failed is a
// failure of the program or the machine.
type Outcome string

const (
	Running     Outcome = "running"     // not ended, or killed
	Finished    Outcome = "finished"    // reached epochs, steps or seconds
	Target      Outcome = "target"      // reached train.target
	Diverged    Outcome = "diverged"    // met a NaN or infinite loss
	Interrupted Outcome = "interrupted" // asked to stop
	Failed      Outcome = "failed"
)

// complete reports whether a run need not be made again.
func (o Outcome) complete() bool { return o == Finished || o == Target || o == Diverged }

// A Manifest records where a run's numbers come from.
type Manifest struct {
	Format      int    `json:"format"`
	Name        string `json:"name"`
	Method      string `json:"method"`
	MethodIndex int    `json:"method_index"`     // position in the config: gives a method its colour
	Varied      Varied `json:"varied,omitempty"` // swept settings, of the sweep that last asked for the run
	Seed        uint64 `json:"seed"`
	Dataset     string `json:"dataset"`
	Precision   string `json:"precision"`

	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`  // of a failed run
	Detail  string  `json:"detail,omitempty"` // of a diverged or target run: what was met, and where

	Identity string   `json:"identity"`
	Settings Settings `json:"settings"`

	Build
	Machine
	Threads int `json:"threads"`
	Jobs    int `json:"jobs"` // runs made at the same time

	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`

	// WallSeconds is the time of training, as the logs count it, whatever the
	// interruptions between start and end.
	WallSeconds float64 `json:"wall_seconds"`

	// Suspensions is how often the process was stopped while the run was made, and
	// SuspendedSeconds for how long. No part of it is in WallSeconds.
	Suspensions      int     `json:"suspensions,omitempty"`
	SuspendedSeconds float64 `json:"suspended_seconds,omitempty"`

	// Resumed has an entry for each time that the run continued from a
	// checkpoint. Mixed lists what of the machine was not the same all the time,
	// so that its wall clock compares with no other: processors, threads, jobs.
	Resumed []Resumption `json:"resumed,omitempty"`
	Mixed   []string     `json:"mixed,omitempty"`

	// GradientSteps is the number of updates that did not descend, so that the
	// line search took the gradient step in their place.
	GradientSteps int `json:"gradient_steps,omitempty"`

	// Files tells of a complete run what it left, so that a later loss shows. It is
	// nil in manifests of early versions.
	Files map[string]FileRecord `json:"files,omitempty"`

	Checksums map[string]string `json:"data_checksums"` // SHA-256 by file
	Choices   []string          `json:"choices"`        // made automatically
}

// A Resumption is one continuation of an interrupted run.
type Resumption struct {
	Step int       `json:"step"`
	Time time.Time `json:"time"`
}

// resume makes m, of a run about to start, that of the continuation of old.
func (m *Manifest) resume(old *Manifest, from *checkpoint) {
	m.Resumed = append(old.Resumed, Resumption{from.Step, m.Start})
	m.Start = old.Start
	if len(m.Varied) == 0 {
		m.Varied = old.Varied
	}
	m.WallSeconds, m.GradientSteps = from.Clock.Seconds(), from.GradientSteps
	m.Suspensions, m.SuspendedSeconds = from.Stops.Number, from.Stops.Time.Seconds()
	for _, d := range []struct {
		what string
		same bool
	}{{"processors", m.CPU == old.CPU}, {"threads", m.Threads == old.Threads}, {"jobs", m.Jobs == old.Jobs}} {
		if !d.same || slices.Contains(old.Mixed, d.what) {
			m.Mixed = append(m.Mixed, d.what)
		}
	}
}

// Build identifies the program.
type Build struct {
	Version   string `json:"dgn_version"`
	Commit    string `json:"commit,omitempty"`
	Modified  bool   `json:"modified,omitempty"` // built from a tree with uncommitted changes
	GoVersion string `json:"go_version"`
}

// Machine identifies the computer.
type Machine struct {
	CPU  string `json:"cpu"`
	ISA  string `json:"isa"` // the arithmetic kernels in use
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

// ThisBuild returns what the binary knows of itself. The version is set by the
// linker for releases, and is otherwise the module's.
func ThisBuild(version string) Build {
	b := Build{Version: version, GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// ThisMachine describes the computer the program runs on.
func ThisMachine() Machine {
	cpu := cpuid.CPU.BrandName
	if cpu == "" {
		cpu = "unknown"
	}
	return Machine{CPU: cpu, ISA: tensor.ISA(), OS: runtime.GOOS, Arch: runtime.GOARCH}
}

func (m *Manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// save writes the manifest of the run in a folder.
func (m *Manifest) save(dir string, files Files) error { return m.write(dir, files.Replace) }

func (m *Manifest) write(dir string, write func(path string, data []byte) error) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, "manifest.json"), b)
}

func decodeManifest(data []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	if m.Format > manifestFormat {
		return nil, &heldError{fmt.Errorf("has format %d, of a later version of dgn; this one reads format %d", m.Format, manifestFormat)}
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("has format %d, this version of dgn reads format %d", m.Format, manifestFormat)
	}
	return &m, nil
}
