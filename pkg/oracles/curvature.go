package oracles

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

// A Curvature says of what the quadratic term of Gauss-Newton is made. All but the full one
// are models of less curvature: they take less time than the Hessian of the linearized
// problem, and their minimum is not its.
type Curvature struct {
	Kind     string `yaml:"kind" doc:"full: all outputs; sampled: random combinations of them; empirical: the gradients of the examples. With unknowns: example major, minorant or identity. auto: full, or major"`
	Examples Amount `yaml:"examples" doc:"of the mini-batch that it is made of: all, a number, or below 1 a fraction"`
	Samples  int    `yaml:"samples" doc:"random combinations of the outputs of each example, for kind: sampled"`
	Blocks   string `yaml:"blocks" doc:"all: one matrix; layers: a block for each layer, each with a system of its own"`
	Batch    string `yaml:"batch" doc:"same: the examples are of the mini-batch of the gradient; next: of the one that comes next"`
}

// Nested lists the settings.
func (Curvature) Nested() (string, any) { return "", fullCurvature }

// The kinds of curvature.
const (
	autoKind  = "auto"
	full      = "full"
	sampled   = "sampled"
	empirical = "empirical"
	major     = "major"
	minorant  = "minorant"
	identity  = "identity"
)

// What an option says where there is a choice.
const (
	everything = "all"
	byExample  = "example"
	byLayer    = "layers"
	sameBatch  = "same"
	nextBatch  = "next"
)

// fullCurvature is the curvature of the Gauss-Newton matrix.
var fullCurvature = Curvature{Kind: autoKind, Samples: 1, Blocks: everything, Batch: sameBatch}

// reduces reports whether the curvature is not that of all outputs of the mini-batch of the
// gradient together. The zero value, of an oracle that has no choice, is.
func (c Curvature) reduces() bool {
	return c.Kind == sampled || c.Kind == empirical || c.Kind != "" && !c.whole()
}

// scalar reports whether the curvature is that of one number of each example.
func (c Curvature) scalar() bool { return slices.Contains([]string{major, minorant, identity}, c.Kind) }

// whole reports whether the options say the same as none.
func (c Curvature) whole() bool {
	c.Kind = fullCurvature.Kind
	return c == fullCurvature
}

// valid reports options that are wrong by themselves.
func (c Curvature) valid() error {
	oneOf := func(key, got string, want ...string) error {
		if slices.Contains(want, got) {
			return nil
		}
		return strict.Field("curvature."+key, "must be one of %s; got %q%s", strings.Join(want, ", "), got, strict.Suggest(got, want))
	}
	if err := oneOf("kind", c.Kind, autoKind, full, sampled, empirical, major, minorant, identity); err != nil {
		return err
	}
	if err := oneOf("blocks", c.Blocks, everything, byLayer); err != nil {
		return err
	}
	if err := oneOf("batch", c.Batch, sameBatch, nextBatch); err != nil {
		return err
	}
	switch {
	case c.Samples < 1:
		return strict.Field("curvature.samples", "must be a positive number of combinations, got %d", c.Samples)
	case c.Samples > 1 && c.Kind != sampled:
		return strict.Field("curvature.samples", "is for kind: sampled, which draws them; %s has a fixed number of rows for each example; leave it out", c.Kind)
	}
	return nil
}

// resolved is the curvature with its kind chosen.
func (o GaussNewton) resolved() Curvature {
	c := o.Curvature
	switch {
	case c.Kind != autoKind:
	case o.Unknowns == byExample:
		c.Kind = major
	default:
		c.Kind = full
	}
	return c
}

// validCurvature reports a curvature that does not go with other options.
func (o GaussNewton) validCurvature() error {
	if err := o.Curvature.valid(); err != nil {
		return err
	}
	c := o.resolved()
	byLayers := c
	byLayers.Blocks = everything
	switch {
	case o.Formulation != "dual" && !(c.Kind == full && c.whole()):
		return strict.Field("curvature", "is for formulation: dual, whose unknowns are as many as the curvature has rows; the primal has one for each weight whatever it is; leave it out")
	case o.Unknowns == byExample && !c.scalar():
		return strict.Field("curvature.kind", "%s is for unknowns: all; with one unknown for each example take major, minorant or identity", c.Kind)
	case o.Unknowns == byExample && !byLayers.whole():
		return strict.Field("curvature", "examples, samples and batch are for unknowns: all; with one unknown for each example there are as many rows as examples already; leave them out, or take kind: sampled or empirical without unknowns: example")
	case o.Unknowns != byExample && c.scalar():
		return strict.Field("curvature.kind", "%s is the curvature of one number of each example, and needs unknowns: example; with unknowns: all take full, sampled or empirical", c.Kind)
	case !c.reduces():
		return nil
	case o.WarmStart:
		return strict.Field("warm_start", "keeps dual variables of examples, and the rows of this curvature are others in each step; leave it out")
	case o.Gamma.search != nil:
		return strict.Field("gamma.search", "needs curvature: {kind: full}, whose path of solutions it follows; give gamma as a number, a schedule or {levenberg_marquardt: {...}}")
	case o.Gram != AutoForm && o.Gram != Formed:
		return strict.Field("gram", "with this curvature the system is formed, since it is small; leave gram out")
	}
	return nil
}

// rows returns how many examples of mini-batches of dimensions d the curvature is made of,
// and how many rows of J of each.
func (c Curvature) rows(d Dims) (n, s int) {
	switch {
	case c.Kind == sampled:
		s = c.Samples
	case c.Kind == empirical || c.scalar():
		s = 1
	default:
		s = d.Outputs
	}
	return c.Examples.of(d.Examples), s
}

// fitsCurvature returns an error about a curvature that mini-batches of dimensions d, or the
// model, cannot have.
func (o GaussNewton) fitsCurvature(d Dims) error {
	c := o.resolved()
	if c.Examples.n > d.Examples {
		return strict.Field("curvature.examples", "%d are more than the %d of a mini-batch; give at most that many, or a fraction", c.Examples.n, d.Examples)
	}
	if _, layers := d.Gram.(rowModel); !layers && c.Blocks == byLayer {
		return strict.Field("curvature.blocks", "layers needs a model made of layers, and this one tells of none; take all")
	}
	n, s := c.rows(d)
	return o.fitsRows(n, s, d)
}

// CurvatureBatch returns how many examples of the next mini-batch an oracle takes its
// curvature from, 0 if it is that of the gradient. It is to be given as
// [Subproblem.Curvature], linearized at the weights of the gradient.
func CurvatureBatch(s Spec, d Dims) int {
	o, ok := s.(GaussNewton)
	if !ok || o.Curvature.Batch != nextBatch || o.InnerIterations == 0 {
		return 0
	}
	n, _ := o.resolved().rows(d)
	return n
}

// curvatureChoices says what curvature: auto became, and what it is a model of.
func (o GaussNewton) curvatureChoices(d Dims) (out []string) {
	if o.Formulation != "dual" || o.InnerIterations == 0 {
		return nil
	}
	c := o.resolved()
	if o.Curvature.Kind == autoKind && o.Unknowns == byExample {
		out = append(out, "curvature: auto is major, the safest with one unknown for each example")
	}
	if c.reduces() {
		n, s := c.rows(d)
		what := "one matrix"
		if c.Blocks == byLayer {
			what = "a block for each layer"
		}
		out = append(out, fmt.Sprintf("curvature: %s, %d examples x %d rows = %d unknowns, %s: less curvature than that of the full Gauss-Newton matrix", c.Kind, n, s, n*s, what))
	}
	return out
}

// An Amount is a number of examples: in a config all, a whole number, or a fraction below 1
// of what there is. The zero value is all.
type Amount struct {
	n        int
	fraction float64
}

var _ strict.Unmarshaler = (*Amount)(nil)

// of returns the number out of m, at least 1.
func (a Amount) of(m int) int {
	switch {
	case a.n > 0:
		return a.n
	case a.fraction > 0:
		return max(1, int(math.Round(a.fraction*float64(m))))
	}
	return m
}

func (a *Amount) UnmarshalStrict(v strict.Value) error {
	if text, _ := v.Text(); text == everything {
		*a = Amount{}
		return nil
	}
	var x float64
	if text, _ := v.Scalar(); strings.ContainsAny(text, ".eE") && strings.TrimRight(text, "0") == "1." {
		return v.Errorf("%s may mean one example or all of them; write 1 or all", text)
	}
	if !v.IsNumber() {
		return v.Errorf("expected all, a number of examples, or a fraction below 1")
	}
	if err := v.Decode(&x); err != nil {
		return err
	}
	switch {
	case x > 0 && x < 1:
		*a = Amount{fraction: x}
	case x >= 1 && x == math.Trunc(x) && x < 1<<31:
		*a = Amount{n: int(x)}
	case x >= 1:
		return v.Errorf("must be a whole number of examples, or a fraction below 1; got %g", x)
	default:
		return v.Errorf("must be all, a positive number of examples, or a fraction between 0 and 1; got %g", x)
	}
	return nil
}

// MarshalYAML returns what UnmarshalStrict reads.
func (a Amount) MarshalYAML() (any, error) {
	switch {
	case a.n > 0:
		return a.n, nil
	case a.fraction > 0:
		return a.fraction, nil
	}
	return everything, nil
}

// reduced returns settings with less curvature to test, of the options o.
func (o GaussNewton) reduced() (out []GaussNewton) {
	o.Solver = SolverChoice{registry.ChoiceOf(&Solvers, "cholesky", Cholesky{}, func(s Cholesky) (Solver, error) { return s, nil })}
	add := func(set func(*GaussNewton)) {
		c := o
		set(&c)
		out = append(out, c)
	}
	for _, kind := range []string{major, minorant, identity} {
		add(func(g *GaussNewton) { g.Unknowns, g.Curvature.Kind = byExample, kind })
	}
	add(func(g *GaussNewton) {
		g.Curvature.Kind, g.Curvature.Examples, g.Curvature.Samples = sampled, Amount{n: 2}, 3
	})
	add(func(g *GaussNewton) {
		g.Curvature.Kind, g.Curvature.Examples, g.Curvature.Blocks = sampled, Amount{fraction: 0.5}, byLayer
		g.Momentum, g.WeightDecay = 0.5, 0.01
	})
	add(func(g *GaussNewton) { g.Unknowns, g.Curvature.Blocks, g.Momentum = byExample, byLayer, 0.5 })
	add(func(g *GaussNewton) { g.Curvature.Kind = empirical })
	add(func(g *GaussNewton) { g.Curvature.Kind, g.Curvature.Blocks = full, byLayer })
	add(func(g *GaussNewton) {
		g.Curvature.Kind, g.Curvature.Batch, g.Curvature.Examples = sampled, nextBatch, Amount{n: 3}
	})
	return out
}
