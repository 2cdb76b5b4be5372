package tensor

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dualgn/dgn/pkg/tensor/kernel"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/blas/testblas"
)

var (
	_ testblas.Dgemmer = BLAS{}
	_ interface {
		Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int)
	} = BLAS{}
)

// each runs a test with every instruction set of this machine and build.
func each(t *testing.T, f func(t *testing.T)) {
	before := kernel.Active()
	defer kernel.Use(before)
	for _, isa := range kernel.Available() {
		kernel.Use(isa)
		t.Run(isa.String(), f)
	}
}

// TestBLAS runs gonum's own tests of a Dgemm.
func TestBLAS(t *testing.T) {
	each(t, func(t *testing.T) { testblas.TestDgemm(t, BLAS{}) })
}

// FuzzDgemm compares with gonum's product.
func FuzzDgemm(f *testing.F) {
	f.Add(uint8(3), uint8(4), uint8(5), uint8(0), uint8(1), uint8(2), uint8(0), 1.0, 0.0, uint64(1))
	f.Add(uint8(128), uint8(33), uint8(200), uint8(3), uint8(0), uint8(0), uint8(9), -0.5, 2.0, uint64(2))
	f.Add(uint8(0), uint8(1), uint8(0), uint8(1), uint8(7), uint8(0), uint8(0), 0.0, 1.0, uint64(3))
	f.Fuzz(func(t *testing.T, m, n, k, trans, da, db, dc uint8, alpha, beta float64, seed uint64) {
		if alpha < -1e3 || alpha > 1e3 || beta < -1e3 || beta > 1e3 || alpha != alpha || beta != beta {
			return
		}
		ta, tb := trans&1 == 1, trans&2 == 2
		tr := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
		make2 := func(t bool, r, c, gap uint8) ([]float64, int) {
			rows, cols := int(r), int(c)
			if t {
				rows, cols = cols, rows
			}
			ld := max(1, cols) + int(gap%16)
			return random[float64](rand.New(rand.NewPCG(seed, uint64(r))), rows*ld), ld
		}
		a, lda := make2(ta, m, k, da)
		b, ldb := make2(tb, k, n, db)
		c, ldc := make2(false, m, n, dc)
		want := append([]float64(nil), c...)
		BLAS{}.Dgemm(tr[ta], tr[tb], int(m), int(n), int(k), alpha, a, lda, b, ldb, beta, c, ldc)
		gonum.Implementation{}.Dgemm(tr[ta], tr[tb], int(m), int(n), int(k), alpha, a, lda, b, ldb, beta, want, ldc)
		for i := range c {
			if d := c[i] - want[i]; !(d <= 1e-9*(1+1e3) && d >= -1e-9*(1+1e3)) {
				t.Fatalf("element %d: %g, gonum has %g", i, c[i], want[i])
			}
		}
	})
}

// TestThreads: any number of threads gives the same bits, with shapes that are
// cut by rows and by columns.
func TestThreads(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, s := range [][3]int{{128, 256, 784}, {700, 10, 300}, {33, 1000, 100}, {256, 256, 64}} {
			m, n, k := s[0], s[1], s[2]
			a, b := randomMatrix[float32](rng, m, k, 3), randomMatrix[float32](rng, k, n, 0)
			want := New[float32](m, n)
			Gemm(nil, NoTrans, NoTrans, 1, a, b, 0, want)
			for threads := 2; threads <= 5; threads++ {
				pool := NewPool(threads)
				c := New[float32](m, n)
				Gemm(pool, NoTrans, NoTrans, 1, a, b, 0, c)
				pool.Close()
				for i, v := range c.Data {
					if v != want.Data[i] {
						t.Fatalf("%v: %d threads give other bits than one", s, threads)
					}
				}
			}
		}
	})
}

func TestBLASPanics(t *testing.T) {
	x := make([]float64, 12)
	for name, f := range map[string]func(){
		"tensor: gemm: a negative size":                          func() { BLAS{}.Dgemm(blas.NoTrans, blas.NoTrans, -1, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
		"tensor: gemm: a row length below the number of columns": func() { BLAS{}.Dgemm(blas.NoTrans, blas.NoTrans, 2, 2, 3, 1, x, 2, x, 2, 0, x, 2) },
		"tensor: a matrix that is larger than its data":          func() { BLAS{}.Dgemm(blas.NoTrans, blas.NoTrans, 4, 4, 4, 1, x, 4, x, 4, 0, x, 4) },
		"tensor: gemm: not a transposition":                      func() { BLAS{}.Dgemm('x', blas.NoTrans, 2, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
	} {
		panics(t, name, name, f)
	}
	c := New[float32](3, 3)
	short := Matrix[float32]{3, 3, 3, make([]float32, 8)}
	panics(t, "a short matrix", "tensor: a matrix that is larger than its data", func() { Gemm(nil, NoTrans, NoTrans, 1, short, c, 0, c) })
}

// BenchmarkSmall compares small products with a plain loop.
func BenchmarkSmall(b *testing.B) {
	for _, n := range []int{2, 4, 8, 16, 32} {
		x, y, z := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
		p, q, r := View(n, n, x), View(n, n, y), View(n, n, z)
		pool := NewPool(1)
		b.Run(fmt.Sprintf("kernel/%d", n), func(b *testing.B) {
			for b.Loop() {
				Gemm(pool, NoTrans, NoTrans, 1, p, q, 0, r)
			}
		})
		b.Run(fmt.Sprintf("loop/%d", n), func(b *testing.B) {
			for b.Loop() {
				for i := range n {
					row := z[i*n : i*n+n]
					clear(row)
					for k, a := range x[i*n : i*n+n] {
						for j, v := range y[k*n : k*n+n] {
							row[j] += a * v
						}
					}
				}
			}
		})
	}
}

// BenchmarkGonum is gonum's own float32 product, for comparison.
func BenchmarkGonum(b *testing.B) {
	for _, s := range []struct {
		m, n, k int
		ta, tb  blas.Transpose
	}{
		{128, 256, 784, blas.NoTrans, blas.Trans}, {128, 784, 256, blas.NoTrans, blas.NoTrans}, {256, 784, 128, blas.Trans, blas.NoTrans},
		{512, 512, 512, blas.NoTrans, blas.NoTrans}, {1024, 1024, 1024, blas.NoTrans, blas.NoTrans}, {128, 10, 256, blas.NoTrans, blas.Trans},
	} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.m, s.n, s.k), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			x, y, z := random[float32](rng, s.m*s.k), random[float32](rng, s.k*s.n), make([]float32, s.m*s.n)
			lda, ldb := s.k, s.n
			if s.ta == blas.Trans {
				lda = s.m
			}
			if s.tb == blas.Trans {
				ldb = s.k
			}
			for b.Loop() {
				gonum.Implementation{}.Sgemm(s.ta, s.tb, s.m, s.n, s.k, 1, x, lda, y, ldb, 0, z, s.n)
			}
			b.ReportMetric(2*float64(s.m*s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// TestEmptyInner: with k = 0 there is nothing to read, whatever the strides.
func TestEmptyInner(t *testing.T) {
	for _, beta := range []float64{0, 1, 2} {
		for _, tb := range []Transpose{NoTrans, Trans} {
			b := Matrix[float64]{0, 3, 5, nil}
			if tb {
				b = Matrix[float64]{3, 0, 5, nil}
			}
			c := View(2, 3, []float64{1, 1, 1, 1, 1, 1})
			Gemm(nil, NoTrans, tb, 1, Matrix[float64]{2, 0, 4, nil}, b, beta, c)
			for _, v := range c.Data {
				if v != beta {
					t.Fatalf("beta %g gives %g", beta, v)
				}
			}
		}
	}
}
