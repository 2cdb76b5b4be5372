//go:build data

package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRealImages reads the real files below DGN_DATA_DIR: all labels and the
// mean pixel are as published.
func TestRealImages(t *testing.T) {
	dir := os.Getenv("DGN_DATA_DIR")
	if dir == "" {
		t.Fatal("tests with the tag data need DGN_DATA_DIR")
	}
	for _, c := range []struct {
		name     string
		perClass []int
		mean     float64 // of the training pixels, of 255
	}{
		{"mnist", []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, 0.1307},
		{"fashion_mnist", []int{6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000}, 0.2860},
	} {
		raw, err := open(t, dir, "{name: "+c.name+"}", OneHot)
		if err != nil {
			t.Fatal(err)
		}
		if raw.Warnings != nil {
			t.Errorf("%s: %q", c.name, raw.Warnings)
		}
		perClass, sum := make([]int, 10), 0
		for _, l := range raw.Train.Labels {
			perClass[l]++
		}
		for _, v := range raw.Train.Pixels {
			sum += int(v)
		}
		mean := float64(sum) / float64(len(raw.Train.Pixels)) / 255
		if raw.Train.Len() != 60000 || raw.Test.Len() != 10000 || raw.Train.Shape.Len() != 784 || !slices.Equal(perClass, c.perClass) || mean < c.mean-1e-4 || mean > c.mean+1e-4 {
			t.Errorf("%s: %d and %d examples, classes %v, mean %g", c.name, raw.Train.Len(), raw.Test.Len(), perClass, mean)
		}
		checks, err := Verify(offline(dir), c.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range checks {
			if f.Status != "ok" {
				t.Errorf("%s: %s: %s", f.File, f.Status, f.Detail)
			}
		}
	}
}

// TestRealCIFAR reads the first batch of CIFAR-10: 1,000 or so images of each
// class, 1,000 exactly in the test part, and means as published for the whole set.
func TestRealCIFAR(t *testing.T) {
	dir := os.Getenv("DGN_DATA_DIR")
	if dir == "" {
		t.Fatal("tests with the tag data need DGN_DATA_DIR")
	}
	env := offline(dir)
	env.TrainLimit = 10000
	raw, err := cifar10.Open(env, OneHot)
	if err != nil {
		t.Fatal(err)
	}
	if raw.Warnings != nil {
		t.Errorf("%q", raw.Warnings)
	}
	perClass := func(e *Examples) []int {
		n := make([]int, 10)
		for _, l := range e.Labels {
			n[l]++
		}
		return n
	}
	train := []int{1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981}
	test := []int{1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}
	if !slices.Equal(perClass(raw.Train), train) || !slices.Equal(perClass(raw.Test), test) {
		t.Errorf("classes %v and %v", perClass(raw.Train), perClass(raw.Test))
	}
	all := parts{raw.Train, upTo(raw.Train.Len())}
	for c, want := range []float64{0.4914, 0.4822, 0.4465} {
		s := histogram(all, c*1024, 1024).moments()
		if got := s.mean / 255; got < want-5e-3 || got > want+5e-3 {
			t.Errorf("the mean of channel %d is %g, that of all five batches %g", c, got, want)
		}
	}
	checks, err := Verify(env, "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		name := filepath.Base(c.File)
		if _, read := raw.Checksums[name]; read && c.Status != "ok" || c.Status == "damaged" {
			t.Errorf("%s: %s: %s", c.File, c.Status, c.Detail)
		}
	}
}
