package checkpoint

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dualgn/dgn/pkg/arrays"
	"github.com/dualgn/dgn/pkg/clock"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/oracles"
)

// decode reads the bytes of a file.
func decode(data []byte) (*Checkpoint, error) {
	return Parse(bytes.NewReader(data), int64(len(data)))
}

// sample is a checkpoint with something in every field.
func sample() *Checkpoint {
	return &Checkpoint{
		Position{
			Number: 3, Origin: Origin{Identity: "id", Version: "v1", Commit: "c", Executable: "e", ISA: "avx2/amd64"}, Step: 12, Evaluated: 6,
			Clock: 3 * time.Second, Before: config.Moment{Step: 11, Cost: 1.5, Seconds: 0.25, Used: 0.1}, Stops: clock.Stops{Number: 2, Time: time.Minute}, Counters: oracles.Counters{Forwards: 1, JVPs: 2, VJPs: 3, GramProducts: 4, MultiplyAdds: 1 << 60},
			GradientSteps: 5, Fallbacks: 5, OptimizerSteps: 12, Logs: map[string]int64{"metrics.csv": 7, "steps.csv": 1 << 40}, LogSums: map[string]string{"metrics.csv": "ab"},
		},
		[]arrays.Array{
			arrays.Floats("weights", []int{3}, []float32{1, float32(math.Inf(1)), 1e-45}),
			arrays.Floats("oracle.gamma", []int{2}, []float64{math.Pi, math.NaN()}), arrays.Floats("oracle.duals", []int{0}, []float64{}),
		},
	}
}

func encoded(t testing.TB, c *Checkpoint) []byte {
	t.Helper()
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCheckpointFile: what is written is read, and every field of a position is.
func TestCheckpointFile(t *testing.T) {
	want := sample()
	data := encoded(t, want)
	got, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for v, i := reflect.ValueOf(want.Position), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the sample has no %s", v.Type().Field(i).Name)
		}
	}
	if !reflect.DeepEqual(got.Position, want.Position) {
		t.Errorf("wrote %+v, read %+v", want.Position, got.Position)
	}
	for i, a := range want.Arrays {
		b := got.Arrays[i]
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
			if _, err := decode(bad); err == nil {
				t.Fatalf("byte %d of %d may be %q in place of %q", i, len(data), bad[i], data[i])
			}
		}
		if _, err := decode(data[:i]); err == nil {
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
		if _, err := decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q\n  says %v\n  want %s", c.data, err, c.want)
		}
	}
}

// sealed returns a file whose checksum is right, whatever it holds.
func sealed(body string) []byte {
	return []byte(magic + checksum([]byte(body)) + body)
}

// sparse writes a file that goes on with zeros to a length.
func sparse(t *testing.T, path string, start []byte, length int64) string {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, start, 0o644), os.Truncate(path, length)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLargeCheckpoint: a checkpoint of 4 GB is refused in no time and memory.
func TestLargeCheckpoint(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, c := range map[string]struct{ start, want string }{
		"checkpoint.0": {"", `it does not start with "dgn checkpoint 1"`},
		"checkpoint.1": {string(encoded(t, sample())), "bytes at the end belong to no array"},
		"checkpoint.2": {magic + strings.Repeat("0", checksumLine-1) + "\n", "it has no arrays"},
	} {
		if _, err := read(sparse(t, filepath.Join(dir, name), []byte(c.start), 1<<32)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: says %v, want %s", name, err, c.want)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 || time.Since(began) > 2*time.Second {
		t.Errorf("takes %d MiB and %v", n>>20, time.Since(began))
	}
}
