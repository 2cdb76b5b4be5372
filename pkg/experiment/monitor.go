package experiment

import (
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/train"
)

// A RunInfo announces a run.
type RunInfo struct {
	plan.Task
	Number int // counts the runs that are to be made, from 1
	Of     int // runs to make
}

// A Monitor shows people how runs get on. With several jobs its methods are
// called at the same time.
type Monitor interface {
	Start(RunInfo) RunMonitor
}

// A RunMonitor follows one run to its end.
type RunMonitor interface {
	train.Monitor
	End(outcome runlog.Outcome, detail string) // the detail of a failed run is its error
}

type noMonitor struct{}

func (noMonitor) Start(RunInfo) RunMonitor            { return noMonitor{} }
func (noMonitor) Step(train.Progress)                 {}
func (noMonitor) Evaluated(*runlog.Evaluation)        {}
func (noMonitor) End(_ runlog.Outcome, detail string) {}
