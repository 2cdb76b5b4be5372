package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestManySeeds: twenty times as many seeds take no more than about twenty times
// as long, and are still told apart.
func TestManySeeds(t *testing.T) {
	check := func(n int, last string) (time.Duration, error) {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%d, ", i)
		}
		text := strings.Replace(toy, "[0, 1]", "["+b.String()+last+"]", 1)
		began := time.Now()
		_, err := Parse("toy.yaml", []byte(text), nil)
		return time.Since(began), err
	}
	few, err := check(15_000, "15000")
	if err != nil {
		t.Fatal(err)
	}
	many, err := check(300_000, "17")
	if err == nil || !strings.Contains(err.Error(), "seeds: duplicate seed 17") {
		t.Errorf("says %v", err)
	}
	if many > 100*few+time.Second {
		t.Errorf("15,000 seeds take %v, 300,000 take %v", few, many)
	}
}

// TestLargeConfig: configs have a limit, and an endless file is
// found to be longer.
func TestLargeConfig(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := errors.Join(os.WriteFile(large, nil, 0o644), os.Truncate(large, 1<<33)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{large, "/dev/zero"} {
		_, one := Load(path, nil)
		_, many := LoadSweep(path, nil, SweepFlags{})
		for _, err := range []error{one, many} {
			var config *Error
			if !errors.As(err, &config) || !strings.Contains(err.Error(), "it is longer than 32 MiB, the most that is read") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
