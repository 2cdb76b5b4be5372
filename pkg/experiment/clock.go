package experiment

import "time"

// A clock adds up training time: it runs during batch assembly, the oracle,
// the step rule and the update, and stands still during evaluation and logs.
type clock struct {
	total time.Duration
	since time.Time
}

func (c *clock) start() { c.since = time.Now() }
func (c *clock) stop()  { c.total += time.Since(c.since) }

func (c *clock) seconds() float64 { return c.total.Seconds() }
