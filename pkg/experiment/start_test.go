package experiment

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/problem"
)

// startModels has a small model of each kind.
var startModels = map[string]string{
	"mlp":        "{kind: mlp, hidden: [6], activation: tanh, init: he_uniform}",
	"linear":     "{kind: mlp, hidden: []}",
	"sequential": "{kind: sequential, layers: [{kind: conv, filters: 2, kernel: 3}, relu, flatten, {kind: dense, units: 10}]}",
	"convnet":    "{kind: convnet, filters: [2], hidden: [5]}",
	"resnet":     "{kind: resnet, depth: 8, width: 2, norm: none}",
}

// withFile is a model that starts from a file.
func withFile(model, file string) string {
	model = strings.Replace(model, ", init: he_uniform", "", 1)
	return strings.TrimSuffix(model, "}") + ", init: {file: " + file + "}}"
}

// TestStartFromFile: runs of every kind of model begin with the weights of a file,
// of either format, whatever the seed.
func TestStartFromFile(t *testing.T) {
	for kind, model := range startModels {
		for _, precision := range []string{"float32", "float64"} {
			opt := options(t.TempDir())
			sets := []string{"train.epochs=1", "precision=" + precision}
			one := parse(t, toy, append(sets, "seeds=[5]", "model="+model)...)
			run(t, one, opt)
			first, n := rows(t, filepath.Join(opt.Out, "runs/sgd/5/metrics.csv"))
			npz := filepath.Join(opt.Out, "runs/sgd/5/params.npz")
			weights, err := arrays.ReadFile(npz)
			if err != nil {
				t.Fatal(err)
			}
			safe := filepath.Join(t.TempDir(), "w.safetensors")
			if err := arrays.WriteFile(safe, weights); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{npz, safe} {
				opt := options(t.TempDir())
				c := parse(t, toy, append(sets, "seeds=[0, 1]", "model="+withFile(model, file))...)
				if r := run(t, c, opt); len(r.Failed) > 0 {
					t.Fatalf("%s: %v", kind, r.Failed)
				}
				for _, seed := range []string{"0", "1"} {
					metrics, k := rows(t, filepath.Join(opt.Out, "runs/sgd/"+seed+"/metrics.csv"))
					for _, column := range []string{"train_loss", "test_loss"} {
						if metrics[column][0] != first[column][n-1] {
							t.Errorf("%s, %s, %s: %s begins at %s, ended at %s", kind, precision, filepath.Base(file), column, metrics[column][0], first[column][n-1])
						}
					}
					if metrics["train_loss"][0] == metrics["train_loss"][k-1] {
						t.Errorf("%s: nothing was trained", kind)
					}
				}
				var text strings.Builder
				p, err := problem.Open(c, opt.Data)
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Describe(&text); err != nil || !strings.Contains(text.String(), "initial weights: "+file+" (SHA-256 "+p.Start.Sum+")") {
					t.Errorf("%s: described as\n%s%v", kind, text.String(), err)
				}
				resolved, err := c.YAML()
				if err != nil || !strings.Contains(string(resolved), "init: {file: "+file+"}") || strings.Contains(string(resolved), "init: auto") && kind != "sequential" {
					t.Errorf("%s: resolved to\n%s%v", kind, resolved, err)
				}
				if again, err := parse(t, string(resolved)).YAML(); err != nil || string(again) != string(resolved) {
					t.Errorf("%s: the resolved config becomes\n%s%v", kind, again, err)
				}
			}
		}
	}
}

// TestStartIdentity: what the weights are belongs to a run's identity, and not
// where they lie. A sweep may go over files.
func TestStartIdentity(t *testing.T) {
	made := options(t.TempDir())
	run(t, parse(t, toy, "train.epochs=1"), made)
	dir := t.TempDir()
	var files []string
	for i, seed := range []string{"0", "1", "0"} {
		text, err := os.ReadFile(filepath.Join(made.Out, "runs/sgd", seed, "params.npz"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, string(rune('a'+i))+".npz"))
		if err := os.WriteFile(files[i], text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conf := func(file string) *config.Config {
		return parse(t, toy, "seeds=[0]", "model="+withFile("{hidden: [12], kind: mlp}", file))
	}
	opt := options(t.TempDir())
	run(t, conf(files[0]), opt)
	if r := run(t, conf(files[2]), opt); r.Reused != 2 {
		t.Errorf("a copy: %+v", r)
	}
	_, err := Run(t.Context(), conf(files[1]), opt)
	var refused *config.Error
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "model.init.sha256"+": ") {
		t.Errorf("other weights: %v", err)
	}
	if _, err = Run(t.Context(), parse(t, toy, "seeds=[0]"), opt); !errors.As(err, &refused) || !strings.Contains(err.Error(), " -> (absent)") {
		t.Errorf("drawn weights: %v", err)
	}
	s, err := config.ParseSweep("toy.yaml", []byte(strings.Replace(toy, "hidden: [12]}", "hidden: [12], init: {file: "+files[0]+"}}", 1)), []string{"seeds=[0]"}, config.SweepFlags{Grid: []string{"model.init.file=" + files[0] + "," + files[1]}})
	if err != nil {
		t.Fatal(err)
	}
	sweep := options(t.TempDir())
	if r, err := Sweep(t.Context(), s, sweep); err != nil || r.Made != 4 || len(r.Failed) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestStartErrors: every array of the file that does not fit is named, with what
// would; options that are wrong are a matter of the config.
func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, list ...arrays.Array) string {
		path := filepath.Join(dir, name)
		if err := arrays.WriteFile(path, list); err != nil {
			t.Fatal(err)
		}
		return path
	}
	array := func(name string, shape ...int) arrays.Array {
		n := 1
		for _, s := range shape {
			n *= s
		}
		return arrays.Float64(name, shape, make([]float64, n))
	}
	large := array("2.bias", 10)
	large.Float64s()[3] = 1e300
	if err := os.WriteFile(filepath.Join(dir, "text.npz"), []byte("no zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"every mismatch", write("a.npz", array("0.weight", 12, 63), array("0.bias", 12), array("2.bias", 3), array("4.bias", 1)), []string{
			`a.npz: array "0.weight" has shape [12 63]; the model needs [12 64]`, `a.npz: array "2.weight" is missing; the model needs it with shape [10 12]`,
			`a.npz: array "2.bias" has shape [3]; the model needs [10]`, `a.npz: array "4.bias" belongs to no layer of the model`}},
		{"not finite", write("b.safetensors", array("0.weight", 12, 64), arrays.Float64("0.bias", []int{12}, append(make([]float64, 11), math.NaN())), array("2.weight", 10, 12), large), []string{
			`array "0.bias" holds NaN at position 11, which is not finite in float32`, `array "2.bias" holds 1e+300 at position 3, which is not finite in float32`}},
		{"no file", filepath.Join(dir, "none.npz"), []string{"there is no such file as ", "none.npz; a relative path starts at the working directory"}},
		{"no path", strings.Repeat("x", 1<<20), []string{"(1048576 characters) is longer than any path"}},
		{"a folder", dir, []string{"is no regular file"}},
		{"damaged", filepath.Join(dir, "text.npz"), []string{"text.npz"}},
		{"another format", write0(t, filepath.Join(dir, "w.pt")), []string{"w.pt"}},
	} {
		_, err := problem.Open(parse(t, toy, "model="+withFile("{kind: mlp, hidden: [12]}", c.file)), options("").Data)
		var file *problem.FileError
		var wrong *config.Error
		if !errors.As(err, &file) || errors.As(err, &wrong) {
			t.Errorf("%s: %T %v", c.name, err, err)
			continue
		}
		for _, want := range append(c.want, "model.init.file: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: says\n%v\nwithout %s", c.name, err, want)
			}
		}
	}
	for set, want := range map[string]string{
		"model={kind: mlp, init: {}}":                                  "model.init: the key \"file\" is missing or empty",
		"model={kind: mlp, init: {file: \"\"}}":                        "model.init: the key \"file\" is missing or empty",
		"model={kind: mlp, init: {fle: w.npz}}":                        "did you mean \"file\"?",
		"model={kind: mlp, init: {file: 3}}":                           "model.init.file: expected",
		"model={kind: mlp, init: w.npz}":                               "unknown initializer \"w.npz\"",
		"model={kind: mlp, init: [w.npz]}":                             "model.init: expected",
		"model={kind: mlp, hidden: [0], init: {file: w.npz, seed: 1}}": "every layer needs a positive number of units",
		"model={init: {file: w.npz}}":                                  "the key \"kind\" is missing",
	} {
		_, err := config.Parse("toy.yaml", []byte(toy), []string{set})
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  says %v\n  want %s", set, err, want)
		}
	}
}

func write0(t *testing.T, path string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
