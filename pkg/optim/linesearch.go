package optim

import "github.com/dualgn/dgn/pkg/registry"

// A LineSearch picks how far to go along an update u. It asks an [Objective] for the
// values and slopes it needs, and only these are computed, so that it works with every
// oracle and optimizer. A line search may remember earlier steps, so each run has its own.
type LineSearch interface {
	// Search returns the multiple eta >= 0 of u to add to the weights; 0 leaves them
	// as they are. An update that is 0 stays so: an optimizer that moves nothing has its
	// reasons, and no gradient step takes its place.
	Search(phi Objective) (eta float64)

	// State returns the numbers that a checkpoint must keep, nil if there are none.
	// Writing to them restores the line search. New ones are added at the end: a
	// checkpoint that lacks them leaves them as they begin.
	State() []*float64
}

// A Trying line search tells about how many steps it tries, for predictions. One that does not is
// taken to try one, by a forward pass.
type Trying interface {
	// Trials returns the forward passes, and JVPs, of a search.
	Trials() (forwards, jvps int)
}

// TrialsOf returns about how many forward passes and JVPs a search takes, see [Trying].
func TrialsOf(s LineSearch) (forwards, jvps int) {
	switch s := s.(type) {
	case None:
		return 0, 0
	case Trying:
		return s.Trials()
	}
	return 1, 0
}

// An Objective is that of the mini-batch along an update:
// phi(eta) = F(w + eta u) with F = h + (mu/2) |w|², mu the weight decay of the
// oracle. What is asked for is counted.
type Objective interface {
	Value() float64         // phi(0), known already
	At(eta float64) float64 // phi(eta): a forward pass
	Slope() float64         // phi'(0): a JVP, unless u is a known multiple of d

	// SlopeAt returns phi(eta) and phi'(eta): a forward pass, and a JVP at w + eta u.
	SlopeAt(eta float64) (value, slope float64)

	// Largest is max |u_j|, the largest change of a weight for eta = 1.
	Largest() float64

	// UseGradient replaces u by the step -gamma grad F, which descends. It takes a
	// VJP, and the log of the step says that u was replaced.
	UseGradient()
}

// LineSearches is the table of line searches.
var LineSearches = registry.Table[LineSearch]{Kind: "line search"}

func init() {
	registry.Add(&LineSearches, registry.Info{Name: "none", Doc: "the update as it is"},
		None{}, func(r None) (LineSearch, error) { return r, nil })
}

// None adds the update as it is: eta = 1.
type None struct{}

var _ LineSearch = None{}

func (None) Search(Objective) float64 { return 1 }
func (None) State() []*float64        { return nil }
