package placement

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// threadCPUs are those that the calling thread may run on, in order.
func threadCPUs() ([]int, error) { return cpusOf(0) }

// allowed are the CPUs of the process: those of its first thread.
func allowed() ([]int, error) { return cpusOf(os.Getpid()) }

func cpusOf(thread int) (cpus []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(thread, &set); err != nil {
		return nil, fmt.Errorf("cannot tell which CPUs the process may use: %w", err)
	}
	for c := 0; len(cpus) < set.Count(); c++ {
		if set.IsSet(c) {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}

func setOf(cpus []int) (set unix.CPUSet) {
	for _, c := range cpus {
		set.Set(c)
	}
	return set
}

// bindThread binds the calling thread.
func bindThread(cpus []int) error {
	set := setOf(cpus)
	return unix.SchedSetaffinity(0, &set)
}

// bindAll binds every thread. A thread inherits the CPUs of the one that starts it, so
// that after a pass that finds none left all are bound.
func bindAll(cpus []int) error {
	set := setOf(cpus)
	done := map[string]bool{}
	for found := true; found; {
		found = false
		list, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, e := range list {
			thread, err := strconv.Atoi(e.Name())
			if err != nil || done[e.Name()] {
				continue
			}
			done[e.Name()], found = true, true
			if err := unix.SchedSetaffinity(thread, &set); err != nil && !errors.Is(err, unix.ESRCH) { // which has ended
				return err
			}
		}
	}
	return nil
}

// coreOf names the core of a CPU by the CPUs that share it, "0,64" for example, or by the
// CPU where the system does not say.
func coreOf(cpu int) string {
	text, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu))
	if err != nil {
		return strconv.Itoa(cpu)
	}
	return strings.TrimSpace(string(text))
}

// loadAverage reads the first number of /proc/loadavg.
func loadAverage() (float64, bool) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	return load, err == nil
}

// ticks is the number of parts of a second that /proc/stat counts in (USER_HZ, which is
// the same on every architecture that Go knows).
const ticks = 100

// busySeconds is the time for which the CPUs were at work, for whomever, since the start
// of the machine.
func busySeconds(cpus []int) (float64, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	return parseStat(string(text), cpus)
}

// parseStat adds up, of the lines cpuN of some CPUs, the time of programs, of the system,
// of interrupts, and that which the host gave to other machines (steal). Those of virtual
// machines (guest) are in the first.
func parseStat(text string, cpus []int) (seconds float64, ok bool) {
	found := 0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		cpu, err := strconv.Atoi(f[0][len("cpu"):])
		if err != nil || !slices.Contains(cpus, cpu) {
			continue
		}
		found++
		for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
			n, err := strconv.ParseUint(f[i], 10, 64)
			if err != nil {
				return 0, false
			}
			seconds += float64(n) / ticks
		}
	}
	return seconds, found == len(cpus) && seconds > 0
}

// ownSeconds is the processor time of this process.
func ownSeconds() (float64, bool) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9, true
}
