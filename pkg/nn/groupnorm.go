package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/tensor/kernel"
)

func init() {
	registry.Add(&Layers, registry.Info{Name: "group_norm", Doc: "each group of channels of an example to mean 0 and variance 1, then a scale and a shift for each channel",
		Reference: "Wu and He 2018, arXiv 1803.08494"},
		GroupNorm{Groups: 8, Eps: 1e-5}, newGroupNorm,
		GroupNorm{Groups: 1, Eps: 1e-5}, GroupNorm{Groups: 2, Eps: 0.1})
}

// GroupNorm is y = w (x - mean)/√(variance + eps) + b with the mean and the
// variance of the values of a group of neighbouring channels of an example, and w
// and b for each channel.
type GroupNorm struct {
	Groups int     `yaml:"groups" doc:"number of groups; it divides the number of channels"`
	Eps    float64 `yaml:"eps" doc:"added to the variance"`
}

var (
	_ Layer         = GroupNorm{}
	_ Normalization = GroupNorm{}
	_ Initializable = GroupNorm{}
)

func newGroupNorm(l GroupNorm) (Layer, error) {
	if l.Groups <= 0 {
		return nil, strict.Field("groups", "must be a positive number, got %d", l.Groups)
	}
	return l, checkEps(l.Eps)
}

func (l GroupNorm) Size(in tensor.Shape) (Size, error) {
	if in.C%l.Groups != 0 {
		return Size{}, fmt.Errorf("%d channels of examples of shape %s do not divide into %d groups", in.C, in, l.Groups)
	}
	return Size{Out: in, Params: []Param{{"weight", []int{in.C}, true}, {"bias", []int{in.C}, true}}, Kept: 2*l.Groups + 2*in.C}, nil
}

// Carries says that the scale of the weights before does not matter.
func (GroupNorm) Carries() {}

// Normalizes says what the layer is for.
func (GroupNorm) Normalizes() {}

// Init sets w = 1 and b = 0.
func (GroupNorm) Init(w []float64, in tensor.Shape, _ Layer, _ *rand.Rand) { initNorm(w) }

func (l GroupNorm) Ops() Ops { return OpsOf(l, newGroupNormOp[float32], newGroupNormOp[float64]) }

// groupNorm makes h = (x - mean)/s, the normalised values, anew wherever they are needed:
// that takes less than to store and read them.
type groupNorm[T tensor.Float] struct {
	pool        *tensor.Pool
	groups, len int // of one example, and values of a group
	c, area     int // channels, and values of each
	perGroup    int // channels
	eps         float64
	grain       int // groups that one thread takes at a time

	in    tensor.Matrix[T] // m examples, at which the layer is linearized
	w     []T
	batch int              // examples in the current batch
	mean  []T              // of each group of the batch
	scale []T              // 1/s = 1/√(variance + eps) of each
	sums  tensor.Matrix[T] // m x 2 c: the gradient of each example
	*Explicit[T]

	// Operands of the loop that is running.
	y, x tensor.Matrix[T]
	dw   []T

	forward, jvp, vjp, keep func(lo, hi int)
}

func newGroupNormOp[T tensor.Float](l GroupNorm, at Site) Op[T] {
	length := at.In.Len() / l.Groups
	o := &groupNorm[T]{
		pool: at.Pool, groups: l.Groups, len: length, eps: l.Eps, grain: max(1, pointwiseGrain/length),
		c: at.In.C, area: at.In.H * at.In.W, perGroup: at.In.C / l.Groups,
		mean: make([]T, at.Examples*l.Groups), scale: make([]T, at.Examples*l.Groups),
		sums: tensor.New[T](at.Examples, 2*at.In.C), Explicit: NewExplicit[T](at.Pool),
	}
	o.forward, o.jvp, o.vjp, o.keep = o.forwardGroups, o.jvpGroups, o.vjpExamples, o.keepRows
	return o
}

var _ GramOp[float32] = (*groupNorm[float32])(nil)

// of returns the values of group g of the batch in a matrix of examples.
func (o *groupNorm[T]) of(g int, x tensor.Matrix[T]) []T {
	at := g % o.groups * o.len
	return x.Row(g / o.groups)[at : at+o.len]
}

// channel returns the number of a channel of a group, and where in the group its
// values are.
func (o *groupNorm[T]) channel(group, j int) (c, lo, hi int) {
	return group%o.groups*o.perGroup + j, j * o.area, (j + 1) * o.area
}

func (o *groupNorm[T]) Forward(y, x tensor.Matrix[T], w []T) {
	o.y, o.in, o.w, o.batch = y, x, w, x.Rows
	o.pool.For(x.Rows*o.groups, o.grain, o.forward)
}

func (o *groupNorm[T]) forwardGroups(first, end int) {
	for g := first; g < end; g++ {
		x, y, n := o.of(g, o.in), o.of(g, o.y), float64(o.len)
		mean := T(kernel.Sum(x) / n)
		r := T(1 / math.Sqrt(kernel.Squares(x, mean)/n+o.eps))
		o.mean[g], o.scale[g] = mean, r
		for j := range o.perGroup {
			c, lo, hi := o.channel(g, j)
			kernel.Normal(y[lo:hi], x[lo:hi], mean, r, o.w[c], o.w[o.c+c])
		}
	}
}

// JVP sets dy = w dh + dw h + db, where dh = (dx - mean(dx) - h mean(h dx))/s.
func (o *groupNorm[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	o.y, o.x, o.dw = dy, dx, dw
	o.pool.For(dy.Rows*o.groups, o.grain, o.jvp)
}

func (o *groupNorm[T]) jvpGroups(first, end int) {
	dw := o.dw
	for g := first; g < end; g++ {
		x, dy, mean, r := o.of(g, o.in), o.of(g, o.y), o.mean[g], o.scale[g]
		var dx []T
		var shift, along float64
		if !o.x.IsZero() {
			dx = o.of(g, o.x)
			along, shift = kernel.NormalDots(x, dx, mean, r)
			along, shift = float64(r)*along/float64(o.len), float64(r)*shift/float64(o.len)
		}
		for j := range o.perGroup {
			c, lo, hi := o.channel(g, j)
			w := float64(o.w[c])
			alpha, beta := T(float64(dw[c])-w*along), T(float64(dw[o.c+c])-w*shift)
			if dx == nil {
				kernel.Normal(dy[lo:hi], x[lo:hi], mean, r, alpha, beta)
			} else {
				kernel.NormalBack(dy[lo:hi], x[lo:hi], dx[lo:hi], mean, r, alpha, beta, T(w*float64(r)))
			}
		}
	}
}

// VJP sets dw = Σ h dy and db = Σ dy over examples and places, and
// dx = (w dy - mean(w dy) - h mean(h w dy))/s.
func (o *groupNorm[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	o.y, o.x = dy, dx
	o.pool.For(dy.Rows, max(1, o.grain/o.groups), o.vjp)
	if dw != nil {
		tensor.ColSums(o.pool, dw, o.sums.RowRange(0, dy.Rows))
	}
}

func (o *groupNorm[T]) vjpExamples(first, end int) {
	for i := first; i < end; i++ {
		sums := o.sums.Row(i)
		o.gradient(sums, i)
		if o.x.IsZero() {
			continue
		}
		for g := i * o.groups; g < (i+1)*o.groups; g++ {
			x, dy, dx, r := o.of(g, o.in), o.of(g, o.y), o.of(g, o.x), float64(o.scale[g])
			var shift, along float64
			for j := range o.perGroup {
				c, _, _ := o.channel(g, j)
				along += float64(o.w[c]) * float64(sums[c])
				shift += float64(o.w[c]) * float64(sums[o.c+c])
			}
			n := float64(o.len)
			for j := range o.perGroup {
				c, lo, hi := o.channel(g, j)
				kernel.NormalBack(dx[lo:hi], x[lo:hi], dy[lo:hi], o.mean[g], o.scale[g], T(-r*along/n), T(-r*shift/n), T(float64(o.w[c])*r))
			}
		}
	}
}

func (o *groupNorm[T]) keepRows(first, end int) {
	for r := first; r < end; r++ {
		o.gradient(o.Row(r), r)
	}
}

// gradient sets to to what signal r, of example r mod m, says about w and b.
func (o *groupNorm[T]) gradient(to []T, r int) {
	i := r % o.batch
	dy, x := o.y.Row(r), o.in.Row(i)
	for c := range o.c {
		lo, hi, g := c*o.area, (c+1)*o.area, i*o.groups+c/o.perGroup
		dot, sum := kernel.NormalDots(x[lo:hi], dy[lo:hi], o.mean[g], o.scale[g])
		to[c], to[o.c+c] = T(dot), T(sum)
	}
}

// Keep forms what each signal says about w and b.
func (o *groupNorm[T]) Keep(dy tensor.Matrix[T], _ int) int64 {
	o.Rows(dy, o.batch, 2*o.c)
	o.y = dy
	o.pool.For(dy.Rows, max(1, o.grain/o.groups), o.keep)
	return 0
}
