package report

import (
	"math"

	"github.com/dualgn/dgn/pkg/figure"
)

// binCount is the number of bins of a histogram.
const binCount = 30

// Bins are those of histograms on a linear or log axis.
type bins struct {
	x   figure.Range
	log bool
}

// ratio is that of the edges of a bin of a log axis.
func (b bins) ratio() float64 { return math.Pow(b.x.Hi/b.x.Lo, 1./binCount) }

// apart is the place of the bar of what lies below a log axis, at the left of
// the first bin and apart from it.
func (b bins) apart() (from, to float64) {
	r := b.ratio()
	return b.x.Lo / (r * r * r), b.x.Lo / (r * math.Sqrt(r))
}

// edges returns those of all bins.
func (b bins) edges() (edges []float64) {
	for i := range binCount + 1 {
		t := float64(i) / binCount
		if b.log {
			edges = append(edges, b.x.Lo*math.Pow(b.x.Hi/b.x.Lo, t))
		} else {
			edges = append(edges, b.x.Lo+(b.x.Hi-b.x.Lo)*t)
		}
	}
	return edges
}

// count returns the share of the weights in each bin, in percent, and of those
// that lie below a log axis.
func (b bins) count(w []float64) (share []float64, below float64) {
	share = make([]float64, binCount)
	for _, v := range w {
		t := (v - b.x.Lo) / (b.x.Hi - b.x.Lo)
		if b.log {
			t = math.Log(v/b.x.Lo) / math.Log(b.x.Hi/b.x.Lo)
		}
		if t < -1e-12 && b.log {
			below += 100 / float64(len(w))
		}
		if !(t >= -1e-12 && t <= 1+1e-12) {
			continue
		}
		share[min(max(int(t*binCount), 0), binCount-1)] += 100 / float64(len(w))
	}
	return share, below
}
