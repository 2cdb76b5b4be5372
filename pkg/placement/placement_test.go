package placement

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDistinct: CPUs of one core are not chosen while another core has one.
func TestDistinct(t *testing.T) {
	cores := map[int]string{0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3", 5: "5"}
	got := distinct([]int{0, 1, 2, 3, 5}, func(cpu int) string { return cores[cpu] })
	if want := []int{0, 2, 5, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// chosen are n CPUs, if the system lets threads be bound and has so many.
func chosen(t *testing.T, n int) []int {
	t.Helper()
	cpus, err := Choose(n)
	if errors.Is(err, ErrUnsupported) || err != nil && n > 1 && runtime.NumCPU() < n {
		t.Skip(err)
	}
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

// TestRoundTrip: between two CPUs it takes some time, and no eternity.
func TestRoundTrip(t *testing.T) {
	cpus := []int{0, 1}
	if runtime.GOOS == "linux" {
		cpus = chosen(t, 2)
	} else if runtime.NumCPU() < 2 {
		t.Skip("one CPU")
	}
	ns, err := RoundTrips(cpus)
	if err != nil || len(ns) != 1 || !(ns[0] > 1) || math.IsInf(ns[0], 0) {
		t.Fatal(ns, err)
	}
	t.Logf("%.0f ns between the CPUs %v", ns[0], cpus)
	if _, err := RoundTrip(cpus[0], cpus[0]); !errors.Is(err, ErrOneCPU) {
		t.Error(err)
	}
	if ns, err := RoundTrips(cpus[:1]); ns != nil || err != nil {
		t.Error(ns, err)
	}
}

// TestOthers: what this process uses is not of others, beyond the grain of the counts.
func TestOthers(t *testing.T) {
	cpus := chosen(t, 1)
	if load, ok := LoadAverage(); !ok || !(load >= 0) {
		t.Error(load, ok)
	}
	busy, ok := Others(context.Background(), cpus, 50*time.Millisecond)
	if ok && !(busy >= 0 && busy <= 1) {
		t.Errorf("%g of one CPU is busy", busy)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, ok := Others(ended, cpus, time.Hour); ok {
		t.Error("an interrupted look has a result")
	}
}
