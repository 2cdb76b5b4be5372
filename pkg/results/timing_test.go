package results

import (
	"testing"

	"github.com/dualgn/dgn/pkg/runlog"
)

// TestUnlikeProcessors: where times are of several processors, these are named.
func TestUnlikeProcessors(t *testing.T) {
	of := func(cpus ...string) *Results {
		res := &Results{}
		for _, c := range cpus {
			res.Runs = append(res.Runs, Run{Manifest: runlog.Manifest{Machine: runlog.Machine{CPU: c}, Threads: 1, Jobs: 1}})
		}
		return res
	}
	const differ = "times do not compare: runs were made with different processors"
	for _, c := range []struct {
		res  *Results
		want string
	}{
		{of("EPYC", "EPYC"), ""},
		{of("EPYC", "", "EPYC"), differ},
		{of("Xeon", "EPYC", "Xeon"), differ + " (EPYC, Xeon)"},
		{of("a", "b", "c", "d", "e"), differ + " (a, b, c, 2 more)"},
	} {
		if got := c.res.Timing(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
