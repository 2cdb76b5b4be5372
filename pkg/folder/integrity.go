package folder

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/runlog"
)

// edited returns an error if the manifest was changed by hand: of the wanted run, its
// settings and its identity do not say the same, or its end is none that runs have.
func edited(m *runlog.Manifest, wanted runlog.Settings) error {
	if !m.Outcome.Known() {
		return runlog.Damagedf("manifest.json has the unknown outcome %.40q", m.Outcome)
	}
	differences := m.Settings.Differences(wanted)
	switch same := m.Identity == wanted.Identity(); {
	case same && fmt.Sprint(m.Seed) != wanted["seed"]:
		return runlog.Damagedf("manifest.json was changed: it has seed %d, and its settings have seed %s", m.Seed, wanted["seed"])
	case same && differences != nil:
		return runlog.Damagedf("manifest.json was changed: by its identity the run has the settings that are wanted, and by its settings not: %s", strings.Join(differences[:min(len(differences), 3)], ", "))
	case !same && differences == nil:
		return runlog.Damagedf("manifest.json was changed: its identity is not that of its settings")
	}
	return nil
}

// verify compares the files of a complete run with what its manifest says that it
// left. Manifests of early versions say nothing, and the files need only be there.
func verify(m *runlog.Manifest, dir string) error {
	var what []string
	for _, name := range m.Required() {
		if _, ok := m.Files[name]; ok {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			what = append(what, runlog.Absence(name, err))
		} else if m.Files != nil {
			what = append(what, fmt.Sprintf("manifest.json does not say what %s held", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if filepath.Base(name) != name {
			what = append(what, fmt.Sprintf("manifest.json names the file %.60q, which is not in the folder of the run", name))
			continue
		}
		if bad, err := m.Files[name].Compare(filepath.Join(dir, name), nil, math.MaxInt64); err != nil {
			what = append(what, runlog.Absence(name, err))
		} else if bad != "" {
			what = append(what, name+" "+bad)
		}
	}
	if what == nil {
		return nil
	}
	return &runlog.DamagedError{What: what}
}
