// Package clock measures training time: a [Clock] runs when it is told to, and stands
// still while a [Watch] finds that the process was stopped. [Work] is the part of it that
// matrices take.
package clock

import "time"

// A Clock adds up training time: it runs during batch assembly, the oracle,
// the line search and the update, and stands still during evaluation and logs, and
// while the process is stopped.
type Clock struct {
	Total time.Duration
	Watch *Watch // nil: stops are not looked for

	since time.Time
}

// Start lets the clock run.
func (c *Clock) Start() { c.since = time.Now() }

// Stop holds it.
func (c *Clock) Stop() {
	now := time.Now()
	c.Total += now.Sub(c.since)
	if c.Watch != nil {
		stopped, _ := c.Watch.During(c.since, now)
		c.Total -= stopped
	}
}

// Seconds is the time for which the clock ran.
func (c *Clock) Seconds() float64 { return c.Total.Seconds() }
