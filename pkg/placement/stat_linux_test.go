package placement

import "testing"

func TestParseStat(t *testing.T) {
	const text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 20 300 9999 50 6 7 8 4 1\ncpu1 200 0 0 9999 0 0 0 0 0 0\ncpu10 1 0 0 0 0 0 0 0 0 0\nintr 5\n"
	for _, c := range []struct {
		text string
		cpus []int
		want float64
		ok   bool
	}{
		{text, []int{0}, 4.41, true},
		{text, []int{0, 1}, 6.41, true},
		{text, []int{2}, 0, false},
		{"", []int{0}, 0, false},
		{"cpu0 1 2 x 4 5 6 7 8 9\n", []int{0}, 0, false},
		{"cpu0 0 0 0 0 0 0 0 0 0\n", []int{0}, 0, false}, // of a sandbox that tells nothing
	} {
		got, ok := parseStat(c.text, c.cpus)
		if ok != c.ok || ok && (got < c.want-1e-9 || got > c.want+1e-9) {
			t.Errorf("%q, %v: %g, %t", c.text, c.cpus, got, ok)
		}
	}
}
