package train

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/runlog"
	"github.com/dualgn/dgn/pkg/stats"
	"github.com/dualgn/dgn/pkg/tensor"
)

// pool starts the threads of the run, each bound to its CPU if there are any. The
// function that it returns, for the same goroutine to call, ends them.
func (t Training) pool() (*tensor.Pool, func(), error) {
	if t.CPUs == nil {
		p := tensor.NewPool(t.Threads)
		return p, p.Close, nil
	}
	if len(t.CPUs) < t.Threads {
		return nil, nil, fmt.Errorf("%d threads cannot be bound to %d CPUs, one each", t.Threads, len(t.CPUs))
	}
	errs := make([]error, max(t.Threads, 1))
	var bound sync.WaitGroup
	bound.Add(len(errs) - 1)
	p := tensor.NewPoolOn(t.Threads, func(thread int) {
		defer bound.Done()
		_, errs[thread] = placement.BindThread(t.CPUs[thread]) // until the pool is closed
	})
	release, err := placement.BindThread(t.CPUs[0])
	errs[0] = err
	bound.Wait()
	end := func() { p.Close(); release() }
	if err := errors.Join(errs...); err != nil {
		end()
		return nil, nil, err
	}
	return p, end, nil
}

// How threads are tried: steps on one and on all of them take turns, a few at a time, for
// a twentieth of what the run will take, within bounds. Medians of fewer steps than fit in
// the least time take the slower number too often; it is less than what files cost a run.
const (
	turnSteps  = 3    // that are measured, after one that wakes the threads
	leastTurns = 2    // of each number of threads
	tryShare   = 0.05 // of the run
	leastTime  = 10 * time.Millisecond
	mostTime   = 200 * time.Millisecond
)

// chooseThreads measures whether steps are faster on one thread or on all that the pool
// has, and makes the pool use so many. Loops of small networks are short, and what it takes
// to tell another core of them depends on how far that is away. Results do not depend on
// it. The function forget puts the run back at its beginning.
func (t *trainer[T]) chooseThreads(forget func() error) error {
	all := t.pool.Threads()
	choice := runlog.ThreadChoice{Threads: all}
	step := func() (time.Duration, error) {
		if err := forget(); err != nil {
			return 0, err
		}
		began := time.Now()
		t.advance()
		return time.Since(began), nil
	}
	warm, err := step()
	switch {
	case err != nil:
		return err
	case all == 1:
		choice.Reason = "there is one thread"
	case warm*2*leastTurns*(turnSteps+1) > mostTime:
		choice.Reason = fmt.Sprintf("a step takes %.2g s, and so large ones gain by threads", warm.Seconds())
	default:
		counts := []int{1, all}
		seconds := make([][]float64, len(counts))
		share := min(tryShare*t.length(warm.Seconds()), mostTime.Seconds())
		until := time.Now().Add(max(leastTime, time.Duration(share*float64(time.Second))))
		for turn := 0; turn < leastTurns || time.Now().Before(until); turn++ {
			for k := range counts {
				i := (k + turn) % len(counts) // who goes first takes turns too
				for n := range turnSteps + 1 {
					// Threads that sleep through the steps on one would not be there at
					// once for those on all, least of all on a busy machine.
					t.pool.Use(all)
					t.pool.For(all, 1, func(int, int) {})
					t.pool.Use(counts[i])
					took, err := step()
					if err != nil {
						return err
					}
					if n > 0 {
						seconds[i] = append(seconds[i], took.Seconds())
					}
				}
			}
		}
		best := 0
		for i, s := range seconds {
			choice.Measured = append(choice.Measured, runlog.StepTime{Threads: counts[i], Steps: len(s), MedianSeconds: stats.Median(s)})
			if choice.Measured[i].MedianSeconds < choice.Measured[best].MedianSeconds {
				best = i
			}
		}
		choice.Threads, choice.Reason = counts[best], "the smaller median"
	}
	t.pool.Use(choice.Threads)
	t.out.choose(choice)
	return nil
}

// length estimates how long the run will take, in seconds, if a step takes so many.
func (t *trainer[T]) length(step float64) float64 {
	limits := t.config.Train
	steps := math.Inf(1)
	if total := limits.Total(t.order.perEpoch()); total > 0 {
		steps = float64(total)
	}
	if limits.Cost > 0 {
		steps = min(steps, limits.Cost) // a step costs a gradient or more
	}
	if limits.Seconds > 0 {
		return min(steps*step, limits.Seconds)
	}
	return steps * step
}

func (o *Output) choose(c runlog.ThreadChoice) {
	if o.Chosen != nil {
		o.Chosen(c)
	}
}
