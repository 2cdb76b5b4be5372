package train

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/checkpoint"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/runlog"
)

func decode(data []byte) (*checkpoint.Checkpoint, error) {
	return checkpoint.Parse(bytes.NewReader(data), int64(len(data)))
}

func encoded(t testing.TB, c *checkpoint.Checkpoint) []byte {
	t.Helper()
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start is the length of the first two lines of a file.
const start = len("dgn checkpoint 1\n") + 2*sha256.Size + 1

// sealed returns a file whose checksum is right, whatever it holds.
func sealed(body string) []byte {
	return fmt.Appendf(nil, "dgn checkpoint 1\n%x\n%s", sha256.Sum256([]byte(body)), body)
}

// unloggedTrainer is a trainer of the first method that writes no logs.
func unloggedTrainer(c *config.Config, p *problem.Problem) *trainer[float32] {
	tr := newTrainer[float32](Training{Problem: p, Method: &c.Methods[0]}, nil)
	tr.out.Log = &runlog.Writer{}
	return tr
}

// statefulTrainer is one whose checkpoint has an array of every kind.
func statefulTrainer(t testing.TB) *trainer[float32] {
	t.Helper()
	c := parse(t, toy, "methods.SGD.optimizer=adam", "methods.SGD.line_search=armijo",
		"methods.SGD.oracle={kind: gauss_newton, inner_iterations: 2, warm_start: true, gamma: {levenberg_marquardt: {}}}")
	p := opened(t, c)
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
	if len(c.Arrays) != 6 { // weights, mean, square, step size, gamma, duals
		t.Errorf("%d arrays", len(c.Arrays))
	}
	c.Number = 1
	file := encoded(t, c)
	read := func() *checkpoint.Checkpoint {
		c, err := decode(file)
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
	if again := f.checkpoint(); !bytes.Equal(encoded(t, &checkpoint.Checkpoint{Position: checkpoint.Position{Number: 1, Step: 1}, Arrays: again.Arrays}), encoded(t, &checkpoint.Checkpoint{Position: checkpoint.Position{Number: 1, Step: 1}, Arrays: c.Arrays})) {
		t.Error("the arrays come back changed")
	}
	for i, a := range read().Arrays {
		for _, change := range []struct {
			what string
			make func(*checkpoint.Checkpoint)
		}{
			{"dropped", func(c *checkpoint.Checkpoint) { c.Arrays = append(c.Arrays[:i:i], c.Arrays[i+1:]...) }},
			{"renamed", func(c *checkpoint.Checkpoint) { c.Arrays[i].Name += "x" }},
			{"longer by one", func(c *checkpoint.Checkpoint) { c.Arrays[i] = stateArray(a.Name, append(a.Float64s(), 1)) }},
		} {
			c := read()
			change.make(c)
			if err := fresh().restore(c); err == nil || !strings.HasPrefix(err.Error(), "the checkpoint does not fit: ") {
				t.Errorf("%s %s: %v", a.Name, change.what, err)
			}
		}
	}
	c = read()
	c.Arrays = append(c.Arrays, stateArray("more", []float64{1}))
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
	for _, data := range [][]byte{encoded(f, c), []byte("dgn checkpoint 1\n"), nil} {
		f.Add(data, false)
		if len(data) > start {
			f.Add(data[start:], true)
		}
	}
	f.Add([]byte(`{"number":1}`+"\n\x02\x00\x00\x00\x00\x00\x00\x00{}"), true)
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			data = sealed(string(data))
		}
		c, err := decode(data)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(again); err != nil {
			t.Fatalf("what was read is written as what is not: %v", err)
		}
		tr.bind()
		if tr.restore(c) == nil {
			tr.checkpoint()
		}
	})
}

// TestShortLineSearch: a checkpoint of a version whose line search remembered one
// step length restores it, and leaves the other as a new run has it.
func TestShortLineSearch(t *testing.T) {
	c := parse(t, toy, "methods.SGD.line_search={kind: armijo, initial: 0.5}")
	p := opened(t, c)
	fresh := func() *trainer[float32] { return unloggedTrainer(c, p) }
	old := fresh().checkpoint()
	for i, a := range old.Arrays {
		if a.Name == arrayLineSearch {
			old.Arrays[i] = stateArray(arrayLineSearch, []float64{0.125})
		}
	}
	tr := fresh()
	if err := tr.restore(old); err != nil {
		t.Fatal(err)
	}
	if s := tr.lineSearch.State(); *s[0] != 0.125 || *s[1] != 0.5 {
		t.Errorf("restored %g and %g", *s[0], *s[1])
	}
	for i, a := range old.Arrays {
		if a.Name == arrayLineSearch {
			old.Arrays[i] = stateArray(arrayLineSearch, []float64{1, 2, 3})
		}
	}
	if err := fresh().restore(old); err == nil || !strings.Contains(err.Error(), `"step_rule" has 3 numbers, not 2`) {
		t.Errorf("with three: %v", err)
	}
}
