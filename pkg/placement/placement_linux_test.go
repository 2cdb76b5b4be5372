package placement

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// chosen are n CPUs that the process may use.
func chosen(t *testing.T, n int) []int {
	t.Helper()
	cpus, err := Choose(n)
	if err != nil || len(cpus) != n {
		t.Fatal(cpus, err)
	}
	return cpus
}

func TestChoose(t *testing.T) {
	chosen(t, 1)
	if _, err := Choose(5000); err == nil || !strings.Contains(err.Error(), "5000 threads need 5000 CPUs of their own, and the process may use") {
		t.Error(err)
	}
}

// TestBind: all threads of the process, those to come too, and back.
func TestBind(t *testing.T) {
	cpus := chosen(t, 1)
	before, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	release, err := Bind(cpus)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want []int) {
		t.Helper()
		done := make(chan []int)
		for range 20 {
			go func() {
				runtime.LockOSThread() // and, as it ends with the thread, the next has another
				got, err := threadCPUs()
				if err != nil {
					t.Error(err)
				}
				done <- got
			}()
		}
		for range 20 {
			if got := <-done; !slices.Equal(got, want) {
				t.Errorf("%s, a thread may run on %v, want %v", when, got, want)
			}
		}
	}
	check("bound", cpus)
	if err := release(); err != nil {
		t.Fatal(err)
	}
	check("released", before)
	if _, err := Bind([]int{1000}); err == nil || !strings.Contains(err.Error(), "cannot bind the process to the CPUs [1000]") {
		t.Error(err)
	}
	check("not bound", before)
}

func TestBindThread(t *testing.T) {
	cpus := chosen(t, 1)
	runtime.LockOSThread() // so that the thread is the same all the time
	defer runtime.UnlockOSThread()
	before, err := threadCPUs()
	if err != nil {
		t.Fatal(err)
	}
	release, err := BindThread(cpus[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := threadCPUs(); err != nil || !slices.Equal(got, cpus) {
		t.Errorf("bound to %v, want %v (%v)", got, cpus, err)
	}
	release()
	if got, err := threadCPUs(); err != nil || !slices.Equal(got, before) {
		t.Errorf("released to %v, want %v (%v)", got, before, err)
	}
	release, err = BindThread(1000)
	if err == nil {
		t.Error("there are more than 1000 CPUs")
	}
	release()
}

// TestRoundTrip: between two CPUs it takes some time, and no eternity; a process that may
// use one alone is told so.
func TestRoundTrip(t *testing.T) {
	all, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 1 {
		if _, err := Choose(2); err == nil || !strings.Contains(err.Error(), "2 threads need 2 CPUs of their own, and the process may use 1") {
			t.Error(err)
		}
		return
	}
	cpus := chosen(t, 2)
	ns, err := RoundTrips(cpus)
	if err != nil || len(ns) != 1 || !(ns[0] > 1) || math.IsInf(ns[0], 0) {
		t.Fatal(ns, err)
	}
	t.Logf("%.0f ns between the CPUs %v", ns[0], cpus)
}

// TestOthers: what this process uses is not of others, beyond the grain of the counts.
func TestOthers(t *testing.T) {
	cpus := chosen(t, 1)
	if load, ok := LoadAverage(); !ok || !(load >= 0) {
		t.Error(load, ok)
	}
	busy, ok := Others(context.Background(), cpus, 50*time.Millisecond)
	if _, known := busySeconds(cpus); ok != known || ok && !(busy >= 0 && busy <= 1) {
		t.Errorf("%g of one CPU is busy (%t, %t)", busy, ok, known)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, ok := Others(ended, cpus, time.Hour); ok {
		t.Error("an interrupted look has a result")
	}
}
