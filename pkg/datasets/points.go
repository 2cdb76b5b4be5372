package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/nn"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Random streams of the points, from the seed of a run.
const (
	streamPoints = iota + 16 // plus the round of resampling in the upper half
	streamValidPoints
	streamTestPoints
)

// A drawing holds the points of one run.
type drawing struct {
	set                EquationSet
	domain             Domain
	seed               uint64
	round              int // that the points to train on are of
	train, valid, test *Split

	source *rand.PCG
	rng    *rand.Rand
	work   []float64
}

// newDrawing draws the points of a seed.
func newDrawing(s EquationSet, seed uint64) *drawing {
	d := &drawing{set: s, domain: s.Domain(), seed: seed, source: rand.NewPCG(0, 0), work: make([]float64, s.Jet().Streams())}
	d.rng = rand.New(d.source)
	d.train, d.valid, d.test = d.room(s.Train()), d.room(s.Points.Valid), d.room(s.Points.Test)
	omega := make([]float64, s.Train())
	s.Omega(omega, s.part)
	d.train.from.Omega = omega
	d.drawTrain(0)
	d.drawKnown(d.valid, streamValidPoints)
	d.drawKnown(d.test, streamTestPoints)
	return d
}

// finite returns an error about a right-hand side or a solution that is no number at a point.
func (d *drawing) finite() error {
	for _, s := range []*Split{d.train, d.valid, d.test} {
		for i, v := range s.targets.Data {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				continue
			}
			p := s.point(i)
			x, what := p[:len(p)-1], "solution"
			if p[len(x)] == nn.Interior {
				what = "right-hand side"
			}
			return fmt.Errorf("the equation's %s is %g at the point %.4g; it must be a finite number wherever points are drawn, inside the box from %v to %v and on its faces", what, v, x, d.domain.Low, d.domain.High)
		}
	}
	return nil
}

// part is that of a point to train on: those inside come first.
func (s EquationSet) part(i int) int {
	if i < s.Points.Interior {
		return nn.Interior
	}
	return nn.Boundary
}

// room returns a split of n points that are to be drawn.
func (d *drawing) room(n int) *Split {
	from := &Examples{Shape: d.set.shape(), Values: make([]float64, n*d.set.shape().Len()), Targets: make([]float64, n), K: 1}
	return &Split{parts: parts{from, upTo(n)}, values: from.Values, targets: tensor.View(n, 1, from.Targets), k: 1}
}

// point returns point i of a split, and its part behind it.
func (s *Split) point(i int) []float64 {
	n := s.from.Shape.Len()
	return s.values[i*n : (i+1)*n]
}

// drawTrain draws the points to train on of a round of resampling.
func (d *drawing) drawTrain(round int) {
	d.round = round
	d.source.Seed(d.seed, streamPoints|uint64(round)<<32)
	inside, initial := d.set.Points.Interior, d.set.Points.initial(d.domain)
	for i := range d.train.Len() {
		p := d.train.point(i)
		x := p[:len(p)-1]
		d.uniform(x)
		p[len(x)] = float64(d.set.part(i))
		switch {
		case i < inside:
			d.train.targets.Data[i] = d.set.Source(x, d.work)
			continue
		case i < inside+initial:
			x[0] = d.domain.Low[0]
		default:
			d.toFace(x)
		}
		d.train.targets.Data[i] = d.set.Solution(x, d.work)
	}
}

// uniform draws a point inside.
func (d *drawing) uniform(x []float64) {
	for j := range x {
		x[j] = d.domain.Low[j] + (d.domain.High[j]-d.domain.Low[j])*d.rng.Float64()
	}
}

// toFace moves a point to one of the faces of the box, but those of time.
func (d *drawing) toFace(x []float64) {
	first := 0
	if d.domain.Time {
		first = 1
	}
	face := d.rng.IntN(2 * (len(x) - first))
	j := first + face/2
	x[j] = d.domain.Low[j]
	if face%2 == 1 {
		x[j] = d.domain.High[j]
	}
}

// drawKnown draws points at which u is compared with the solution.
func (d *drawing) drawKnown(s *Split, stream uint64) {
	d.source.Seed(d.seed, stream)
	for i := range s.Len() {
		p := s.point(i)
		x := p[:len(p)-1]
		d.uniform(x)
		p[len(x)] = nn.Boundary // where the network's output is u
		s.targets.Data[i] = d.set.Solution(x, d.work)
	}
}

// Drawn returns the set of a run: of an equation its points, drawn from the run's seed, which
// no other run shares; any other set as it is.
func (p *Set) Drawn(seed uint64) *Set {
	if p.Equation == nil {
		return p
	}
	one := *p
	one.take(newDrawing(*p.Equation, seed))
	return &one
}

// take makes the points those of a drawing.
func (p *Set) take(d *drawing) {
	p.points, p.Train, p.Valid, p.Test = d, d.train, d.valid, d.test
}

// Finite returns an error about the equation of the set where its right-hand side or its solution is no number
// at one of the points at hand, nil for other sets.
func (p *Set) Finite() error {
	if p.points == nil {
		return nil
	}
	return p.points.finite()
}

// Advance makes the points to train on those of a step, where they are resampled.
func (p *Set) Advance(step int) {
	if p.Stale(step) {
		p.points.drawTrain(p.roundOf(step))
	}
}

// Stale reports whether the points at hand are not those of a step.
func (p *Set) Stale(step int) bool {
	return p.Equation != nil && p.Equation.Points.Resample > 0 && p.roundOf(step) != p.points.round
}

// roundOf is the round of resampling that a step is in.
func (p *Set) roundOf(step int) int { return step / int(p.Equation.Points.Resample) }
