package optim

// A Sized spec says how many vectors of the length of the weights its optimizer
// keeps.
type Sized interface{ Vectors() int }

// VectorsOf returns how many vectors the optimizer of a spec keeps. One that does
// not say is taken to keep none.
func VectorsOf(s Spec) int {
	if sized, ok := s.(Sized); ok {
		return sized.Vectors()
	}
	return 0
}

// Vectors is 1 with momentum.
func (o SGD) Vectors() int {
	if o.Momentum > 0 {
		return 1
	}
	return 0
}

// Vectors is 2: means and squares.
func (o Adam) Vectors() int { return 2 }

// Vectors is that of Adam.
func (o AdamW) Vectors() int { return 2 }
