package problem

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/size"
)

// Describe prints the data, a table of the layers, and estimates of memory and
// work.
func (p *Problem) Describe(w io.Writer) error {
	c := p.Config
	valid := ""
	if p.Valid != nil {
		valid = fmt.Sprintf(", %d to validate", p.Valid.Len())
	}
	fmt.Fprintf(w, "data: %s, examples of shape %s; %d to train%s, %d to test; %d outputs\n\n",
		c.Data.Name, p.Shape, p.Train.Len(), valid, p.Test.Len(), p.Outputs)
	for _, n := range append(p.Notes, p.Choices...) {
		kind := "note"
		if slices.Contains(p.Doubts, n) {
			kind = "warning"
		}
		fmt.Fprintf(w, "%s: %s\n", kind, n)
	}

	if p.Start != nil {
		fmt.Fprintf(w, "initial weights: %s (SHA-256 %s)\n\n", p.Start.File, p.Start.Sum)
	}

	value := c.ValueSize()
	m := c.Train.BatchSize
	adds, memory := p.Net.MultiplyAdds(), p.Net.Memory(m, value)
	rows := [][]string{{"layer", "kind", "output", "parameters", "multiply-adds/example", fmt.Sprintf("activations of %d", m)}}
	for _, r := range p.Net.Table() {
		path := r.Path
		if r.Nested {
			path = "  " + path
		}
		rows = append(rows, []string{path, r.Kind, r.Out.String(), fmt.Sprint(r.Params), fmt.Sprint(r.MultiplyAdds), size.Bytes(size.Product(m, r.Bytes(value)))})
	}
	rows = append(rows, []string{"total", "", "", fmt.Sprint(p.Net.NumParams()), fmt.Sprint(adds.Forward), size.Bytes(memory.Kept)})
	writeTable(w, rows, 3)

	perEpoch := p.Train.Len() / m
	unit := float64(m) * (float64(adds.Forward) + float64(adds.VJP))
	fmt.Fprintf(w, "\nmini-batch of %d: forward and gradient are %.4g million multiply-adds (cost 1); the linearization keeps %s of activations, and takes %s for tangents\n",
		m, unit/1e6, size.Bytes(memory.Kept), size.Bytes(memory.Work))
	large := p.Net.Memory(EvalChunk, value)
	fmt.Fprintf(w, "evaluation, %d examples at a time: %s\n", EvalChunk, size.Bytes(size.Sum(large.Kept, large.Work)))
	fmt.Fprintf(w, "one vector of %d parameters: %s\n", p.Net.NumParams(), size.Bytes(size.Product(p.Net.NumParams(), value)))
	fmt.Fprintf(w, "memory: the data take %s, and each run about\n", size.Bytes(p.Bytes()))
	for i := range c.Methods {
		fmt.Fprintf(w, "  %s: %s\n", c.Methods[i].Name, p.of(i).Footprint(&c.Methods[i], 1))
	}
	return p.describeLengths(w, perEpoch, unit)
}

// describeLengths prints how long runs are, of all methods or, where some have lengths
// of their own, of each.
func (p *Problem) describeLengths(w io.Writer, perEpoch int, unit float64) error {
	c := p.Config
	if !slices.ContainsFunc(c.Methods, func(m config.Method) bool { return m.Train != nil }) {
		if total := c.Train.Total(perEpoch); total > 0 {
			_, err := fmt.Fprintf(w, "%d methods x %d seeds x %d steps (%d an epoch): %.4g million million multiply-adds if every step costs 1\n",
				len(c.Methods), len(c.Seeds), total, perEpoch, float64(len(c.Methods))*float64(len(c.Seeds))*float64(total)*unit/1e12)
			return err
		}
		_, err := fmt.Fprintf(w, "%d methods x %d seeds x %s of training\n", len(c.Methods), len(c.Seeds), limits(c.Train, perEpoch))
		return err
	}
	for i, m := range c.Methods {
		t := c.Of(i).Train
		if _, err := fmt.Fprintf(w, "%s: %d seeds x %s of training, in mini-batches of %d\n", m.Name, len(c.Seeds), limits(t, p.Train.Len()/t.BatchSize), t.BatchSize); err != nil {
			return err
		}
	}
	return nil
}

// limits says how long a run is.
func limits(t config.Train, perEpoch int) string {
	var parts []string
	if total := t.Total(perEpoch); total > 0 {
		parts = append(parts, fmt.Sprintf("%d steps", total))
	}
	if t.Cost > 0 {
		parts = append(parts, fmt.Sprintf("cost %g", t.Cost))
	}
	if t.Seconds > 0 {
		parts = append(parts, fmt.Sprintf("%g seconds", t.Seconds))
	}
	return strings.Join(parts, " or ")
}

// writeTable writes rows of cells in columns: the first so many flush left,
// the others flush right.
func writeTable(w io.Writer, rows [][]string, left int) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, r := range rows {
		for i, cell := range r {
			if i < left {
				fmt.Fprintf(w, "%-*s", width[i], cell)
			} else {
				fmt.Fprintf(w, "%*s", width[i], cell)
			}
			if i < len(r)-1 {
				fmt.Fprint(w, "  ")
			}
		}
		fmt.Fprintln(w)
	}
}
