package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A planned run is one method from one seed, and where it goes.
type planned struct {
	config   *Config
	method   int // of the config
	index    int // of the method among all that are compared
	varied   Varied
	seed     uint64
	path     string // relative to the results folder
	settings Settings

	checksums map[string]string // of the data that the settings were made with
	group     int               // runs of a group need the same data, and are made one after the other

	state   State
	outcome Outcome   // of the complete run that is reused
	resumed *Manifest // of the interrupted run that is to be continued, nil: there is none
	fault   error     // why it is Damaged or Held
	number  int       // among those to make
	of      int
}

// runs lists the runs of the config: every method from every seed.
func (p *Problem) runs() (runs []planned, err error) {
	for i := range p.Config.Methods {
		for _, seed := range p.Config.Seeds {
			r := planned{config: p.Config, method: i, index: i, seed: seed, path: runPath(p.Config.Methods[i].Name, nil, seed), checksums: p.Checksums}
			if r.settings, err = p.settings(&p.Config.Methods[i], seed); err != nil {
				return nil, err
			}
			p.start.identify(r.settings)
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// String names a run in messages.
func (r planned) String() string {
	if len(r.varied) > 0 {
		return fmt.Sprintf("%s, %s, seed %d", r.name(), r.varied, r.seed)
	}
	return fmt.Sprintf("%s, seed %d", r.name(), r.seed)
}

// log returns a logger that names the run.
func (r planned) log(l *slog.Logger) *slog.Logger {
	return RunInfo{Method: r.name(), Varied: r.varied, Seed: r.seed}.Log(l)
}

// name is the method's.
func (r planned) name() string { return r.config.Methods[r.method].Name }

// origin is what the run's bits follow from if it is made now.
func (r planned) origin(opt Options) origin {
	return newOrigin(r.settings, opt.Build, ThisMachine())
}

// A State says what a results folder holds of a run that is wanted.
type State string

const (
	New        State = "new"
	Kept       State = "complete"
	Unfinished State = "to be resumed"     // interrupted or killed, with a checkpoint
	Begun      State = "to be begun again" // killed before its first checkpoint
	Broken     State = "failed before"     // to be resumed, if it has a checkpoint
	Again      State = "to be made again"  // asked for afresh
	Damaged    State = "damaged"           // to be moved aside and made again
	Held       State = "held"              // of another program, or out of reach: will fail, and stay as it is
)

// survey compares the runs with what the folder holds, and notes their states:
// complete runs of the same settings are reused if their files are what they left,
// incomplete ones continued from their checkpoints, or made again if they have
// none, and those of other settings are an error. It changes nothing on disk.
func (f *folder) survey(runs []planned, opt Options) error {
	var conflicts []string
	known := map[string]map[string]string{}
	for i := range runs {
		r := &runs[i]
		identity := r.settings.Identity()
		if known[r.name()] == nil {
			var err error
			if known[r.name()], err = f.identities(r.name()); err != nil {
				return err
			}
		}
		if at, ok := known[r.name()][identity]; ok {
			r.path = at
		}
		old, err := f.manifest(r.path)
		switch {
		case err == nil && old == nil && !f.exists(r.path):
			r.state = New
		case opt.Fresh:
			r.state = Again
		case err != nil:
			r.fail(err)
		case old == nil:
			r.state = Begun
		case old.edited(r.settings) != nil:
			r.fail(old.edited(r.settings))
		case old.Identity != identity:
			conflicts = append(conflicts, fmt.Sprintf("%s was made with other settings:\n    %s",
				filepath.Join(f.dir, r.path), strings.Join(diff(old.Settings, r.settings), "\n    ")))
		case old.Outcome.complete():
			r.state, r.outcome = Kept, old.Outcome
			if err := old.verify(filepath.Join(f.dir, r.path)); err != nil {
				r.fail(err)
			}
		default:
			f.findCheckpoint(r, old, opt)
		}
	}
	if n := len(conflicts) - maxComplaints; n > 0 {
		conflicts = append(conflicts[:maxComplaints], fmt.Sprintf("... and %d more", n))
	}
	if len(conflicts) > 0 {
		return configErrorf("%s\nChoose another folder with --out or name, or move these runs away; --fresh makes every run again, and moves those that the folder holds to old/.",
			strings.Join(conflicts, "\n"))
	}
	return nil
}

// fail notes that what the folder holds of the run is of no use here. What cannot
// be read, or another program made, may be good all the same, and is held.
func (r *planned) fail(err error) {
	var held *heldError
	var unread *fs.PathError
	var kind *diskfile.KindError
	var large *diskfile.LimitError
	r.state, r.fault = Damaged, err
	if errors.As(err, &held) || errors.As(err, &unread) && !errors.As(err, &kind) && !errors.As(err, &large) {
		r.state = Held
	}
}

// findCheckpoint notes whether a run that did not come to its end can continue.
func (f *folder) findCheckpoint(r *planned, old *Manifest, opt Options) {
	found, warning, err := f.lastCheckpoint(r.path, r.origin(opt))
	if err != nil {
		r.fail(err)
		return
	}
	if warning != "" {
		r.log(opt.Log).Warn(warning)
	}
	r.state = Begun
	if found != nil {
		r.state, r.resumed = Unfinished, old
	}
	if old.Outcome == Failed {
		r.state = Broken
	}
}

// plan surveys the folder and makes room for the runs that are to be made, which
// it returns. Runs are marked as held that what the folder holds stands in the way
// of; the others go on without them.
func (f *folder) plan(runs []planned, opt Options) (pending []planned, err error) {
	if err := f.survey(runs, opt); err != nil {
		return nil, err
	}
	kept := 0
	for i := range runs {
		r := &runs[i]
		switch {
		case r.state == Held:
			continue
		case r.state == Kept:
			if kept++; kept <= maxKeptLines {
				r.log(opt.Log).Info("kept: complete with these settings", "outcome", r.outcome)
			}
			removeCheckpoints(filepath.Join(f.dir, r.path), opt.Log) // of a run killed at its very end
			if err := f.relabel(*r, opt.Files); err != nil {
				r.state, r.fault = Held, fmt.Errorf("cannot take over an earlier run: %w", err)
			}
			continue
		case r.state == New, r.resumed != nil:
		default:
			to, err := f.moveAside(r.path)
			if err != nil {
				if r.fault != nil {
					err = fmt.Errorf("%w (%w)", err, r.fault)
				}
				r.state, r.fault = Held, fmt.Errorf("cannot move an earlier run aside: %w", err)
				continue
			}
			from := filepath.Join(f.dir, r.path)
			if r.state == Damaged {
				r.log(opt.Log).Warn("damaged, and so moved aside and made again: "+r.fault.Error(), "run", from, "to", to)
			} else {
				opt.Log.Info("moved an earlier run aside", "run", from, "to", to)
			}
		}
		pending = append(pending, *r)
	}
	if kept > maxKeptLines {
		opt.Log.Info("kept in the same way", "runs", kept-maxKeptLines)
	}
	slices.SortStableFunc(pending, func(a, b planned) int { return a.group - b.group })
	for i := range pending {
		pending[i].number, pending[i].of = i+1, len(pending)
	}
	return pending, nil
}

// maxKeptLines bounds what is said of runs that are reused.
const maxKeptLines = 10
