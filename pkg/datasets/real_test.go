//go:build data

package datasets

import (
	"os"
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
