package placement

import (
	"errors"
	"slices"
	"testing"
)

// TestDistinct: CPUs of one core are not chosen while another core has one.
func TestDistinct(t *testing.T) {
	cores := map[int]string{0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3", 5: "5"}
	got := distinct([]int{0, 1, 2, 3, 5}, func(cpu int) string { return cores[cpu] })
	if want := []int{0, 2, 5, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOneCPU: from a CPU to itself there is nothing to measure.
func TestOneCPU(t *testing.T) {
	if _, err := RoundTrip(0, 0); !errors.Is(err, ErrOneCPU) {
		t.Error(err)
	}
	if ns, err := RoundTrips([]int{0}); ns != nil || err != nil {
		t.Error(ns, err)
	}
}
