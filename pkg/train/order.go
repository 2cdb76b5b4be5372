package train

import "math/rand/v2"

// Random streams. Each use of chance has its own, so that drawing more in one
// place changes nothing elsewhere.
const (
	streamWeights = iota + 1
	streamSubset
	streamOrder // plus the epoch in the upper half
	streamAugment
)

func stream(seed, id uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, id)) }

// An order says which examples make the mini-batch of each step: every epoch a
// fresh permutation, drawn from the seed and the epoch alone, so that all
// methods see the same batches and a resumed run needs no random state.
type order struct {
	seed  uint64
	size  int // of a batch
	perm  []int
	epoch int // that perm belongs to; -1: none yet

	source *rand.PCG // of each epoch
	rng    *rand.Rand
}

func newOrder(seed uint64, examples, size int) *order {
	source := rand.NewPCG(0, 0)
	return &order{seed: seed, size: size, perm: make([]int, examples), epoch: -1, source: source, rng: rand.New(source)}
}

// perEpoch is the number of whole batches; the rest of an epoch is dropped.
func (o *order) perEpoch() int { return len(o.perm) / o.size }

// batch returns the examples of a step, valid until the next call.
func (o *order) batch(step int) []int {
	epoch, i := step/o.perEpoch(), step%o.perEpoch()
	if epoch != o.epoch {
		for j := range o.perm {
			o.perm[j] = j
		}
		o.source.Seed(o.seed, streamOrder|uint64(epoch)<<32)
		o.rng.Shuffle(len(o.perm), func(a, b int) { o.perm[a], o.perm[b] = o.perm[b], o.perm[a] })
		o.epoch = epoch
	}
	return o.perm[i*o.size : (i+1)*o.size]
}
