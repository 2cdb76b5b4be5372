package memory

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestPeak: what was given back before a reset is in the peak before it, and not in that
// after it.
func TestPeak(t *testing.T) {
	if runtime.GOOS != "linux" {
		if _, ok := Peak(); ok || ResetPeak() {
			t.Error("a peak is told where none is known")
		}
		return
	}
	if !ResetPeak() {
		t.Fatal("/proc/self/clear_refs cannot be written: dgn bench has no peaks here")
	}
	const large = 64 << 20
	before, ok := Peak()
	if !ok || before <= 0 {
		t.Fatal(before, ok)
	}
	touched := make([]byte, large)
	for i := range touched {
		touched[i] = 1
	}
	runtime.KeepAlive(touched)
	with, _ := Peak()
	if with < before+large*9/10 {
		t.Errorf("the peak is %d bytes, %d before %d more were used", with, before, large)
	}
	touched = nil
	debug.FreeOSMemory()
	if !ResetPeak() {
		t.Fatal("the second reset failed")
	}
	if after, _ := Peak(); after > with-large/2 {
		t.Errorf("the peak is %d bytes, %d while %d more were used", after, with, large)
	}
}
