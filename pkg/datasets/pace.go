package datasets

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dualgn/dgn/pkg/diskfile"
)

// A pace is how slow a server may be: stand still for some time, and send less
// than some bytes per second on the average of a window.
type pace struct {
	stall, window time.Duration
	rate          int64
}

var usualPace = pace{stall: 30 * time.Second, window: time.Minute, rate: 1 << 10}

// watch calls cancel when too little has arrived, until it is stopped.
func (p pace) watch(cancel func(error)) (arrived func([]byte), stop func()) {
	if p == (pace{}) {
		p = usualPace
	}
	var n atomic.Int64 // bytes in the window at hand
	idle := time.AfterFunc(p.stall, func() { cancel(fmt.Errorf("no data for %v", p.stall)) })
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(p.window)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if float64(n.Swap(0)) < float64(p.rate)*p.window.Seconds() {
					cancel(fmt.Errorf("less than %s/s for %v", diskfile.Size(p.rate), p.window))
				}
			}
		}
	}()
	return func(b []byte) {
			n.Add(int64(len(b)))
			idle.Reset(p.stall)
		}, func() {
			idle.Stop()
			close(done)
		}
}
