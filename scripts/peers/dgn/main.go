// Command dgn makes the training steps that scripts/peers times beside those of other
// programs: a process of its own, as they are, that waits for its turns.
//
//	dgn CONFIG CHANNELS HEIGHT WIDTH CLASSES EXAMPLES THREADS
//
// makes steps of the first method of a config, on so many examples drawn by chance: bytes
// of images, as those of MNIST are, or with 0 classes a table of numbers with one target.
// It prints READY with the seconds that the first step took, and then, for every line "go
// SECONDS" that it reads, MS with the milliseconds of a step in the mean over so long, and
// the GFLOP/s of its arithmetic.
//
//	dgn CONFIG THREADS
//
// does so on the points that a config of an equation draws.
//
//	dgn machine
//
// answers every line "look THREADS" with NS: the nanoseconds from one CPU to another and
// back, 0 where there is one, and the GFLOP/s that so many threads make in registers.
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/dualgn/dgn/pkg/bench"
	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/problem"
	"github.com/dualgn/dgn/pkg/tensor"
	"github.com/dualgn/dgn/pkg/train"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dgn:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "machine" {
		return each("look %d", machine)
	}
	if len(args) != 7 && len(args) != 2 {
		return fmt.Errorf("expected CONFIG CHANNELS HEIGHT WIDTH CLASSES EXAMPLES THREADS, CONFIG THREADS, or machine, got %q", args)
	}
	n := make([]int, len(args)-1) // the numbers
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[1+i]); err != nil {
			return err
		}
	}
	threads := n[len(n)-1]
	runtime.GOMAXPROCS(threads)
	c, err := config.Load(args[0], nil)
	if err != nil {
		return err
	}
	var p *problem.Problem
	if len(n) == 1 {
		p, err = problem.Open(c, datasets.Env{Offline: true})
	} else {
		p, err = drawn(c, tensor.Shape{C: n[0], H: n[1], W: n[2]}, n[3], n[4])
	}
	if err != nil {
		return err
	}
	s, first, err := open(p, threads)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Printf("READY %.4f\n", first.Seconds())
	return each("go %g", func(seconds float64) (string, error) { return turn(s, seconds) })
}

// drawn returns the problem of a config with data drawn by chance.
func drawn(c *config.Config, shape tensor.Shape, classes, examples int) (*problem.Problem, error) {
	raw, enc := table(shape, examples), datasets.Values
	if classes > 0 {
		raw, enc = images(shape, classes, examples), datasets.OneHot
	}
	data, err := datasets.Prepare(raw, c.Data.Common, enc)
	if err != nil {
		return nil, err
	}
	return problem.New(c, data, nil)
}

// open returns what makes the steps, and the time of all that the first one takes but its
// data.
func open(p *problem.Problem, threads int) (train.Stepper, time.Duration, error) {
	start := time.Now()
	s, err := train.Training{Problem: p, Method: &p.Config.Methods[0], Threads: threads}.Stepper()
	if err != nil {
		return nil, 0, err
	}
	s.Step()
	return s, time.Since(start), nil
}

// each answers the number in every line of standard input.
func each[T int | float64](format string, answer func(T) (string, error)) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var v T
		if _, err := fmt.Sscanf(in.Text(), format, &v); err != nil {
			return fmt.Errorf("%q: %w", in.Text(), err)
		}
		text, err := answer(v)
		if err != nil {
			return err
		}
		fmt.Println(text)
	}
	return in.Err()
}

// window is the number of steps behind which training begins again. Later an inner solve
// may end before its budget, as its answer is exact.
const window = 100

// turn makes steps for so long, after one that wakes threads and fills caches. What it
// takes to begin again is not counted.
func turn(s train.Stepper, seconds float64) (string, error) {
	var elapsed float64
	var adds int64
	steps := 0
	for elapsed < seconds {
		if err := s.Restart(); err != nil {
			return "", err
		}
		s.Step()
		before, start, n := s.Work(), time.Now(), 0
		for ; n < window && elapsed+time.Since(start).Seconds() < seconds; n++ {
			s.Step()
		}
		elapsed += time.Since(start).Seconds()
		steps += n
		adds += s.Work().Counters.MultiplyAdds - before.Counters.MultiplyAdds
		if err := s.Check(); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("MS %.6f %.3f", 1e3*elapsed/float64(steps), 2e-9*float64(adds)/elapsed), nil
}

// machine measures what the machine is like at the moment.
func machine(threads int) (string, error) {
	cpus, err := placement.Choose(runtime.NumCPU())
	if err != nil {
		return "", err
	}
	trips, err := placement.RoundTrips(cpus)
	if err != nil {
		return "", err
	}
	pool := tensor.NewPool(threads)
	defer pool.Close()
	return fmt.Sprintf("NS %.1f %.1f", slices.Max(append(trips, 0)), bench.PeakRate[float32](pool)), nil
}

// images are examples of bytes with a label each.
func images(shape tensor.Shape, classes, n int) *datasets.Raw {
	rng := rand.New(rand.NewPCG(1, 2))
	e := &datasets.Examples{Shape: shape, Pixels: make([]uint8, n*shape.Len())}
	for i := range e.Pixels {
		e.Pixels[i] = uint8(rng.IntN(256))
	}
	raw := &datasets.Raw{Train: e, Test: e}
	for i := range classes {
		raw.Classes = append(raw.Classes, strconv.Itoa(i))
	}
	for range n {
		e.Labels = append(e.Labels, rng.IntN(classes))
	}
	return raw
}

// table is a regression with one target.
func table(shape tensor.Shape, n int) *datasets.Raw {
	rng := rand.New(rand.NewPCG(1, 2))
	e := &datasets.Examples{Shape: shape, K: 1}
	for range n * shape.Len() {
		e.Values = append(e.Values, rng.NormFloat64())
	}
	for range n {
		e.Targets = append(e.Targets, rng.NormFloat64())
	}
	return &datasets.Raw{Train: e, Test: e}
}
