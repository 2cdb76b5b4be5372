package interrupt

import (
	"context"
	"errors"
	"os"
	"os/signal"
)

// ErrYield is the cause of a context that ended as the process was asked to make room: its runs
// leave checkpoints, and whoever asked begins the same command again. It is asked by SIGUSR1,
// which schedulers send some time before the limit of a job.
var ErrYield = errors.New("asked by SIGUSR1 to go on later")

// OnYield returns a context that ends with the cause [ErrYield] when the process is asked to make
// room. Asking again does nothing, so that a process may be told by several others.
func OnYield(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	asked := make(chan os.Signal, 1)
	if len(yieldSignals) > 0 { // Notify without a signal takes all of them
		signal.Notify(asked, yieldSignals...)
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-asked:
			cancel(ErrYield)
		case <-ended:
		}
	}()
	return ctx, func() {
		signal.Stop(asked)
		close(ended)
		cancel(nil)
	}
}

// Told returns err, and [ErrYield] with it if err is that of a context that ended for that cause.
func Told(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), ErrYield) && !errors.Is(err, ErrYield) {
		return errors.Join(err, ErrYield)
	}
	return err
}
