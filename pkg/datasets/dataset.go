package datasets

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/tensor"
)

// A Source is a data set with its options.
type Source interface {
	// Open reads the files, downloading what is missing if env allows. The
	// encoding says whether targets are wanted as classes or as numbers, where
	// the files can serve both. Errors about data are *MissingError or
	// *DamagedError.
	Open(env Env, enc Encoding) (*Raw, error)

	// Describe says what the set holds, as far as that is known without
	// reading it.
	Describe() Description
}

// Known is the table of data sets.
var Known = registry.Table[Source]{Kind: "data set", Key: "name"}

// A Description is what is known of a set in advance. Zero fields are not
// known.
type Description struct {
	Shape       tensor.Shape
	Classes     int
	Targets     int // numbers to predict, of a regression set
	Train, Test int // examples; Test is 0 for sets without a test part of their own
	OwnTest     bool
	Embedded    bool
	Files       []File // downloadable
	Unpacked    []File // what an archive in Files holds, which serves in its place
	Licence     string
}

// Env is where data are found and how they may be fetched.
type Env struct {
	Context context.Context // nil: context.Background()
	Dir     string          // root that holds mnist/, ...
	Offline bool
	// TargetInput says that inputs are their own targets: labels and targets are not needed.
	TargetInput bool
	// TrainLimit is how many training examples are wanted, from the first; 0 is
	// all. A set may give more.
	TrainLimit int
	Client     *http.Client // nil: http.DefaultClient
	// Progress is told of each download; bytes are written as they arrive.
	Progress func(name string, size int64) io.WriteCloser

	pace pace // the zero value stands for the usual one
}

// context is Context, or that of a caller who gives none.
func (env Env) context() context.Context {
	if env.Context == nil {
		return context.Background()
	}
	return env.Context
}

// ResolveDir returns the root of the data: what the config says, else what the
// environment (DGN_DATA_DIR) says, else the user's cache folder.
func ResolveDir(configured, environment string) string {
	if configured != "" {
		return configured
	}
	if environment != "" {
		return environment
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "dgn", "data")
}

// Raw is a set as its files say, nothing standardised.
type Raw struct {
	Train, Test *Examples         // Test is nil for sets without a test part of their own
	Classes     []string          // names; nil for regression
	Codes       []string          // what the files write for each class, where that is not its name
	Checksums   map[string]string // SHA-256 by file
	Notes       []string          // what users should know
	Warnings    []string          // what users should look into

	// Reading says how the files were read where options and checksums leave that
	// open. Like them it is part of what identifies a run.
	Reading map[string]string

	points *drawing // of an equation; nil: the set is of examples
}

// Examples are a fixed, ordered list in memory: images of bytes, or rows of
// numbers; with labels, or with targets, or with neither where inputs are their own
// targets.
type Examples struct {
	Shape   tensor.Shape
	Pixels  []uint8   // n x Shape.Len(), of images
	White   uint8     // the pixel that stands for 1; 0: 255
	Values  []float64 // n x Shape.Len(), of tables
	Labels  []int     // n, of classification
	Targets []float64 // n x K, of regression
	K       int       // targets of one example
	Omega   []float64 // n weights of the losses, not negative, not all 0; nil: all are 1
}

// Len returns the number of examples.
func (e *Examples) Len() int {
	switch {
	case e.Labels != nil:
		return len(e.Labels)
	case e.K > 0:
		return len(e.Targets) / e.K
	}
	return (len(e.Pixels) + len(e.Values)) / max(e.Shape.Len(), 1)
}

// A MissingError says that files of a set are not there.
type MissingError struct {
	Set    string
	Dir    string   // where they were looked for
	Files  []string // that the set needs
	Hint   string   // what else would do; "" for nothing
	Reason error    // why they could not be downloaded; nil if that was not tried
	Own    bool     // whether they are the user's, which no mirror has
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "data set %s: files are missing in %s; wanted: %s.", e.Set, shownPath(e.Dir), shownPath(strings.Join(e.Files, ", ")))
	if e.Hint != "" {
		fmt.Fprintf(&b, "\n%s", e.Hint)
	}
	if e.Reason != nil {
		fmt.Fprintf(&b, "\nThe download failed:\n  %s", strings.ReplaceAll(e.Reason.Error(), "\n", "\n  "))
	}
	if e.Own {
		b.WriteString("\nCorrect data.path (or test_path), or put the file there.")
		return b.String()
	}
	fmt.Fprintf(&b, "\nRun `dgn data get %s` where there is a network, or put the files there, or set DGN_DATA_DIR to the folder that holds %s/."+
		"\nWithout any file: the embedded data sets digits, breast_cancer and diabetes, and the function peaks.", e.Set, e.Set)
	return b.String()
}

func (e *MissingError) Unwrap() error { return e.Reason }

// A DamagedError says that a file does not hold what it should.
type DamagedError struct {
	File string
	Msg  string
}

func (e *DamagedError) Error() string { return shownPath(e.File) + ": " + e.Msg }

func damagedf(file, format string, args ...any) error {
	return &DamagedError{file, fmt.Sprintf(format, args...)}
}
