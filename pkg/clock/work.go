package clock

import "time"

// Work is what products or factorisations of matrices took, of an oracle or of an optimizer.
type Work struct {
	MultiplyAdds int64
	Time         time.Duration
}

// Add adds o to w.
func (w *Work) Add(o Work) {
	w.MultiplyAdds += o.MultiplyAdds
	w.Time += o.Time
}

// Since adds multiply-adds that began at a time, and have ended.
func (w *Work) Since(began time.Time, adds int64) {
	w.MultiplyAdds += adds
	w.Time += time.Since(began)
}
