package experiment

import (
	"bytes"
	"context"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/oracles"
)

// decodeCheckpoint reads the bytes of a file.
func decodeCheckpoint(data []byte) (*checkpoint, error) {
	return parseCheckpoint(bytes.NewReader(data), int64(len(data)))
}

// sample is a checkpoint with something in every field.
func sample() *checkpoint {
	return &checkpoint{
		position{
			Number: 3, origin: origin{Identity: "id", Version: "v1", Commit: "c", Executable: "e", ISA: "avx2/amd64"}, Step: 12, Evaluated: 6,
			Clock: 3 * time.Second, Stops: stops{2, time.Minute}, Counters: oracles.Counters{Forwards: 1, JVPs: 2, VJPs: 3, GramProducts: 4, MultiplyAdds: 1 << 60},
			GradientSteps: 5, OptimizerSteps: 12, Logs: map[string]int64{"metrics.csv": 7, "steps.csv": 1 << 40}, LogSums: map[string]string{"metrics.csv": "ab"},
		},
		[]arrays.Array{
			stateArray("weights", []float32{1, float32(math.Inf(1)), 1e-45}),
			stateArray("oracle.gamma", []float64{math.Pi, math.NaN()}), stateArray("oracle.duals", []float64{}),
		},
	}
}

func encoded(t testing.TB, c *checkpoint) []byte {
	t.Helper()
	b, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCheckpointFile: what is written is read, and every field of a position is.
func TestCheckpointFile(t *testing.T) {
	want := sample()
	data := encoded(t, want)
	got, err := decodeCheckpoint(data)
	if err != nil {
		t.Fatal(err)
	}
	for v, i := reflect.ValueOf(want.position), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the sample has no %s", v.Type().Field(i).Name)
		}
	}
	if !reflect.DeepEqual(got.position, want.position) {
		t.Errorf("wrote %+v, read %+v", want.position, got.position)
	}
	for i, a := range want.arrays {
		b := got.arrays[i]
		x, y := a.Float64s(), b.Float64s()
		if a.Name != b.Name || len(x) != len(y) {
			t.Fatalf("wrote array %s of %d, read %s of %d", a.Name, len(x), b.Name, len(y))
		}
		for j := range x {
			if math.Float64bits(x[j]) != math.Float64bits(y[j]) {
				t.Errorf("%s[%d]: wrote %x, read %x", a.Name, j, x[j], y[j])
			}
		}
	}
	if lines := strings.SplitN(string(data), "\n", 4); len(lines) != 4 || lines[0] != "dgn checkpoint 1" || len(lines[1]) != 64 || !strings.HasPrefix(lines[2], `{"number":3,`) {
		t.Errorf("the file starts\n%.300q", data)
	}
}

// TestDamagedCheckpoint: a change of any byte, a cut anywhere and anything more
// at the end is an error.
func TestDamagedCheckpoint(t *testing.T) {
	data := encoded(t, sample())
	for i := range data {
		for _, flip := range []byte{1, 0x80} {
			bad := bytes.Clone(data)
			bad[i] ^= flip
			if _, err := decodeCheckpoint(bad); err == nil {
				t.Fatalf("byte %d of %d may be %q in place of %q", i, len(data), bad[i], data[i])
			}
		}
		if _, err := decodeCheckpoint(data[:i]); err == nil {
			t.Fatalf("%d of %d bytes are enough", i, len(data))
		}
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{append(bytes.Clone(data), 0), "its checksum is wrong"},
		{data[:len(data)-1], "its checksum is wrong"},
		{data[:30], "it is cut short"},
		{nil, `it does not start with "dgn checkpoint 1"`},
		{[]byte("dgn checkpoint 2\n"), `it starts with "dgn checkpoint 2", of another version of dgn; this one reads "dgn checkpoint 1"`},
		{sealed("{}"), "it has no arrays"},
		{sealed("[]\n"), "its third line: json: cannot unmarshal array"},
		{sealed(`{"number": 1, "mode": 2}` + "\n"), `its third line: json: unknown field "mode"`},
		{sealed(`{"number": 1} {}` + "\n"), "goes on after the JSON object"},
		{sealed("{}\n"), "number 0, step 0, evaluated 0"},
		{sealed(`{"number": 1, "step": 3, "evaluated": 4}` + "\n"), "are not those of a run"},
		{sealed(`{"number": 1}` + "\n"), "not a .safetensors file"},
	} {
		if _, err := decodeCheckpoint(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q\n  says %v\n  want %s", c.data, err, c.want)
		}
	}
}

// sealed returns a file whose checksum is right, whatever it holds.
func sealed(body string) []byte {
	return []byte(checkpointMagic + checksum([]byte(body)) + body)
}

// unloggedTrainer is a trainer of the first method that writes no logs.
func unloggedTrainer(c *Config, p *Problem) *trainer[float32] {
	tr := newTrainer[float32](c, &c.Methods[0], 0, p.Problem, p.Net, nil)
	tr.logs = &logs{}
	return tr
}

// statefulTrainer is one whose checkpoint has an array of every kind.
func statefulTrainer(t testing.TB) *trainer[float32] {
	t.Helper()
	c, err := Parse("toy.yaml", []byte(toy), []string{"methods.SGD.optimizer=adam", "methods.SGD.line_search=armijo",
		"methods.SGD.oracle={kind: gauss_newton, inner_iterations: 2, warm_start: true, gamma: {levenberg_marquardt: {}}}"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(c, options("").Data)
	if err != nil {
		t.Fatal(err)
	}
	tr := unloggedTrainer(c, p)
	tr.advance()
	tr.step++
	return tr
}

// TestRestore: the arrays of a checkpoint come back, and what does not fit is an
// error that names it.
func TestRestore(t *testing.T) {
	tr := statefulTrainer(t)
	c := tr.checkpoint()
	if len(c.arrays) != 6 { // weights, mean, square, step size, gamma, duals
		t.Errorf("%d arrays", len(c.arrays))
	}
	c.Number = 1
	file := encoded(t, c)
	read := func() *checkpoint {
		c, err := decodeCheckpoint(file)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	fresh := func() *trainer[float32] {
		f := statefulTrainer(t)
		f.bind()
		return f
	}
	f := fresh()
	if err := f.restore(read()); err != nil {
		t.Fatal(err)
	}
	if again := f.checkpoint(); !bytes.Equal(encoded(t, &checkpoint{position{Number: 1, Step: 1}, again.arrays}), encoded(t, &checkpoint{position{Number: 1, Step: 1}, c.arrays})) {
		t.Error("the arrays come back changed")
	}
	for i, a := range read().arrays {
		for _, change := range []struct {
			what string
			make func(*checkpoint)
		}{
			{"dropped", func(c *checkpoint) { c.arrays = append(c.arrays[:i:i], c.arrays[i+1:]...) }},
			{"renamed", func(c *checkpoint) { c.arrays[i].Name += "x" }},
			{"longer by one", func(c *checkpoint) { c.arrays[i] = stateArray(a.Name, append(a.Float64s(), 1)) }},
		} {
			c := read()
			change.make(c)
			if err := fresh().restore(c); err == nil || !strings.HasPrefix(err.Error(), "the checkpoint does not fit: ") {
				t.Errorf("%s %s: %v", a.Name, change.what, err)
			}
		}
	}
	c = read()
	c.arrays = append(c.arrays, stateArray("more", []float64{1}))
	if err := fresh().restore(c); err == nil || !strings.Contains(err.Error(), "more") {
		t.Errorf("an array too many: %v", err)
	}
}

// FuzzCheckpoint: any bytes, with a wrong checksum or a right one, are read and
// restored or are an error.
func FuzzCheckpoint(f *testing.F) {
	tr := statefulTrainer(f)
	c := tr.checkpoint()
	c.Number = 1
	for _, data := range [][]byte{encoded(f, c), encoded(f, sample()), []byte(checkpointMagic), nil} {
		f.Add(data, false)
		if len(data) > len(checkpointMagic)+checksumLine {
			f.Add(data[len(checkpointMagic)+checksumLine:], true)
		}
	}
	f.Add([]byte(`{"number":1}`+"\n\x02\x00\x00\x00\x00\x00\x00\x00{}"), true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			data = sealed(string(data))
		}
		c, err := decodeCheckpoint(data)
		if err != nil {
			return
		}
		again, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeCheckpoint(again); err != nil {
			t.Fatalf("what was read is written as what is not: %v", err)
		}
		tr.bind()
		if tr.restore(c) == nil {
			tr.checkpoint()
		}
	})
}

// TestCheckpointIsNoSetting: when checkpoints are written does not make another
// run.
func TestCheckpointIsNoSetting(t *testing.T) {
	c := parse(t, toy, "checkpoint.every=3")
	if c.Checkpoint.Every.Steps != 3 || parse(t, toy).Checkpoint.Every.Steps != 0 {
		t.Errorf("%+v", c.Checkpoint)
	}
	opt := options(t.TempDir())
	run(t, parse(t, toy, "seeds=[0]"), opt)
	if r, err := Run(context.Background(), parse(t, toy, "seeds=[0]", "checkpoint.every=3"), opt); err != nil || r.Made != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestShortLineSearch: a checkpoint of a version whose line search remembered one
// step length restores it, and leaves the other as a new run has it.
func TestShortLineSearch(t *testing.T) {
	c := parse(t, toy, "methods.SGD.line_search={kind: armijo, initial: 0.5}")
	p, err := Open(c, options("").Data)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *trainer[float32] { return unloggedTrainer(c, p) }
	old := fresh().checkpoint()
	for i, a := range old.arrays {
		if a.Name == arrayLineSearch {
			old.arrays[i] = stateArray(arrayLineSearch, []float64{0.125})
		}
	}
	tr := fresh()
	if err := tr.restore(old); err != nil {
		t.Fatal(err)
	}
	if s := tr.lineSearch.State(); *s[0] != 0.125 || *s[1] != 0.5 {
		t.Errorf("restored %g and %g", *s[0], *s[1])
	}
	for i, a := range old.arrays {
		if a.Name == arrayLineSearch {
			old.arrays[i] = stateArray(arrayLineSearch, []float64{1, 2, 3})
		}
	}
	if err := fresh().restore(old); err == nil || !strings.Contains(err.Error(), `"step_rule" has 3 numbers, not 2`) {
		t.Errorf("with three: %v", err)
	}
}
