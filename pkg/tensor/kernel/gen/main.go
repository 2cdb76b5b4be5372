// Command gen writes the assembly of package kernel, with avo.
//
// It is a module of its own, so that dgn does not depend on avo. The files
// change only together with it: CI runs it and compares.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/reg"
)

//go:generate go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg kernel

func main() {
	ConstraintExpr("!noasm")
	for _, f64 := range []bool{false, true} {
		for _, v := range []vectors{avx512, avx2} {
			for i, most := range v.heights {
				for rows := 1; rows <= most; rows++ {
					product(v, f64, rows, i+1)
				}
			}
			for rows := 1; rows <= directRows; rows++ {
				direct(v, f64, rows)
			}
			for width := 2; width <= len(v.heights); width++ {
				copyPanel(v, f64, width)
			}
			elementwiseKernels(v, f64)
			finishes(v, f64)
			for rows := 1; rows <= gatedRows(v, f64); rows++ {
				gated(v, f64, rows)
			}
			scaleRows(v, f64)
			multiplyAdd(v, f64)
		}
		gather(Z0, 64, f64)
		gather(Y0, 32, f64)
		gather(X0, 16, f64)
		transpose(avx512, f64, transpose512(f64))
		transpose(avx2, f64, transpose256(f64))
		deal(f64)
	}
	for _, v := range []vectors{avx512, avx2} {
		transcendental(v, true)
		transcendental(v, false)
		jets(v, true)
		jets(v, false)
		widen(v)
		factor(v)
		solve(v)
		largestOfFour(v, false)
		largestOfFour(v, true)
		spreadOfFour(v)
		for _, f64 := range []bool{false, true} {
			peak(v, f64)
		}
	}
	lookUp()
	linearBytes()
	for _, f64 := range []bool{false, true} {
		for _, v := range []vectors{avx512, avx2} {
			normKernels(v, f64)
			most, _ := correlated(v)
			for filters := 1; filters <= most; filters++ {
				correlate(v, f64, filters)
			}
			for width := 1; width <= 2; width++ {
				for rows := 1; rows <= v.rows; rows++ {
					taps(v, f64, rows, width)
				}
			}
			for run := 2; v.isa == 256 && run <= maxRun; run++ { // blocks of AVX-512 have more rows than there are registers
				for rows := 1; rows <= v.rows; rows++ {
					tapRuns(v, f64, run, rows)
				}
			}
		}
		for _, to := range []bool{false, true} {
			transposeRows(avx512, f64, to, transpose512(f64))
			transposeRows(avx2, f64, to, transpose256(f64))
		}
	}
	fetch()
	pause()
	Generate()
}
