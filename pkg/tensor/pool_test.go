package tensor

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestUse: a pool runs loops on fewer of its threads and on all again, each index once,
// on no thread beyond those, and with the same bits.
func TestUse(t *testing.T) {
	pool := NewPool(4)
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := randomMatrix[float32](rng, 128, 300, 0), randomMatrix[float32](rng, 256, 300, 0)
	var first []float32
	for _, threads := range []int{4, 1, 2, 4, 3, 1, 4} {
		pool.Use(threads)
		if pool.Threads() != threads {
			t.Fatalf("%d threads, want %d", pool.Threads(), threads)
		}
		for range 200 {
			seen := make([]int, 1000)
			pool.forOn(len(seen), 10, func(worker, lo, hi int) {
				if worker >= threads {
					t.Errorf("thread %d takes part in a loop of %d", worker, threads)
				}
				for i := lo; i < hi; i++ {
					seen[i]++
				}
			})
			if slices.Min(seen) != 1 || slices.Max(seen) != 1 {
				t.Fatal("not every index was visited once")
			}
		}
		c := New[float32](128, 256)
		Gemm(pool, NoTrans, Trans, 1, a, b, 0, c)
		if first == nil {
			first = c.Data
		} else if !slices.Equal(first, c.Data) {
			t.Errorf("other bits with %d of 4 threads", threads)
		}
	}
	for _, bad := range []int{0, 5} {
		panics(t, "Use", "tensor: Use: the pool has not so many threads", func() { pool.Use(bad) })
	}
}

// TestNewPoolOn: every thread besides the caller's begins with the call, once.
func TestNewPoolOn(t *testing.T) {
	var mu sync.Mutex
	var all sync.WaitGroup
	var began []int
	all.Add(3)
	pool := NewPoolOn(4, func(thread int) {
		defer all.Done()
		mu.Lock()
		defer mu.Unlock()
		began = append(began, thread)
	})
	defer pool.Close()
	all.Wait()
	if slices.Sort(began); !slices.Equal(began, []int{1, 2, 3}) {
		t.Errorf("threads %v began", began)
	}
}
