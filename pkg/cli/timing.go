package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// timingFlag adds the flag --timing, whose value is a number of repeats.
func timingFlag(flags *pflag.FlagSet, repeats *int) {
	f := flags.VarPF((*repeatsValue)(repeats), "timing", "", "then measure the time of each run again so often, methods alternated, threads bound to CPUs")
	f.NoOptDefVal = defaultRepeats
}

const defaultRepeats = "5"

// repeatsValue is a number of repeats; what it may be is for package experiment to say,
// but for 0, which stands for no flag.
type repeatsValue int

// String implements [pflag.Value].
func (r *repeatsValue) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.Itoa(int(*r))
}

// Set implements [pflag.Value].
func (r *repeatsValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n == 0 {
		return fmt.Errorf("must be an odd number of repeats, as in --timing=%s, got %.40q", defaultRepeats, text)
	}
	*r = repeatsValue(n)
	return nil
}

// Type implements [pflag.Value].
func (r *repeatsValue) Type() string { return "REPEATS" }
