package oracles

// A memory keeps k dual variables for each example of the training set, from one
// mini-batch that has it to the next.
type memory struct {
	k      int
	values []float64 // of example e from e k on; 0 for one not seen yet
}

func newMemory(k int) *memory { return &memory{k: k} }

// exampleAt returns the number of example i of a mini-batch, see [Batch].
func exampleAt(examples []int, i int) int {
	if examples == nil {
		return i
	}
	return examples[i]
}

// load copies the variables of the examples of a mini-batch to s, m x k.
func (w *memory) load(s []float64, examples []int) {
	clear(s)
	for i := range len(s) / w.k {
		if e := exampleAt(examples, i); (e+1)*w.k <= len(w.values) {
			copy(s[i*w.k:(i+1)*w.k], w.values[e*w.k:])
		}
	}
}

// store keeps the variables of a mini-batch.
func (w *memory) store(s []float64, examples []int) {
	for i := range len(s) / w.k {
		e := exampleAt(examples, i)
		if need := (e + 1) * w.k; need > len(w.values) {
			w.values = append(w.values, make([]float64, need-len(w.values))...)
		}
		copy(w.values[e*w.k:(e+1)*w.k], s[i*w.k:])
	}
}
