package memory

import "os"

// ResetPeak makes [Peak] begin anew, from what is resident now. It is false where the
// system cannot do so: Linux can, unless it is a sandbox that does not let it
// (proc_pid_clear_refs(5)).
func ResetPeak() bool { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) == nil }

// Peak returns the most bytes of memory that the process had resident since its start or
// since [ResetPeak]: program, stacks and heap, garbage that is not collected yet included.
// It is false where the system does not tell.
func Peak() (bytes int, ok bool) {
	kib, ok := reader{root: os.DirFS("/")}.table("proc/self/status")["VmHWM"]
	return kib * 1024, ok
}
