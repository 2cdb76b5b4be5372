package optim

import "testing"

// TestVectors: every optimizer keeps the vectors that it says. It knows none by name.
func TestVectors(t *testing.T) {
	for _, name := range Known.Names() {
		for i, trial := range Known.Entry(name).Trials {
			spec, err := trial()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := VectorsOf(spec), len(New[float64](spec, 3, nil).State().Vectors); got != want {
				t.Errorf("%s, trial %d: says %d, keeps %d", name, i, got, want)
			}
		}
	}
}
