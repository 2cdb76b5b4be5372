package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/tensor"
)

// TestTurn: steps on images and on a table are made and timed, with their arithmetic.
func TestTurn(t *testing.T) {
	for _, c := range []struct {
		data, loss string
		classes    int
	}{{"mnist", "logistic", 3}, {"diabetes", "squared", 0}} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		text := fmt.Sprintf("name: a\ndata: {name: %s}\nmodel: {kind: mlp, hidden: [4]}\nloss: {kind: %s}\ntrain: {batch_size: 5, epochs: 9}\n"+
			"methods: [{name: a, oracle: {kind: gauss_newton, inner_iterations: 1}, optimizer: {kind: sgd, learning_rate: 0.1}}]\n", c.data, c.loss)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		conf, err := config.Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := drawn(conf, tensor.Shape{C: 1, H: 2, W: 3}, c.classes, 50)
		if err != nil {
			t.Fatal(err)
		}
		s, first, err := open(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		answer, err := turn(s, 0.001)
		if err != nil {
			t.Fatal(err)
		}
		var ms, rate float64
		if _, err := fmt.Sscanf(answer, "MS %g %g", &ms, &rate); err != nil || ms <= 0 || rate <= 0 || first <= 0 {
			t.Errorf("%s: %q after %v: %v", c.loss, answer, first, err)
		}
	}
}

// TestMachine: the machine has a peak, and a distance of its cores where it has two.
func TestMachine(t *testing.T) {
	answer, err := machine(1)
	if err != nil {
		t.Fatal(err)
	}
	var trip, peak float64
	if _, err := fmt.Sscanf(answer, "NS %g %g", &trip, &peak); err != nil || trip < 0 || peak <= 0 {
		t.Errorf("%q: %v", answer, err)
	}
}
