package oracles

import (
	"fmt"
	"strings"

	"github.com/dualgn/dgn/pkg/losses"
	"github.com/dualgn/dgn/pkg/tensor"
)

// Abilities are what an inner solver can do: a constructor for each kind of problem that
// it solves, nil for the others. The checks of configs, their errors, the help and the
// estimate of memory are made from them.
type Abilities struct {
	// System returns a solver of the dual systems of Gauss-Newton, of at most
	// n = m k unknowns, for at most budget iterations.
	System func(n, k, budget int, pool *tensor.Pool) Linear

	// Newton says that System keeps K L x of its solution in the [System], which
	// Newton's method on the dual of prox-linear needs.
	Newton bool

	// Warm says that System can start from a given x.
	Warm bool

	// Path returns a solver of one dual system for many gammas.
	Path func(n, budget int) Path

	// Primal returns a solver of systems of p unknowns, the weights.
	Primal PrimalSolvers

	// Box returns a solver of the dual of prox-linear for losses whose conjugates
	// have a box for their domain, with at most n = m k unknowns.
	Box func(n int) BoxAscent

	// NeedsGram says that the solver works on K itself, (m k)² numbers.
	NeedsGram bool

	// Sketch is the number of products with K that System makes before its first iteration.
	Sketch int

	// Extra returns the multiply-adds that System makes for n unknowns beside products with K, for
	// predictions; nil: none to speak of. ByRows says that what iterations take of K is among them.
	Extra  func(n, budget int) int
	ByRows bool

	// NeedsRows says that the primal solver works on J itself, m k p numbers, and forms p² more.
	NeedsRows bool

	// SystemSpace, PrimalSpace and BoxSpace return how many numbers a solver keeps, of
	// the same sizes as its constructor is told; blocks: the diagonal blocks of K too.
	SystemSpace func(n, k, budget int) (numbers int, blocks bool)
	PrimalSpace func(p, budget int) (numbers int)
	BoxSpace    func(n int) (numbers int)
}

// asksBlocks reports whether the solver of systems asks for the diagonal blocks of K.
func (a Abilities) asksBlocks() bool {
	_, blocks := systemSpace(a, 1, 1, 1)
	return blocks
}

// PrimalSolvers are the constructors of a primal solver, one for each precision.
type PrimalSolvers = tensor.Instances[
	func(p, budget int, pool *tensor.Pool) PrimalLinear[float32],
	func(p, budget int, pool *tensor.Pool) PrimalLinear[float64]]

// A job is a kind of problem that an oracle has its solver solve.
type job struct {
	name   string // of oracle and formulation, with a %s for the losses
	serves func(losses.Loss) bool
	can    func(Abilities) bool

	// space is what a solver keeps for it in the dual, as [Abilities.SystemSpace]
	// and BoxSpace have it; nil in the primal.
	space func(a Abilities, n, k, budget int) (numbers int, blocks bool)
}

func smooth(l losses.Loss) bool { return l.Curvature() == losses.Smooth }
func curved(l losses.Loss) bool { return l.Curvature() != losses.Polyhedral }

func systemSpace(a Abilities, n, k, budget int) (int, bool) {
	if a.SystemSpace == nil {
		return 0, false
	}
	return a.SystemSpace(n, k, budget)
}

func boxSpace(a Abilities, n, _, _ int) (int, bool) {
	if a.BoxSpace == nil {
		return 0, false
	}
	return a.BoxSpace(n), false
}

// The jobs there are: of gauss_newton in the dual and in the primal, and of prox_linear
// in the dual with smooth losses, in the dual with others, and in the primal.
var (
	jobSystem = job{
		"gauss_newton in the dual (%s)", curved,
		func(a Abilities) bool { return a.System != nil }, systemSpace,
	}
	jobNewton = job{
		"prox_linear in the dual with smooth losses (%s)", smooth,
		func(a Abilities) bool { return a.System != nil && a.Newton }, systemSpace,
	}
	jobBox = job{
		"prox_linear in the dual with losses whose dual has a box (%s)", func(l losses.Loss) bool { return !smooth(l) },
		func(a Abilities) bool { return a.Box != nil }, boxSpace,
	}
	jobPrimal  = job{"gauss_newton in the primal (%s)", curved, func(a Abilities) bool { return a.Primal.Float64 != nil }, nil}
	jobDescend = job{"prox_linear in the primal (%s)", smooth, jobPrimal.can, nil}
)

var jobs = []job{jobSystem, jobNewton, jobBox, jobPrimal, jobDescend}

func (j job) String() string { return fmt.Sprintf(j.name, lossesThat(j.serves)) }

// lossesThat names the registered losses for which serves holds, in the fewest words.
func lossesThat(serves func(losses.Loss) bool) string {
	var in, out []string
	for _, name := range losses.Known.Names() {
		if serves(losses.Known.Default(name).Must()) {
			in = append(in, name)
		} else {
			out = append(out, name)
		}
	}
	switch {
	case len(out) == 0:
		return "every loss"
	case len(out) < len(in):
		return "every loss but " + strings.Join(out, ", ")
	}
	return strings.Join(in, ", ")
}

// Serves returns what a solver can do, in words: a line for each kind of problem.
func Serves(s Solver) (out []string) {
	for _, j := range jobs {
		if j.can(s.Abilities()) {
			out = append(out, j.String())
		}
	}
	return out
}

// able returns the names of the solvers that can do something.
func able(can func(Abilities) bool) (names []string) {
	for _, name := range Solvers.Names() {
		if can(Solvers.Default(name).Must().Abilities()) {
			names = append(names, name)
		}
	}
	return names
}
