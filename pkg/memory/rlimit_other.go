//go:build !linux

package memory

// rlimits returns -1 for no limit, since how much of one is used is known on Linux
// only.
func rlimits() (space, data int) { return -1, -1 }
