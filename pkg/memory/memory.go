// Package memory finds out how much memory the process may still take, so that
// what cannot fit is not begun: the Go runtime ends a program that runs out.
package memory

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// A Limit is one of the things that bound memory.
type Limit struct {
	Name string // completes "... leaves 3.0 GiB"
	Left int    // bytes
}

// Left returns the tightest limit; ok is false where none is known, as on systems
// without /proc. A process may be stopped by each of
//
//	the memory of the machine that nobody uses, and swap (/proc/meminfo)
//	limits on address space and data (setrlimit(2): ulimit -v and -d)
//	memory cgroups, of version 1 or 2, at every level (cgroups(7))
//
// What the heap holds and does not use counts as left.
func Left() (tightest Limit, ok bool) {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	r := reader{os.DirFS("/"), int(s.HeapIdle), int(s.HeapIdle - s.HeapReleased)}
	space, data := rlimits()
	tightest.Left = math.MaxInt
	for _, l := range r.limits(space, data, os.Getpagesize()) {
		if l.Left < tightest.Left {
			tightest, ok = l, true
		}
	}
	return tightest, ok
}

// unlimited is what stands for no limit: any number this large.
const unlimited = 1 << 60

// A reader reads limits from the files of a system.
type reader struct {
	root     fs.FS
	mapped   int // bytes of heap that are mapped and not used
	resident int // of these, bytes that take memory
}

// limits lists what is known; space and data are limits of the process, -1 for none.
func (r reader) limits(space, data, page int) (out []Limit) {
	add := func(name string, left int) { out = append(out, Limit{name, max(0, left)}) }
	if m := r.table("proc/meminfo"); m["MemAvailable"] > 0 {
		add("the machine, with what others use,", (m["MemAvailable"]+m["SwapFree"])*1024+r.resident)
	}
	if f := strings.Fields(r.text("proc/self/statm")); len(f) >= 6 {
		for _, l := range []struct {
			name  string
			limit int
			pages string
		}{{"the limit on address space (ulimit -v)", space, f[0]}, {"the limit on data (ulimit -d)", data, f[5]}} {
			if used, err := strconv.Atoi(l.pages); err == nil && l.limit >= 0 && l.limit < unlimited {
				add(l.name, l.limit-used*page+r.mapped)
			}
		}
	}
	for _, dir := range r.cgroups() {
		if left, ok := r.cgroup(dir); ok {
			add("the memory limit of the control group "+dir, left+r.resident)
		}
	}
	return out
}

// cgroups returns the folders of the process's memory cgroups and of those above.
func (r reader) cgroups() (dirs []string) {
	for line := range strings.Lines(r.text("proc/self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		var mounts []string
		switch {
		case parts[1] == "": // version 2; beside version 1, in unified
			mounts = []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"}
		case strings.Contains(","+parts[1]+",", ",memory,"):
			mounts = []string{"sys/fs/cgroup/" + parts[1]}
		}
		for _, mount := range mounts {
			// In a container the path may be that outside, of which nothing is seen
			// here; its own group is the root then.
			for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
				dirs = append(dirs, path.Join(mount, at))
				if at == "/" {
					break
				}
			}
		}
	}
	return dirs
}

// cgroup returns what a group leaves. Pages of files can be dropped, and do not
// count.
func (r reader) cgroup(dir string) (left int, ok bool) {
	for _, v := range []struct{ limit, usage, prefix string }{
		{"memory.max", "memory.current", ""},
		{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_"},
	} {
		limit, err := strconv.Atoi(strings.TrimSpace(r.text(path.Join(dir, v.limit))))
		if err != nil || limit >= unlimited { // "max", or no such file
			continue
		}
		usage, err := strconv.Atoi(strings.TrimSpace(r.text(path.Join(dir, v.usage))))
		if err != nil {
			continue
		}
		stat := r.table(path.Join(dir, "memory.stat"))
		files := stat[v.prefix+"inactive_file"] + stat[v.prefix+"active_file"]
		return limit - usage + min(files, usage), true
	}
	return 0, false
}

func (r reader) text(name string) string {
	b, err := fs.ReadFile(r.root, name)
	if err != nil {
		return ""
	}
	return string(b)
}

// table reads lines of a name, with or without a colon, and a number.
func (r reader) table(name string) map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(r.text(name)) {
		if f := strings.Fields(line); len(f) >= 2 {
			if n, err := strconv.Atoi(f[1]); err == nil {
				out[strings.TrimSuffix(f[0], ":")] = n
			}
		}
	}
	return out
}
