package placement

import (
	"context"
	"time"
)

// LoadAverage is the number of threads of the machine that ran or waited for a CPU,
// averaged over about a minute; false where the system does not tell. This process is in
// it.
func LoadAverage() (threads float64, ok bool) { return loadAverage() }

// Others measures, for so long or until ctx ends, how many of some CPUs others keep busy:
// other programs, the system, and other machines of the same host. It is false where that
// is not known. The system counts in hundredths of a second, so that a tenth of a second
// tells tenths of a CPU.
func Others(ctx context.Context, cpus []int, over time.Duration) (busy float64, ok bool) {
	all, known := busySeconds(cpus)
	own, told := ownSeconds()
	if !known || !told {
		return 0, false
	}
	began := time.Now()
	select {
	case <-time.After(over):
	case <-ctx.Done():
		return 0, false
	}
	allNow, known := busySeconds(cpus)
	ownNow, told := ownSeconds()
	if !known || !told {
		return 0, false
	}
	seconds := time.Since(began).Seconds()
	return min(max((allNow-all)-(ownNow-own), 0)/seconds, float64(len(cpus))), true
}
