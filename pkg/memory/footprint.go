package memory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/size"
)

// A Footprint is an estimate of the memory that a piece of work takes.
type Footprint []Part

// A Part of a footprint.
type Part struct {
	Name  string
	Bytes int
}

// Total is the sum of the parts.
func (f Footprint) Total() int {
	n := 0
	for _, part := range f {
		n = size.Sum(n, part.Bytes)
	}
	return n
}

// String lists the largest parts.
func (f Footprint) String() string {
	parts := slices.Clone(f)
	slices.SortStableFunc(parts, func(a, b Part) int { return b.Bytes - a.Bytes })
	var texts []string
	for _, p := range parts[:min(len(parts), 3)] {
		texts = append(texts, fmt.Sprintf("%s %s", p.Name, size.Bytes(p.Bytes)))
	}
	return fmt.Sprintf("%s (%s)", size.Bytes(f.Total()), strings.Join(texts, ", "))
}
