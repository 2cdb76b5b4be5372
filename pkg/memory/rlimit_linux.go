package memory

import "golang.org/x/sys/unix"

// rlimits returns the limits of the process on address space and data, in bytes, -1
// for none.
func rlimits() (space, data int) {
	limit := func(resource int) int {
		var l unix.Rlimit
		if unix.Getrlimit(resource, &l) != nil || l.Cur > unlimited {
			return -1
		}
		return int(l.Cur)
	}
	return limit(unix.RLIMIT_AS), limit(unix.RLIMIT_DATA)
}
