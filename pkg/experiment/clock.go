package experiment

import "time"

// A clock adds up training time: it runs during batch assembly, the oracle,
// the line search and the update, and stands still during evaluation and logs, and
// while the process is stopped.
type clock struct {
	total time.Duration
	since time.Time
	stops *stopWatch // nil: stops are not looked for
}

func (c *clock) start() { c.since = time.Now() }

func (c *clock) stop() {
	now := time.Now()
	c.total += now.Sub(c.since)
	if c.stops != nil {
		stopped, _ := c.stops.during(c.since, now)
		c.total -= stopped
	}
}

func (c *clock) seconds() float64 { return c.total.Seconds() }
