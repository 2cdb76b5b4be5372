package train

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

// TestIdle: a line search that finds no step ten times in a row is told of, once.
func TestIdle(t *testing.T) {
	c := parse(t, toy, "seeds=[0]", "train={steps: 25, batch_size: 300}", "methods.SGD.optimizer.learning_rate=1e9", "methods.SGD.line_search={kind: grid, steps: 2}")
	out, _ := output(t)
	var log bytes.Buffer
	out.Checkpoints.Log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := (Training{Problem: opened(t, c), Method: &c.Methods[0], Threads: 1}).Run(context.Background(), out); err != nil {
		t.Fatal(err)
	}
	if said := log.String(); strings.Count(said, "found no step") != 1 || !strings.Contains(said, "steps 1 to 10: ") {
		t.Errorf("the log is %q", said)
	}
}
