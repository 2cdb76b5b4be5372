package strict

import (
	"errors"
	"fmt"
	"strings"
)

// Complaints collects what is wrong in many places, each complaint once.
type Complaints struct {
	lines []string
	seen  map[string]bool
}

// MaxComplaints bounds what a user has to read.
const MaxComplaints = 20

// Add adds the lines of an error, if it is one.
func (c *Complaints) Add(err error) {
	if err == nil {
		return
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		if !c.seen[line] && len(c.lines) < MaxComplaints {
			c.lines = append(c.lines, line)
		}
		c.seen[line] = true
	}
}

// Err returns the complaints as one error, a line each, nil if there are none.
func (c *Complaints) Err() error {
	if c.lines == nil {
		return nil
	}
	text := strings.Join(c.lines, "\n")
	if more := len(c.seen) - len(c.lines); more > 0 {
		text += fmt.Sprintf("\n... and %d more", more)
	}
	return errors.New(text)
}

// FirstOf is the error itself, or the beginning of one of very many lines.
func FirstOf(err error) error {
	if strings.Count(err.Error(), "\n") < MaxComplaints {
		return err
	}
	var c Complaints
	c.Add(err)
	return c.Err()
}
