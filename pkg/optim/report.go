package optim

import (
	"time"

	"github.com/dualgn/dgn/pkg/clock"
)

// A Reporter is an optimizer that multiplies or factors matrices.
type Reporter interface {
	// Report tells what the last update took, and what it could not do.
	Report() Report
}

// A Report is what one update took, beside passes over vectors.
type Report struct {
	Products       clock.Work // of matrices, Newton-Schulz steps among them
	Factorisations clock.Work // inverse roots, eigenvectors and orthogonal factors

	// Fallback is "" where all blocks are updated as the method says, and else what was
	// done in its place: one of the constants.
	Fallback string
}

// Spent is what the optimizer of some steps took: passes over vectors are what is left of the time.
type Spent struct {
	Time                     time.Duration
	Products, Factorisations clock.Work
}

// Add adds o to s.
func (s *Spent) Add(o Spent) {
	s.Time += o.Time
	s.Products.Add(o.Products)
	s.Factorisations.Add(o.Factorisations)
}

// What an update falls back to. Of several blocks, the worst is reported: the last here.
const (
	// FallbackJitter: a factor was singular in the precision there is, and its inverse root is
	// that of the factor plus a small multiple of the identity.
	FallbackJitter = "optimizer_jitter"

	// FallbackStale: a factor could not be inverted or diagonalised even so, and what was made
	// of an earlier one stands in, or the identity.
	FallbackStale = "optimizer_stale_factor"

	// FallbackSkipped: the direction of a block, or what became of it, is not finite, or beyond
	// the precision when squared. Its weights are left as they are, and so is what is remembered
	// of it, unless it is what became of the direction that is not finite.
	FallbackSkipped = "optimizer_skipped_block"
)

// fallbacks are in order of severity.
var fallbacks = []string{"", FallbackJitter, FallbackStale, FallbackSkipped}

// fall notes a fallback, unless a worse one is noted.
func (r *Report) fall(to string) {
	rank := func(s string) int {
		for i, f := range fallbacks {
			if f == s {
				return i
			}
		}
		panic("optim: no such fallback: " + s)
	}
	if rank(to) > rank(r.Fallback) {
		r.Fallback = to
	}
}

// add adds the report of an optimizer within.
func (r *Report) add(of any) {
	o, ok := of.(Reporter)
	if !ok {
		return
	}
	inner := o.Report()
	r.Products.Add(inner.Products)
	r.Factorisations.Add(inner.Factorisations)
	r.fall(inner.Fallback)
}
