package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/experiment"
)

// TestRounded: numbers of log lines have four digits, whatever their size.
func TestRounded(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 2.33456e26: "2.335e+26", -1.98765e-9: "-1.988e-09", 68561: "68560", 1e308: "1e+308", 5e-324: "5e-324"} {
		if got := fmt.Sprint(rounded(x)); got != want {
			t.Errorf("%g: %s, want %s", x, got, want)
		}
	}
	if got := rounded(math.Inf(1)); !math.IsInf(got, 1) {
		t.Error(got)
	}
}

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
