package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/memory"
	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Training is a run to be made: one method of a problem from one seed.
type Training struct {
	Problem *problem.Problem
	Method  *config.Method // of the problem's config
	Seed    uint64
	Threads int

	Auto bool  // one thread is used where steps are faster so, as is measured at the start
	CPUs []int // that the threads are bound to, one each; nil: the system chooses
}

// An Output is where a run writes; all of it is needed.
type Output struct {
	Log         *runlog.Writer
	Checkpoints *checkpoint.Keeper // whose Last is where the run continues, nil at its beginning
	Monitor     Monitor

	// Chosen is told, with [Training.Auto], how many threads are used and why; nil: nobody
	// is.
	Chosen func(runlog.ThreadChoice)
}

// A Monitor follows a run. Its time is not counted as training.
type Monitor interface {
	Step(Progress)
	Evaluated(*runlog.Evaluation)
}

// A Progress is where a run stands after a step.
type Progress struct {
	Step      int
	Seconds   float64 // of training
	Used      float64 // share of the budget
	BatchLoss float64 // before the step
}

// An End says how a run ended, and what it took. Time and counts are of the whole run.
type End struct {
	Outcome       runlog.Outcome
	Detail        string // of a run that diverged, reached its goal or passed its limit of seconds within a long step, or why it was interrupted
	WallSeconds   float64
	GradientSteps int // updates that the line search replaced by the gradient step
	Fallbacks     int // updates that the optimizer could not make as it says
	Stops         clock.Stops
	Files         map[string]runlog.FileRecord // arrays that were written
}

// Run trains until the run ends or ctx does, and saves the weights of a run that ended
// where it should. The error is that of a failed run.
func (t Training) Run(ctx context.Context, out Output) (End, error) {
	defer clock.Process.Use()()
	pool, end, err := t.pool()
	if err != nil {
		return End{Outcome: runlog.Failed}, err
	}
	defer end()
	if t.Problem.Config.Precision == "float64" {
		return runIn[float64](ctx, t, out, pool)
	}
	return runIn[float32](ctx, t, out, pool)
}

// runIn is Run in precision T.
func runIn[T tensor.Float](ctx context.Context, of Training, out Output, pool *tensor.Pool) (end End, err error) {
	t := newTrainer[T](of, pool)
	t.out, t.clock.Watch, t.auto = out, &clock.Process, of.Auto
	t.large = of.Problem.Footprint(of.Method, of.Threads).Total() > memory.Small
	end.Outcome, end.Detail, err = t.train(ctx)
	err = errors.Join(err, t.saveDuals())
	end.WallSeconds, end.GradientSteps, end.Fallbacks, end.Stops = t.clock.Seconds(), t.gradientSteps, t.fallbacks, t.stops()
	if now := end.Stops.Number - t.before.Number; now > 0 {
		out.Checkpoints.Log.Warn(fmt.Sprintf("the process was stopped %s while this run was made, for %.1f s that wall_seconds leaves out", times(now), (end.Stops.Time - t.before.Time).Seconds()))
	}
	end.Files = map[string]runlog.FileRecord{}
	if t.inner != nil && t.inner.file.Bytes > 0 {
		end.Files[runlog.DualsFile] = t.inner.file
	}
	if err != nil || !end.Outcome.Well() {
		return end, err
	}
	var b bytes.Buffer
	if err := arrays.WriteNPZ(&b, nn.Arrays(t.net, t.answer())); err != nil {
		return end, err
	}
	end.Files[runlog.ParamsFile] = runlog.RecordOf(b.Bytes())
	return end, out.Checkpoints.Files.Replace(filepath.Join(out.Checkpoints.Dir, runlog.ParamsFile), b.Bytes())
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// tidy collects the garbage of a large run. The runtime would do so too late: what is
// allocated at once is not bound by its limit.
func (t *trainer[T]) tidy() {
	if t.large {
		runtime.GC()
	}
}
