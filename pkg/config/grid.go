package config

import (
	"iter"

	"github.com/dualgn/dgn/pkg/strict"
)

// An axis is a list of values that several keys take together. A key of a grid
// has an axis of its own, zipped keys share one, and so do random keys.
type axis struct {
	keys   []sweptKey
	points [][]strict.Value // by point, then by key
}

// A sweptKey is a key of the config, and where a sweep names it.
type sweptKey struct{ name, where string }

// An assignment is a value for a key.
type assignment struct {
	key   string
	value strict.Value
}

// points yields every combination of the axes' points, the last axis changing
// fastest. With no axes there is one, of nothing. The slice is only valid until
// the next one.
func points(axes []axis) iter.Seq[[]assignment] {
	return func(yield func([]assignment) bool) {
		for _, a := range axes {
			if len(a.points) == 0 {
				return
			}
		}
		at := make([]int, len(axes))
		var p []assignment
		for {
			p = p[:0]
			for i, a := range axes {
				for j, k := range a.keys {
					p = append(p, assignment{k.name, a.points[at[i]][j]})
				}
			}
			if !yield(p) {
				return
			}
			i := len(axes) - 1
			for ; i >= 0; i-- {
				if at[i]++; at[i] < len(axes[i].points) {
					break
				}
				at[i] = 0
			}
			if i < 0 {
				return
			}
		}
	}
}

// count returns the number of points, or limit+1 if there are more than limit.
func count(axes []axis, limit int) int {
	n := 1
	for _, a := range axes {
		if len(a.points) == 0 {
			return 0
		}
		n = min(n, limit+1) * len(a.points)
	}
	return min(n, limit+1)
}

// concerning returns the part of the axes that some keys have a share in:
// axes without such a key are left out, and points that differ in other keys
// only are made one.
func concerning(axes []axis, concerns func(key string) bool) []axis {
	var out []axis
	for _, a := range axes {
		var kept []int
		part := axis{}
		for j, k := range a.keys {
			if concerns(k.name) {
				kept = append(kept, j)
				part.keys = append(part.keys, k)
			}
		}
		switch len(kept) {
		case 0:
			continue
		case len(a.keys):
			out = append(out, a)
			continue
		}
		seen := map[string]bool{}
		for _, p := range a.points {
			var values []strict.Value
			text := ""
			for _, j := range kept {
				values = append(values, p[j])
				text += string(yamlText(p[j])) + "\n"
			}
			if !seen[text] {
				seen[text] = true
				part.points = append(part.points, values)
			}
		}
		out = append(out, part)
	}
	return out
}
