package experiment

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/placement"
	"github.com/dualgn/dgn/pkg/runlog"
)

// A Pinning is where the threads of runs are bound while times are measured. It is nil
// where times are not.
type Pinning struct {
	CPUs []int  // one for each thread; none if threads cannot be bound here
	Note string // why not

	release func() error
}

// Pin binds the process to as many CPUs as it has threads, until [Pinning.Release]. Where
// the system cannot, it says so to log, and nothing is bound; fewer CPUs than threads are a
// *[config.Error].
func Pin(threads int, log *slog.Logger) (*Pinning, error) {
	cpus, err := placement.Choose(threads)
	if errors.Is(err, placement.ErrUnsupported) {
		log.Warn("nothing is pinned: " + err.Error())
		return &Pinning{Note: err.Error(), release: func() error { return nil }}, nil
	}
	if err != nil {
		return nil, config.Errorf("times are measured with each thread bound to a CPU of its own: %w; give fewer with --threads", err)
	}
	p := &Pinning{CPUs: cpus}
	p.release, err = placement.Bind(cpus)
	return p, err
}

// Release lets the process run where it could before.
func (p *Pinning) Release() error { return p.release() }

// cpus are those for threads, nil if threads are not bound.
func (p *Pinning) cpus() []int {
	if p == nil {
		return nil
	}
	return p.CPUs
}

// Observe measures what the machine is like now; nil if nobody asked.
func (p *Pinning) Observe() *runlog.Placement {
	if p == nil {
		return nil
	}
	m := &runlog.Placement{CPUs: p.CPUs, Note: p.Note}
	if load, ok := placement.LoadAverage(); ok {
		m.LoadAverage = &load
	}
	if p.CPUs == nil {
		return m
	}
	var err error
	if m.TripsNS, err = placement.RoundTrips(p.CPUs); err != nil {
		m.Note = "the round trip was not measured: " + err.Error()
	}
	return m
}

// samePlace reports whether threads were bound to the same CPUs.
func samePlace(a, b *runlog.Placement) bool {
	return (a == nil) == (b == nil) && (a == nil || slices.Equal(a.CPUs, b.CPUs))
}
