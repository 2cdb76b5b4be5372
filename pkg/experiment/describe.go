package experiment

import (
	"fmt"
	"io"
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
		fmt.Fprintf(w, "note: %s\n", n)
	}

	if p.start != nil {
		fmt.Fprintf(w, "initial weights: %s (SHA-256 %s)\n\n", p.start.file, p.start.sum)
	}

	size := 4
	if c.Precision == "float64" {
		size = 8
	}
	m := c.Train.BatchSize
	adds, memory := p.Net.MultiplyAdds(), p.Net.Memory(m, size)
	rows := [][]string{{"layer", "kind", "output", "parameters", "multiply-adds/example", fmt.Sprintf("activations of %d", m)}}
	for _, r := range p.Net.Table() {
		path := r.Path
		if r.Nested {
			path = "  " + path
		}
		rows = append(rows, []string{path, r.Kind, r.Out.String(), fmt.Sprint(r.Params), fmt.Sprint(r.MultiplyAdds), byteSize(m * r.Bytes(size))})
	}
	rows = append(rows, []string{"total", "", "", fmt.Sprint(p.Net.NumParams()), fmt.Sprint(adds.Forward), byteSize(memory.Kept)})
	writeTable(w, rows, 3)

	perEpoch := p.Train.Len() / m
	unit := int64(m) * (adds.Forward + adds.VJP)
	fmt.Fprintf(w, "\nmini-batch of %d: forward and gradient are %.4g million multiply-adds (cost 1); the linearization keeps %s of activations, and takes %s for tangents\n",
		m, float64(unit)/1e6, byteSize(memory.Kept), byteSize(memory.Work))
	large := p.Net.Memory(evalChunk, size)
	fmt.Fprintf(w, "evaluation, %d examples at a time: %s\n", evalChunk, byteSize(large.Kept+large.Work))
	fmt.Fprintf(w, "one vector of %d parameters: %s\n", p.Net.NumParams(), byteSize(p.Net.NumParams()*size))
	if total := c.Train.total(perEpoch); total > 0 {
		_, err := fmt.Fprintf(w, "%d methods x %d seeds x %d steps (%d an epoch): %.4g million million multiply-adds if every step costs 1\n",
			len(c.Methods), len(c.Seeds), total, perEpoch, float64(len(c.Methods)*len(c.Seeds)*total)*float64(unit)/1e12)
		return err
	}
	_, err := fmt.Fprintf(w, "%d methods x %d seeds x %g seconds of training\n", len(c.Methods), len(c.Seeds), c.Train.Seconds)
	return err
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

// byteSize formats a size for people.
func byteSize(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
