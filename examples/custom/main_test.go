package main

import (
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"custom": main})
}

// TestCommands runs the commands of docs/extending.md that are this program's, as they
// stand there.
func TestCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/extending.md"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(work, "examples")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"list": "  swish            x sigmoid(beta x)", "check": "activation: {kind: swish, beta: 1.5}", "run": "dual GN  1"}
	for line := range strings.Lines(string(page)) {
		text, ok := strings.CutPrefix(line, "go run ./examples/custom ")
		if !ok {
			continue
		}
		args := strings.Fields(text)
		cmd := exec.Command("custom", args...) // this test's binary under another name
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "HOME="+work, "XDG_CONFIG_HOME="+work)
		var out, log strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &log
		if err := cmd.Run(); err != nil || !strings.Contains(out.String(), want[args[0]]) {
			t.Errorf("%s%v\n%s%s", line, err, out.String(), log.String())
		}
		delete(want, args[0])
	}
	if len(want) > 0 {
		t.Errorf("the page does not show the commands with %v", want)
	}
}

// TestSwish compares the JVP of a network with differences, and with its VJP. Layers that
// are in a file of pkg/nn have a conformance suite there, which does this and more.
func TestSwish(t *testing.T) {
	const m, h = 4, 1e-5
	net, err := nn.NewNet(tensor.Shape{C: 3, H: 1, W: 1},
		nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: 5, Bias: true, Initializer: "auto"}},
		nn.LayerConfig{Kind: "swish", Layer: Swish{Beta: 1.5}},
		nn.LayerConfig{Kind: "dense", Layer: nn.Dense{Units: 2, Bias: true, Initializer: "auto"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		return v
	}
	w, d := net.Init(rng), normal(net.NumParams())
	x, alpha := tensor.View(m, 3, normal(m*3)), tensor.View(m, 2, normal(m*2))
	f := nn.NewLinearization[float64](net, m, nil)
	f.Linearize(w, x)

	u, g := tensor.New[float64](m, 2), make([]float64, net.NumParams())
	f.JVP(u, d)
	f.VJP(g, alpha)
	if a, b := tensor.Dot(nil, alpha.Flat(), u.Flat()), tensor.Dot(nil, g, d); math.Abs(a-b) > 1e-12 {
		t.Errorf("alpha·J d = %g, Jᵀ alpha·d = %g", a, b)
	}
	differences := tensor.New[float64](m, 2)
	copy(differences.Flat(), f.OutputsAt(h, d).Flat())
	tensor.Axpy(nil, -1, f.OutputsAt(-h, d).Flat(), differences.Flat())
	for i, v := range differences.Flat() {
		if got := u.Flat()[i]; math.Abs(got-v/(2*h)) > 1e-8 {
			t.Errorf("J d has %g, differences %g", got, v/(2*h))
		}
	}
}
