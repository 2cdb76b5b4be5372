//go:build unix

package clock

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// notifyContinued returns a channel that tells when the process, having been
// stopped, was told to continue, and a function that ends this.
func notifyContinued() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGCONT)
	return c, func() { signal.Stop(c) }
}

// cpuTime returns the processor time that the process has used.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return time.Duration(time.Now().UnixNano()) // never looks like none
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
