//go:build unix

package interrupt

import (
	"os"
	"syscall"
)

var yieldSignals = []os.Signal{syscall.SIGUSR1}
