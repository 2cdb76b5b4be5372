package nn

import (
	"fmt"
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
	return Size{Out: in, Params: []Param{{"weight", []int{in.C}}, {"bias", []int{in.C}}}, Kept: in.Len() + l.Groups + 2*in.C}, nil
}

// Carries says that the scale of the weights before does not matter.
func (GroupNorm) Carries() {}

// Normalizes says what the layer is for.
func (GroupNorm) Normalizes() {}

// Init sets w = 1 and b = 0.
func (GroupNorm) Init(w []float64, in tensor.Shape, _ Layer, _ *rand.Rand) { initNorm(w) }

func (l GroupNorm) Ops() Ops { return OpsOf(l, newGroupNormOp[float32], newGroupNormOp[float64]) }

type groupNorm[T tensor.Float] struct {
	normalized[T]
	c, area  int // channels, and values of each
	perGroup int // channels
	w        []T
	sums     tensor.Matrix[T] // m x 2 c: the gradient of each example
	*Explicit[T]

	// Operands of the loop that is running.
	y, x tensor.Matrix[T]
	dw   []T

	forward, jvp, vjp, sum, keep func(lo, hi int)
}

func newGroupNormOp[T tensor.Float](l GroupNorm, at Site) Op[T] {
	o := &groupNorm[T]{
		normalized: newNormalized[T](l.Groups, at.In.Len()/l.Groups, at.Examples, l.Eps, at.Pool),
		c:          at.In.C, area: at.In.H * at.In.W, perGroup: at.In.C / l.Groups,
		sums: tensor.New[T](at.Examples, 2*at.In.C), Explicit: NewExplicit[T](at.Pool),
	}
	o.forward, o.jvp, o.vjp, o.sum, o.keep = o.forwardGroups, o.jvpGroups, o.vjpGroups, o.sumRows, o.keepRows
	return o
}

var _ GramOp[float32] = (*groupNorm[float32])(nil)

// channel returns the number of a channel of a group, and where in the group its
// values are.
func (o *groupNorm[T]) channel(group, j int) (c, lo, hi int) {
	return group%o.groups*o.perGroup + j, j * o.area, (j + 1) * o.area
}

func (o *groupNorm[T]) Forward(y, x tensor.Matrix[T], w []T) {
	o.y, o.x, o.w, o.batch = y, x, w, x.Rows
	o.pool.For(x.Rows*o.groups, o.grain, o.forward)
}

func (o *groupNorm[T]) forwardGroups(first, end int) {
	for g := first; g < end; g++ {
		hat, y := o.normalize(g, o.x), o.of(g, o.y)
		copy(y, hat)
		for j := range o.perGroup {
			c, lo, hi := o.channel(g, j)
			kernel.Scale(o.w[c], y[lo:hi])
			kernel.Axpy(o.w[o.c+c], o.ones[lo:hi], y[lo:hi])
		}
	}
}

// JVP sets dy = w dh + dw h + db, where h is x normalised, 1/s what scales it, and
// dh = (dx - mean(dx) - h mean(h dx))/s.
func (o *groupNorm[T]) JVP(dy, dx tensor.Matrix[T], dw []T) {
	o.y, o.x, o.dw = dy, dx, dw
	o.pool.For(dy.Rows*o.groups, o.grain, o.jvp)
}

func (o *groupNorm[T]) jvpGroups(first, end int) {
	dw := o.dw
	for g := first; g < end; g++ {
		hat, dy, r := o.hatOf(g), o.of(g, o.y), float64(o.scale[g])
		var dx []T
		var mean, along float64
		if !o.x.IsZero() {
			dx = o.of(g, o.x)
			mean, along = r*kernel.Dot(o.ones, dx)/float64(len(dx)), r*kernel.Dot(hat, dx)/float64(len(dx))
		}
		copy(dy, hat)
		for j := range o.perGroup {
			c, lo, hi := o.channel(g, j)
			w := float64(o.w[c])
			kernel.Scale(T(float64(dw[c])-w*along), dy[lo:hi])
			if dx != nil {
				kernel.Axpy(T(w*r), dx[lo:hi], dy[lo:hi])
			}
			kernel.Axpy(T(float64(dw[o.c+c])-w*mean), o.ones[lo:hi], dy[lo:hi])
		}
	}
}

// VJP sets dw = Σ h dy and db = Σ dy over examples and places, and
// dx = (w dy - mean(w dy) - h mean(h w dy))/s.
func (o *groupNorm[T]) VJP(dx tensor.Matrix[T], dw []T, dy tensor.Matrix[T]) {
	o.y = dy
	o.pool.For(dy.Rows, max(1, o.grain/o.groups), o.sum)
	if dw != nil {
		tensor.ColSums(o.pool, dw, o.sums.RowRange(0, dy.Rows))
	}
	if !dx.IsZero() {
		o.x = dx
		o.pool.For(dy.Rows*o.groups, o.grain, o.vjp)
	}
}

func (o *groupNorm[T]) vjpGroups(first, end int) {
	for g := first; g < end; g++ {
		hat, dy, dx, r := o.hatOf(g), o.of(g, o.y), o.of(g, o.x), float64(o.scale[g])
		sums := o.sums.Row(g / o.groups)
		var mean, along float64
		for j := range o.perGroup {
			c, _, _ := o.channel(g, j)
			along += float64(o.w[c]) * float64(sums[c])
			mean += float64(o.w[c]) * float64(sums[o.c+c])
		}
		n := float64(len(dx))
		copy(dx, hat)
		kernel.Scale(T(-r*along/n), dx)
		kernel.Axpy(T(-r*mean/n), o.ones, dx)
		for j := range o.perGroup {
			c, lo, hi := o.channel(g, j)
			kernel.Axpy(T(float64(o.w[c])*r), dy[lo:hi], dx[lo:hi])
		}
	}
}

func (o *groupNorm[T]) sumRows(first, end int) {
	for r := first; r < end; r++ {
		o.gradient(o.sums.Row(r), r)
	}
}

func (o *groupNorm[T]) keepRows(first, end int) {
	for r := first; r < end; r++ {
		o.gradient(o.Row(r), r)
	}
}

// gradient sets to to what signal r, of example r mod m, says about w and b.
func (o *groupNorm[T]) gradient(to []T, r int) {
	dy, hat := o.y.Row(r), o.hat[r%o.batch*o.y.Cols:]
	for c := range o.c {
		lo, hi := c*o.area, (c+1)*o.area
		to[c] = T(kernel.Dot(hat[lo:hi], dy[lo:hi]))
		to[o.c+c] = T(kernel.Dot(o.ones[:o.area], dy[lo:hi]))
	}
}

// Keep forms what each signal says about w and b.
func (o *groupNorm[T]) Keep(dy tensor.Matrix[T], _ int) int64 {
	o.Rows(dy, o.batch, 2*o.c)
	o.y = dy
	o.pool.For(dy.Rows, max(1, o.grain/o.groups), o.keep)
	return 0
}
