//go:build noasm || !amd64

package kernel

var (
	taps32 = [...]*tapsSet[float32]{Go: nil}
	taps64 = [...]*tapsSet[float64]{Go: nil}
)
