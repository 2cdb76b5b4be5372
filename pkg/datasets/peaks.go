package datasets

import (
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

func init() {
	registry.Add(&Known, registry.Info{
		Name:      "peaks",
		Doc:       "points in the square [-3, 3]^2 and a smooth function of them with three hills and three hollows (no files, regression)",
		Reference: "MathWorks, the function peaks of MATLAB",
	}, Peaks{Examples: 1000, Noise: 0.05}, newPeaks, Peaks{Examples: 40, Seed: 7})
}

// Peaks are points drawn uniformly from [-3, 3]², and the values there of
//
//	3(1-x)² exp(-x² - (y+1)²) - 10(x/5 - x³ - y⁵) exp(-x² - y²) - exp(-(x+1)² - y²)/3
//
// plus normal noise, all by the seed. The set has no test part of its own.
type Peaks struct {
	Examples int     `yaml:"examples" doc:"number of points, those held out included"`
	Noise    float64 `yaml:"noise" doc:"standard deviation of what is added to each value; the values themselves have 1.9"`
	Seed     uint64  `yaml:"seed" doc:"chance of points and noise"`
}

var _ Source = Peaks{}

const (
	minPeaks = 10
	maxPeaks = 10_000_000
)

func newPeaks(s Peaks) (Source, error) {
	switch {
	case s.Examples < minPeaks || s.Examples > maxPeaks:
		return nil, strict.Field("examples", "must be from %d to %d, got %d", minPeaks, maxPeaks, s.Examples)
	case !(s.Noise >= 0) || s.Noise > 1e6:
		return nil, strict.Field("noise", "must be from 0 to 1e6, got %g", s.Noise)
	}
	return s, nil
}

func (s Peaks) Describe() Description {
	return Description{Shape: tensor.Shape{C: 2, H: 1, W: 1}, Targets: 1, Train: s.Examples, Embedded: true, Licence: "none (a formula)"}
}

// Random streams of the set. Noise has its own, so that it moves no point.
const (
	streamPeaks = iota + 1
	streamPeaksNoise
)

// Open draws the points.
func (s Peaks) Open(Env, Encoding) (*Raw, error) {
	e := &Examples{Shape: tensor.Shape{C: 2, H: 1, W: 1}, K: 1}
	points, noise := rand.New(rand.NewPCG(s.Seed, streamPeaks)), rand.New(rand.NewPCG(s.Seed, streamPeaksNoise))
	for range s.Examples {
		x, y := onGrid(6*points.Float64()-3), onGrid(6*points.Float64()-3)
		e.Values = append(e.Values, x, y)
		e.Targets = append(e.Targets, onGrid(peaks(x, y)+s.Noise*noise.NormFloat64()))
	}
	raw := newRaw()
	raw.Train = e
	raw.Reading["peaks"] = "1" // the formula and its streams, in place of the checksum of a file
	return raw, nil
}

// peaks is the function of MATLAB.
func peaks(x, y float64) float64 {
	return 3*(1-x)*(1-x)*math.Exp(-x*x-(y+1)*(y+1)) -
		10*(x/5-x*x*x-math.Pow(y, 5))*math.Exp(-x*x-y*y) -
		math.Exp(-(x+1)*(x+1)-y*y)/3
}

// onGrid rounds to a multiple of 2^-24: the last bits of exp and of fused products differ
// from machine to machine, and none of them is left.
func onGrid(v float64) float64 { return math.Round(v*(1<<24)) / (1 << 24) }
