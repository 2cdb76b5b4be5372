package scores

import "testing"

// TestBest: settings are chosen by validation loss if there is one, else by
// train loss; those with runs that did not end well come last.
func TestBest(t *testing.T) {
	res := load(t, fake("A", 0, 0, "finished", 2, 1), fake("B", 1, 0, "finished", 2, 0.5), fake("C", 2, 0, "finished", 2, 0.1), fake("C", 2, 1, "diverged", 2))
	if Chooser(res) != "train_loss" {
		t.Errorf("chosen by %s", Chooser(res))
	}
	if i := BestOf(res.Series(), "train_loss"); i != 1 {
		t.Errorf("best %d", i)
	}
	if i := BestOf(res.Series()[2:], "train_loss"); i != 0 {
		t.Errorf("best %d", i)
	}
	if i := BestOf(load(t, fake("A", 0, 0, "diverged", 2, 1)).Series(), "train_loss"); i != -1 {
		t.Errorf("best %d", i)
	}
	res.Runs[0].Rows[0]["valid_loss"] = 1
	if Chooser(res) != "valid_loss" {
		t.Errorf("chosen by %s", Chooser(res))
	}
}
