package slurm

import (
	"fmt"
	"strconv"
	"strings"
)

// A part is some elements of an array that are submitted together: their indices, which are
// below what the site allows, and the shard of index 0.
type part struct {
	offset  int
	indices []int
}

// maxRanges bounds the ranges of indices of a part, each of which takes up to 16 bytes: Linux lets
// an argument of a command have 128 KiB.
const maxRanges = 4096

// split parts shards, in their order, so that all indices are below limit and sbatch can be told
// of them.
func split(shards []int, limit int) (parts []part) {
	ranges := 0
	for i, s := range shards {
		offset := s / limit * limit
		if i == 0 || shards[i-1] != s-1 {
			ranges++
		}
		if len(parts) == 0 || parts[len(parts)-1].offset != offset || ranges > maxRanges {
			parts, ranges = append(parts, part{offset: offset}), 1
		}
		p := &parts[len(parts)-1]
		p.indices = append(p.indices, s-offset)
	}
	return parts
}

// spec is the value of --array: 0-3,7%2.
func (p part) spec(limit int) string {
	s := ranges(p.indices)
	if limit > 0 {
		s += "%" + strconv.Itoa(limit)
	}
	return s
}

// ranges writes numbers that grow: 0-3,7.
func ranges(numbers []int) string {
	var out []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i == j {
			out = append(out, strconv.Itoa(numbers[i]))
		} else {
			out = append(out, fmt.Sprintf("%d-%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(out, ",")
}
