package experiment

import (
	"fmt"
	"io"
	"text/tabwriter"
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

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "layer\tkind\toutput\tparameters\tmultiply-adds/example\tkept values/example\t")
	kept := 0
	for i, r := range p.Net.Table() {
		fmt.Fprintf(t, "%d\t%s\t%s\t%d\t%d\t%d\t\n", i, r.Kind, r.Out, r.Params, r.MultiplyAdds, r.Kept)
		kept += r.Kept
	}
	adds := p.Net.MultiplyAdds()
	fmt.Fprintf(t, "\t\ttotal\t%d\t%d\t%d\t\n", p.Net.NumParams(), adds.Forward, kept)
	if err := t.Flush(); err != nil {
		return err
	}

	size := 4
	if c.Precision == "float64" {
		size = 8
	}
	m := c.Train.BatchSize
	perEpoch := p.Train.Len() / m
	unit := int64(m) * (adds.Forward + adds.VJP)
	fmt.Fprintf(w, "\nmini-batch of %d: forward and gradient are %.4g million multiply-adds (cost 1); activations kept %s\n",
		m, float64(unit)/1e6, byteSize(m*kept*size))
	fmt.Fprintf(w, "one vector of %d parameters: %s\n", p.Net.NumParams(), byteSize(p.Net.NumParams()*size))
	if total := c.Train.total(perEpoch); total > 0 {
		_, err := fmt.Fprintf(w, "%d methods x %d seeds x %d steps (%d an epoch): %.4g million million multiply-adds if every step costs 1\n",
			len(c.Methods), len(c.Seeds), total, perEpoch, float64(len(c.Methods)*len(c.Seeds)*total)*float64(unit)/1e12)
		return err
	}
	_, err := fmt.Fprintf(w, "%d methods x %d seeds x %g seconds of training\n", len(c.Methods), len(c.Seeds), c.Train.Seconds)
	return err
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
