package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/dualgn/dgn/pkg/diskfile"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// settings are what a user chooses for the machine, whatever the experiment.
type settings struct {
	DataDir   string
	Out       string
	Threads   int  // the most, where it is to be chosen
	Auto      bool // runs choose it by measurement
	Offline   bool
	LogFormat string
	Quiet     bool
}

// maxThreads bounds the threads, and the runs made at the same time: more than
// any machine has use for.
const maxThreads = 1024

// allThreads is the number of CPUs that the process may use: in a task of Slurm those that it
// was given, even where nothing holds it to these.
func allThreads() int {
	n := min(runtime.NumCPU(), maxThreads)
	if given, err := strconv.Atoi(os.Getenv("SLURM_CPUS_PER_TASK")); err == nil && given > 0 {
		n = min(n, given)
	}
	return n
}

// autoThreads is what to give in place of a number of threads, for runs to choose it.
const autoThreads = "auto"

// threadSetting is a number of threads in the settings file, or auto.
type threadSetting struct{}

// UnmarshalStrict implements [strict.Unmarshaler].
func (threadSetting) UnmarshalStrict(v strict.Value) error {
	var text string
	if v.Decode(&text) == nil && text == autoThreads {
		return nil
	}
	var n int
	return v.Decode(&n)
}

// checkJobs checks the flag of that name.
func checkJobs(jobs int) error {
	if jobs < 1 || jobs > maxThreads {
		return usageError{fmt.Errorf("--jobs: must be a whole number from 1 to %d, got %d", maxThreads, jobs)}
	}
	return nil
}

// persistent are the keys of the settings file; DGN_ plus the upper-case key
// is the environment variable of the same meaning.
var persistent = []string{"data_dir", "out", "threads", "offline", "log_format"}

// define adds the flags of every command. The function it returns fills s from
// flags, environment and settings file, in this order of precedence.
func (s *settings) define(flags *pflag.FlagSet) (load func() error) {
	flags.String("threads", strconv.Itoa(allThreads()), "threads for arithmetic, or auto: one or all, whichever a run measures to be faster; results do not depend on it")
	flags.Bool("offline", false, "never download data")
	flags.String("log-format", "text", "format of logs on stderr: text or json")
	flags.BoolVar(&s.Quiet, "quiet", false, "no progress, only warnings and errors")
	return func() error {
		v := viper.New()
		for _, key := range persistent {
			if err := v.BindEnv(key, envName(key)); err != nil {
				return err
			}
			if f := flags.Lookup(strings.ReplaceAll(key, "_", "-")); f != nil {
				if err := v.BindPFlag(key, f); err != nil {
					return err
				}
			}
		}
		if err := errors.Join(unknownVariables(os.Environ()), readFile(v)); err != nil {
			return err
		}
		return s.fill(v)
	}
}

func envName(key string) string { return "DGN_" + strings.ToUpper(key) }

// unknownVariables refuses DGN_ variables that mean nothing: most are
// misspelt.
func unknownVariables(environ []string) error {
	var known []string
	for _, key := range persistent {
		known = append(known, envName(key))
	}
	var errs []error
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "DGN_") && !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("environment: unknown variable %s%s", name, strict.Suggest(name, known)))
		}
	}
	return errors.Join(errs...)
}

// readFile reads the settings file of the user, if there is one.
func readFile(v *viper.Viper) error {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil // no home, no settings file
	}
	path := filepath.Join(dir, "dgn", "config.yaml")
	data, err := diskfile.ReadStream(context.Background(), path, diskfile.Limits{Bytes: 1 << 20})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// viper folds case and ignores what it does not know, so the keys are
	// checked strictly first.
	var file struct {
		DataDir   *string        `yaml:"data_dir"`
		Out       *string        `yaml:"out"`
		Threads   *threadSetting `yaml:"threads"`
		Offline   *bool          `yaml:"offline"`
		LogFormat *string        `yaml:"log_format"`
	}
	doc, err := strict.Parse(path, data)
	if err == nil {
		err = doc.Root().Decode(&file)
	}
	if err != nil {
		return err
	}
	v.SetConfigFile(path)
	return v.ReadInConfig()
}

func (s *settings) fill(v *viper.Viper) error {
	s.DataDir, s.Out, s.LogFormat = v.GetString("data_dir"), v.GetString("out"), v.GetString("log_format")
	var errs []error
	if s.LogFormat != "text" && s.LogFormat != "json" {
		errs = append(errs, fmt.Errorf("log-format (or %s): must be text or json, got %q", envName("log_format"), s.LogFormat))
	}
	// An environment variable that is not a number would be read as 0.
	if s.Auto = v.GetString("threads") == autoThreads; s.Auto {
		s.Threads = allThreads()
	} else if err := v.UnmarshalKey("threads", &s.Threads); err != nil || s.Threads < 1 || s.Threads > maxThreads {
		errs = append(errs, fmt.Errorf("threads (or %s): must be a whole number from 1 to %d, or auto, got %.40q", envName("threads"), maxThreads, v.GetString("threads")))
	}
	if err := v.UnmarshalKey("offline", &s.Offline); err != nil {
		errs = append(errs, fmt.Errorf("offline (or %s): must be true or false, got %q", envName("offline"), v.GetString("offline")))
	}
	return errors.Join(errs...)
}
