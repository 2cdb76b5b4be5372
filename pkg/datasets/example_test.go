package datasets_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
	"github.com/dualgn/dgn/pkg/tensor"
)

// The set is in the table, so the conformance suite of this package, TestSources, opens
// it with both settings.
func init() {
	registry.Add(&datasets.Known, registry.Info{Name: "spirals", Doc: "two spirals in the plane, one turned by half a turn", Reference: "Lang and Witbrock 1988"},
		Spirals{Examples: 400, Turns: 1.5, Noise: 0.03}, newSpirals, Spirals{Examples: 50, Turns: 3})
}

// Spirals are two classes of points in the plane. The options, which are keys of data: in
// a config, are part of what identifies a run.
type Spirals struct {
	Examples int     `yaml:"examples" doc:"of both classes together"`
	Turns    float64 `yaml:"turns" doc:"of each spiral"`
	Noise    float64 `yaml:"noise" doc:"deviation of what is added to each coordinate"`
	Seed     uint64  `yaml:"seed" doc:"chance of the noise"`
}

func newSpirals(s Spirals) (datasets.Source, error) {
	if s.Examples < 10 {
		return nil, strict.Field("examples", "must be at least 10, got %d", s.Examples)
	}
	return s, nil
}

// Describe says what is known in advance. Embedded means that no files are needed.
func (s Spirals) Describe() datasets.Description {
	return datasets.Description{Shape: tensor.Shape{C: 2, H: 1, W: 1}, Classes: 2, Train: s.Examples, Embedded: true}
}

// Open makes the points, the classes in turn. There is no test part: the settings of
// every set say how many of the examples are held out.
func (s Spirals) Open(datasets.Env, datasets.Encoding) (*datasets.Raw, error) {
	e := &datasets.Examples{Shape: tensor.Shape{C: 2, H: 1, W: 1}}
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	for i := range s.Examples {
		class, r := i%2, float64(i+1)/float64(s.Examples)
		sin, cos := math.Sincos(math.Pi * (2*s.Turns*r + float64(class)))
		e.Values = append(e.Values, r*cos+s.Noise*rng.NormFloat64(), r*sin+s.Noise*rng.NormFloat64())
		e.Labels = append(e.Labels, class)
	}
	return &datasets.Raw{
		Train: e, Classes: []string{"first", "second"},
		// No file has a checksum that identifies the points, so the formula has a number.
		Reading: map[string]string{"spirals": "1"},
	}, nil
}

// The solution is in the table, so that the conformance suite of this package, TestSolutions,
// compares what the jet says with differences, in the dimensions that it is made for.
func init() {
	datasets.AddSolution(&datasets.PoissonSolutions, registry.Info{Name: "decay", Doc: "exp(-x_1)"}, datasets.Solution{
		Jet: func(to, x []float64) {
			clear(to)
			u := math.Exp(-x[0])
			to[0], to[1] = u, -u // and the derivatives in the other coordinates are 0
			to[1+len(x)] = u     // the Laplacian
		},
	})
}

// A solution of one's own: it is chosen as `data: {name: poisson, solution: decay}` chooses it, and
// the right-hand side follows from it.
func ExampleAddSolution() {
	choice, err := registry.Choose(&datasets.Known, "poisson", func(p *datasets.Poisson) { p.Dimension, p.Solution = 3, "decay" })
	if err != nil {
		log.Fatal(err)
	}
	equation := choice.Must().(datasets.EquationSet)
	x, work := []float64{0.5, 0.1, 0.9}, make([]float64, 5)
	fmt.Printf("u = %.4f, -Laplacian u = %.4f\n", equation.Solution(x, work), equation.Source(x, work))
	// Output: u = 0.6065, -Laplacian u = -0.6065
}

// A data set of one's own: it is chosen as `data: {name: spirals, examples: 200}` chooses
// it, made ready, and read in mini-batches.
func Example() {
	choice, err := registry.Choose(&datasets.Known, "spirals", func(s *Spirals) { s.Examples = 200 })
	if err != nil {
		log.Fatal(err)
	}
	raw, err := choice.Must().Open(datasets.Env{}, datasets.OneHot)
	if err != nil {
		log.Fatal(err)
	}
	p, err := datasets.Prepare(raw, datasets.Defaults(), datasets.OneHot)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d examples to train on, %d to test on\n", p.Train.Len(), p.Test.Len())
	fmt.Printf("of shape %v, %d classes, %d outputs\n", p.Shape, p.Classes, p.Outputs)

	x, y := tensor.New[float64](3, p.Shape.Len()), tensor.New[float64](3, p.Outputs)
	datasets.NewBatcher[float64](nil).Read(p.Train, []int{40, 80, 120}, x, y)
	for i := range x.Rows {
		fmt.Printf("%5.2f %v\n", x.Row(i), y.Row(i))
	}
	// Output:
	// 160 examples to train on, 40 to test on
	// of shape 2, 2 classes, 2 outputs
	// [ 0.48 -0.42] [0 1]
	// [-0.06 -1.32] [1 0]
	// [-1.41 -1.23] [0 1]
}
