package experiment

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/klauspost/cpuid/v2"
)

// manifest is that of a run that begins.
func (l *Local) manifest(t plan.Task) *runlog.Manifest {
	return &runlog.Manifest{
		Format: runlog.Format, Name: t.Config.Name, Method: t.Method(), MethodIndex: t.MethodIndex, Varied: t.Varied, Seed: t.Seed,
		Dataset: t.Config.Data.Name, Precision: t.Config.Precision,
		Outcome: runlog.Running, Identity: t.Identity, Settings: t.Settings,
		Build: l.Folder.Build, Machine: l.Folder.Host, Host: diskfile.Host(), Threads: l.Threads, Jobs: l.Jobs,
		Start: time.Now().UTC(), Checksums: t.Checksums, Clocked: clocked(t.Config),
	}
}

// clocked lists the settings by which a run follows the clock.
func clocked(c *config.Config) (keys []string) {
	if c.Train.Seconds > 0 {
		keys = append(keys, "train.seconds")
	}
	if c.Evaluate.Every.Seconds > 0 {
		keys = append(keys, "evaluate.every.seconds")
	}
	return keys
}

// resume makes m, of a run about to start, that of the continuation of old. Where the
// number of threads is chosen by measurement, the choice of old stays. origin is that of the
// continuation.
func resume(m, old *runlog.Manifest, from *checkpoint.Checkpoint, origin checkpoint.Origin, auto bool) {
	m.Resumed = append(old.Resumed, runlog.Resumption{Step: from.Step, Time: m.Start, Host: m.Host, CPU: m.CPU})
	m.MixedISA = old.MixedISA
	if isa := origin.ISA; isa != from.ISA {
		if m.MixedISA == nil {
			m.MixedISA = []string{from.ISA}
		}
		m.MixedISA = append(m.MixedISA, isa)
	}
	m.Start = old.Start
	if len(m.Varied) == 0 {
		m.Varied = old.Varied
	}
	m.Shared = m.Shared || old.Shared
	m.WallSeconds, m.GradientSteps, m.Fallbacks = from.Clock.Seconds(), from.GradientSteps, from.Fallbacks
	m.Suspensions, m.SuspendedSeconds = from.Stops.Number, from.Stops.Time.Seconds()
	if old.ThreadChoice != nil && old.ThreadChoice.Threads <= m.Threads && auto {
		m.Threads, m.ThreadChoice = old.ThreadChoice.Threads, old.ThreadChoice
	}
	for _, d := range []struct {
		what string
		same bool
	}{{"processors", m.CPU == old.CPU}, {"threads", m.Threads == old.Threads}, {"jobs", m.Jobs == old.Jobs}, {"placement", samePlace(m.Placement, old.Placement)}} {
		if !d.same || slices.Contains(old.Mixed, d.what) {
			m.Mixed = append(m.Mixed, d.what)
		}
	}
}

// ThisBuild returns what the binary knows of itself. The version is set by the
// linker for releases, and is otherwise the module's.
func ThisBuild(version string) runlog.Build {
	b := runlog.Build{Version: version, GoVersion: runtime.Version()}
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
func ThisMachine() runlog.Machine {
	return runlog.Machine{CPU: cmp.Or(cpuid.CPU.BrandName, "unknown"), ISA: tensor.ISA(), OS: runtime.GOOS, Arch: runtime.GOARCH}
}
