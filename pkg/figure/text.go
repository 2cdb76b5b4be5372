package figure

// Texts returns all that a figure says, but for the numbers on its axes.
func (f Figure) Texts() (list []string) {
	for _, r := range f.Caption {
		list = append(list, r.Text)
	}
	for _, e := range f.Legend {
		list = append(list, e.Label)
	}
	for _, p := range f.Panels {
		list = append(list, p.Title, p.X.Label, p.Y.Label)
		for _, t := range p.X.Ticks {
			list = append(list, t.Label)
		}
		for _, c := range p.Curves {
			list = append(list, c.Notes...)
		}
		for _, h := range p.Histograms {
			list = append(list, h.Label)
		}
		for _, r := range p.Rows {
			list = append(list, r.Label)
		}
	}
	return list
}
