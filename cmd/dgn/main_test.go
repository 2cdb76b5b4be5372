package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/experiment"
)

// TestExitCodes: the code says what stopped the program; of a run that failed,
// it is that of failed runs, whatever failed it.
func TestExitCodes(t *testing.T) {
	missing := fmt.Errorf("reading: %w", &datasets.MissingError{})
	for want, err := range map[int]error{
		exitDone:        nil,
		exitUsage:       usageError{errors.New("")},
		exitData:        missing,
		exitFailed:      errors.Join(nil, &experiment.RunError{Run: "SGD, seed 0", Err: missing}),
		exitInterrupted: errors.Join(context.Canceled, &experiment.RunError{Run: "SGD, seed 0", Err: missing}),
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}
