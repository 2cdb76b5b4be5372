package memory

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLimits(t *testing.T) {
	const gib = 1 << 30
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	statm := file("1000 500 100 5 0 300 0\n")
	for _, c := range []struct {
		name        string
		files       fstest.MapFS
		space, data int
		want        string
	}{
		{"nothing known", fstest.MapFS{}, -1, -1, ""},
		{"machine", fstest.MapFS{"proc/meminfo": file("MemTotal: 9 kB\nMemAvailable:    1024 kB\nSwapFree: 512 kB\n")}, -1, -1, "the machine, with what others use, 1572964"},
		{"address space", fstest.MapFS{"proc/self/statm": statm}, gib, -1, fmt.Sprint("the limit on address space (ulimit -v) ", gib-1000*4096+1000)},
		{"used up", fstest.MapFS{"proc/self/statm": statm}, 4096, -1, "the limit on address space (ulimit -v) 0"},
		{"data", fstest.MapFS{"proc/self/statm": statm}, -1, gib, fmt.Sprint("the limit on data (ulimit -d) ", gib-300*4096+1000)},
		{"version 2, the parent's is tighter", fstest.MapFS{
			"proc/self/cgroup":                                file("0::/user.slice/run 1.scope\n"),
			"sys/fs/cgroup/user.slice/memory.max":             file("5000\n"),
			"sys/fs/cgroup/user.slice/memory.current":         file("2000\n"),
			"sys/fs/cgroup/user.slice/memory.stat":            file("anon 1000\ninactive_file 300\nactive_file 200\n"),
			"sys/fs/cgroup/user.slice/run 1.scope/memory.max": file("max\n"),
		}, -1, -1, "the memory limit of the control group sys/fs/cgroup/user.slice 3600"},
		{"version 1, in a container", fstest.MapFS{
			"proc/self/cgroup":                           file("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9000\n"),
			"sys/fs/cgroup/memory/memory.usage_in_bytes": file("4000\n"),
			"sys/fs/cgroup/memory/memory.stat":           file("inactive_file 1\ntotal_inactive_file 500\n"),
		}, -1, -1, "the memory limit of the control group sys/fs/cgroup/memory 5600"},
		{"version 1 without a limit", fstest.MapFS{
			"proc/self/cgroup":                           file("4:memory:/\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
			"sys/fs/cgroup/memory/memory.usage_in_bytes": file("4000\n"),
		}, -1, -1, ""},
		{"nonsense", fstest.MapFS{
			"proc/meminfo": file("MemAvailable\n"), "proc/self/statm": file("1"), "proc/self/cgroup": file("\n::\n0::/../..\n4:memory\n"),
		}, gib, gib, ""},
	} {
		var got []string
		for _, l := range (reader{c.files, 1000, 100}).limits(c.space, c.data, 4096) {
			got = append(got, fmt.Sprint(l.Name, " ", l.Left))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: got %s, want %s", c.name, s, c.want)
		}
	}
}

// TestLeft: under a limit on address space, that much can be had and no more.
func TestLeft(t *testing.T) {
	if os.Getenv("MEMORY_TEST_LIMITED") != "" {
		l, ok := Left()
		fmt.Println(l.Left>>20, ok, strings.Contains(l.Name, "ulimit -v"))
		block := make([]byte, l.Left-l.Left/8-64<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		runtime.KeepAlive(block)
		fmt.Println("held")
		return
	}
	if runtime.GOOS != "linux" {
		if _, ok := Left(); ok {
			t.Error("a limit where none is known")
		}
		return
	}
	sh := exec.Command("sh", "-c", "ulimit -v 3000000; exec \"$0\" -test.run '^TestLeft$'", os.Args[0])
	sh.Env = append(os.Environ(), "MEMORY_TEST_LIMITED=1")
	out, err := sh.CombinedOutput()
	var left int
	if _, scan := fmt.Sscan(string(out), &left); err != nil || scan != nil || left < 500 || left > 2930 || !strings.Contains(string(out), "true true\nheld") {
		t.Errorf("%v: %.500s", err, out)
	}
}
