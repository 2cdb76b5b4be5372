package experiment

import (
	"context"

	"github.com/dualgn/dgn/pkg/plan"
)

// An Executor makes tasks, each in its place in a results folder.
type Executor interface {
	// Execute begins tasks in their order, none after ctx has ended, and returns when
	// those that it began have ended. It calls done for each of these, one call at a
	// time. A run that fails stops no other; the error tells of what stopped all.
	Execute(ctx context.Context, tasks []plan.Task, done func(plan.Task, Ending)) error
}

// An Ending says what became of a task.
type Ending struct {
	Resumed   bool  // it continued from a checkpoint
	Advanced  bool  // it is complete, or has a checkpoint of more steps than before
	Elsewhere bool  // another process made it meanwhile
	Err       error // of a run that failed
}
