package runlog

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Format is that of the manifests of this version; it is raised when a field changes
// its meaning.
const Format = 1

// An Outcome says how a run ended. Divergence is a result; only Failed is a
// failure of the program or the machine.
type Outcome string

const (
	Running     Outcome = "running"     // not ended, or killed
	Finished    Outcome = "finished"    // reached epochs, steps or seconds
	AtGoal      Outcome = "target"      // reached train.target
	Diverged    Outcome = "diverged"    // met a NaN or infinite loss
	Interrupted Outcome = "interrupted" // asked to stop
	Failed      Outcome = "failed"
)

// Outcomes are all of them, in the order in which tables list them.
var Outcomes = []Outcome{Finished, AtGoal, Diverged, Interrupted, Failed, Running}

// Known reports whether a manifest may hold o.
func (o Outcome) Known() bool { return slices.Contains(Outcomes, o) }

// Complete reports whether a run need not be made again.
func (o Outcome) Complete() bool { return o.Well() || o == Diverged }

// Well reports whether a run trained to its end.
func (o Outcome) Well() bool { return o == Finished || o == AtGoal }

// A Manifest records where a run's numbers come from. Other tools may write one that
// says less: without settings and files, only what is there is known.
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
	Detail  string  `json:"detail,omitempty"` // of a run that diverged or reached its goal: what was met, and where

	Identity string   `json:"identity"`
	Settings Settings `json:"settings"`

	Build
	Machine
	Host    string `json:"host,omitempty"` // the name of the machine; "" in manifests of early versions
	Threads int    `json:"threads"`
	Jobs    int    `json:"jobs"` // runs made at the same time

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
	// so that its wall clock compares with no other: processors, threads, jobs,
	// placement.
	Resumed []Resumption `json:"resumed,omitempty"`
	Mixed   []string     `json:"mixed,omitempty"`

	// MixedISA lists the instruction sets of a run that was continued on another one than
	// its checkpoint was made on, the last at the end: its bits are those of no single one.
	MixedISA []string `json:"mixed_isa,omitempty"`

	// Shared tells that another process made runs in the same folder meanwhile, so that
	// the wall clock compares with no other.
	Shared bool `json:"shared,omitempty"`

	// GradientSteps is the number of updates that did not descend, so that the
	// line search took the gradient step in their place.
	GradientSteps int `json:"gradient_steps,omitempty"`

	// Fallbacks is the number of updates that the optimizer could not make as it says, since
	// matrices were singular or not finite. Their rows of steps.csv say what it did.
	Fallbacks int `json:"optimizer_fallbacks,omitempty"`

	// Files tells of a complete run what it left, so that a later loss shows. It is
	// nil in manifests of early versions.
	Files map[string]FileRecord `json:"files,omitempty"`

	Checksums map[string]string `json:"data_checksums"` // SHA-256 by file
	Choices   []string          `json:"choices"`        // made automatically

	// Clocked lists the settings by which the run follows the clock: made again, it has
	// other bits.
	Clocked []string `json:"clocked,omitempty"`

	Placement    *Placement    `json:"placement,omitempty"`     // nil: threads ran where the system put them
	ThreadChoice *ThreadChoice `json:"thread_choice,omitempty"` // nil: Threads was asked for
}

// A Resumption is one continuation of an interrupted run.
type Resumption struct {
	Step int       `json:"step"`
	Time time.Time `json:"time"`
	Host string    `json:"host,omitempty"` // that it went on at, "" in early versions
	CPU  string    `json:"cpu,omitempty"`
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

// Write writes the manifest of the run in a folder, by a function that replaces a file.
func (m *Manifest) Write(dir string, replace func(path string, data []byte) error) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, ManifestFile), append(b, '\n'))
}

// A FormatError says that a manifest has a format that this version does not read.
type FormatError struct{ Format int }

func (e *FormatError) Error() string {
	if e.Format > Format {
		return fmt.Sprintf("has format %d, of a later version of dgn; this one reads format %d", e.Format, Format)
	}
	return fmt.Sprintf("has format %d, this version of dgn reads format %d", e.Format, Format)
}

// ParseManifest reads a manifest. Those of other tools may say no format. The error is
// that of the JSON, or a *[FormatError].
func ParseManifest(data []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	if m.Format != Format && m.Format != 0 {
		return nil, &FormatError{m.Format}
	}
	return &m, nil
}

// ReadManifest reads the manifest in the folder of a run. What is wrong is an [Error].
func ReadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestFile)
	data, err := ReadFile(path, MaxManifest, 0)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		return nil, Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Required lists the files that a complete run leaves for certain. Of manifests that
// list their files, those of the dual solves are known from there: oracles that others
// add may have none.
func (m *Manifest) Required() []string {
	names := []string{Metrics.File, Steps.File}
	if m.Outcome != Diverged {
		names = append(names, ParamsFile)
	}
	if kind := m.Settings["oracle.kind"]; m.Files == nil && m.Settings["log.inner"] == "true" && kind != "" && kind != "gradient" {
		names = append(names, Inner.File)
		if m.Outcome != Diverged && m.Settings["oracle.formulation"] == "dual" {
			names = append(names, DualsFile)
		}
	}
	if m.Settings[ProbedSetting] != "" {
		names = append(names, Probes.File)
	}
	return names
}

// ProbedSetting is a setting that runs with a probes.csv have, and no other.
const ProbedSetting = "probe.oracles.length"
