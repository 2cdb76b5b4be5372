package experiment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/plan"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
)

// binaryTask is a small experiment with one run.
const binaryTask = `
name: c
data: {name: csv, path: t.csv, test_path: te.csv, binary: [1, 2]}
model: {kind: mlp, hidden: [4]}
loss: {kind: binary_logistic}
train: {batch_size: 4, steps: 5}
methods:
  - {name: SGD, optimizer: {kind: sgd, learning_rate: 0.05}}
`

// put writes a file below a folder.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestIdentityOfData: folders of results outlive versions of the program, so that
// identities stay what they were, as these literals. Where a version reads the
// same data in another way, and only there, the identity is another.
func TestIdentityOfData(t *testing.T) {
	dir := t.TempDir()
	const table = "1,2,0\n2,1,1\n3,5,2\n4,4,1\n5,3,0\n6,1,2\n7,2,1\n1,1,0\n"
	put(t, dir, "t.csv", []byte(table))
	put(t, dir, "te.csv", []byte(table))
	put(t, dir, "a/t.csv", []byte(table))
	put(t, dir, "b/t.csv", []byte(table))
	put(t, dir, "words.csv", []byte(strings.ReplaceAll(table, ",0\n", ",zero\n")))
	put(t, dir, "close.csv", []byte("1,4e15,0\n2,4000000000000007,1\n3,4e15,1\n4,4e15,0\n5,4e15,0\n6,4e15,1\n"))
	for _, c := range []struct {
		what     string
		sets     []string
		identity string
		marks    []string // settings that only such data have
	}{
		{"a table", nil, "4077ab2948bbc620f9e91317cd37d46c1402a426ee0e5f07f470b5f66821544f", nil},
		{"digits", []string{"name=d", "data={name: digits, train_limit: 200, test_limit: 50, binary: [5, 6, 7]}"}, "db842884cf1b170ff6ac6d7a80dd1a1d8673cc5f7cc04db504f21e8dae75c678", nil},
		{"files of one name", []string{"data={name: csv, path: a/t.csv, test_path: b/t.csv, binary: [1, 2]}"}, "", []string{"checksums.a/t.csv", "checksums.b/t.csv"}},
		{"labels that are not positions", []string{"data={name: csv, path: words.csv, binary: [1, 2]}"}, "", []string{"data.reading.binary"}},
		{"pixels up to 16", []string{"data={name: digits, standardize: false, binary: [1]}"}, "", []string{"data.reading.white"}},
		{"close numbers", []string{"data={name: csv, path: close.csv}", "train.batch_size=2"}, "", []string{"data.reading.standardize"}},
	} {
		s := settingsOf(t, dir, c.sets...)
		var marks []string
		for k := range s {
			if strings.HasPrefix(k, "data.reading.") || strings.HasPrefix(k, "checksums.") && strings.Contains(k, "/") {
				marks = append(marks, k)
			}
		}
		slices.Sort(marks)
		if !slices.Equal(marks, c.marks) {
			t.Errorf("%s: settings %q, want %q", c.what, marks, c.marks)
		}
		if c.identity != "" && s.Identity() != c.identity {
			t.Errorf("%s: the identity is %s, and was %s:\n%v", c.what, s.Identity(), c.identity, s)
		}
	}
}

// settingsOf are those that identify the run of binaryTask with other settings.
func settingsOf(t *testing.T, dir string, sets ...string) runlog.Settings {
	t.Helper()
	opt := options("")
	opt.Data.Dir = dir
	p, err := problem.Open(parse(t, binaryTask, sets...), opt.Data)
	if err != nil {
		t.Fatalf("%q: %v", sets, err)
	}
	runs, err := plan.New(p.Config.Plain(), func(*config.Config) (plan.Facts, error) { return factsOf(p), nil })
	if err != nil {
		t.Fatal(err)
	}
	return runs.Tasks[0].Settings
}

// TestChangedTrainingFile: a training file that changed is noticed where the test
// file has its name.
func TestChangedTrainingFile(t *testing.T) {
	const before, after = "1,2,0\n2,1,1\n3,5,0\n4,4,1\n", "1,2,0\n2,1,1\n3,5,0\n4,9,1\n"
	for _, name := range []string{"csv", "npz"} {
		dir := t.TempDir()
		file := func(text string) []byte {
			if name == "csv" {
				return []byte(text)
			}
			var b bytes.Buffer
			x := arrays.Float64("x", []int{4, 2}, []float64{1, 2, 2, 1, 3, 5, 4, float64(text[len(text)-4] - '0')})
			if err := arrays.WriteNPZ(&b, []arrays.Array{x, arrays.Int64("y", []int{4}, []int64{0, 1, 0, 1})}); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		put(t, dir, "a/t."+name, file(before))
		put(t, dir, "b/t."+name, file(before))
		c := parse(t, binaryTask, "data={name: "+name+", path: a/t."+name+", test_path: b/t."+name+"}")
		opt := options(t.TempDir())
		opt.Data.Dir = dir
		run(t, c, opt)
		if r := run(t, c, opt); r.Reused != 1 || r.Made != 0 {
			t.Errorf("%s: the same files: %+v", name, r)
		}
		put(t, dir, "a/t."+name, file(after))
		_, err := Run(t.Context(), c, opt)
		if err == nil || !strings.Contains(err.Error(), "was made with other settings:\n    checksums.a/t."+name+": ") {
			t.Errorf("%s: another training file says %v", name, err)
		}
	}
}

// TestLookalike: files of another set in the place of a published one are told of
// in the log and in the manifest.
func TestLookalike(t *testing.T) {
	dir := t.TempDir()
	idx := func(magic uint32, dims ...uint32) (b []byte) {
		b = binary.BigEndian.AppendUint32(b, magic)
		n := uint32(1)
		for _, d := range dims {
			b, n = binary.BigEndian.AppendUint32(b, d), n*d
		}
		for i := range n {
			b = append(b, byte(i%10))
		}
		return b
	}
	for _, part := range []string{"train", "t10k"} {
		put(t, dir, "mnist/"+part+"-images-idx3-ubyte", idx(0x803, 20, 28, 28))
		put(t, dir, "mnist/"+part+"-labels-idx1-ubyte", idx(0x801, 20))
	}
	c := parse(t, toy, "data={name: mnist}", "train.batch_size=10", "seeds=[0]")
	opt := options(t.TempDir())
	opt.Data.Dir = dir
	var log bytes.Buffer
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	run(t, c, opt)
	const warning = "data set mnist: these files in "
	if !strings.Contains(log.String(), "level=WARN msg=\""+warning) {
		t.Errorf("logged\n%s", &log)
	}
	if m := manifestAt(t, filepath.Join(opt.Out, "runs/sgd/0")); len(m.Choices) == 0 || !strings.HasPrefix(m.Choices[0], warning) {
		t.Errorf("choices %q", m.Choices)
	}
	log.Reset()
	opt.Out = t.TempDir()
	if _, err := Sweep(t.Context(), study(t, toy, config.SweepFlags{Grid: []string{"train.epochs=1,2"}}, "data={name: mnist}", "train.batch_size=10", "seeds=[0]"), opt); err != nil {
		t.Fatal(err)
	}
	if strings.Count(log.String(), warning) != 1 {
		t.Errorf("a sweep logged\n%s", &log)
	}
}
