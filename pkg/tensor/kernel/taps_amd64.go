//go:build !noasm

package kernel

var (
	taps32 = [...]*tapsSet[float32]{AVX2: &taps256s, AVX512: &taps512s}
	taps64 = [...]*tapsSet[float64]{AVX2: &taps256d, AVX512: &taps512d}
)

var (
	taps512s = tapsSet[float32]{
		lanes: 16, rows: 14,
		taps: [2][maxRows + 1]tapsKernel[float32]{
			{nil, taps512s1x1, taps512s2x1, taps512s3x1, taps512s4x1, taps512s5x1, taps512s6x1, taps512s7x1, taps512s8x1, taps512s9x1, taps512s10x1, taps512s11x1, taps512s12x1, taps512s13x1, taps512s14x1},
			{nil, taps512s1x2, taps512s2x2, taps512s3x2, taps512s4x2, taps512s5x2, taps512s6x2, taps512s7x2, taps512s8x2, taps512s9x2, taps512s10x2, taps512s11x2, taps512s12x2, taps512s13x2, taps512s14x2},
		},
		to: transposeTo512s, from: transposeFrom512s,
		correlate: correlateSet[float32]{9, []correlateKernel[float32]{correlate512s1, correlate512s2, correlate512s3}},
	}
	taps512d = tapsSet[float64]{
		lanes: 8, rows: 14,
		taps: [2][maxRows + 1]tapsKernel[float64]{
			{nil, taps512d1x1, taps512d2x1, taps512d3x1, taps512d4x1, taps512d5x1, taps512d6x1, taps512d7x1, taps512d8x1, taps512d9x1, taps512d10x1, taps512d11x1, taps512d12x1, taps512d13x1, taps512d14x1},
			{nil, taps512d1x2, taps512d2x2, taps512d3x2, taps512d4x2, taps512d5x2, taps512d6x2, taps512d7x2, taps512d8x2, taps512d9x2, taps512d10x2, taps512d11x2, taps512d12x2, taps512d13x2, taps512d14x2},
		},
		to: transposeTo512d, from: transposeFrom512d,
		correlate: correlateSet[float64]{9, []correlateKernel[float64]{correlate512d1, correlate512d2, correlate512d3}},
	}
	taps256s = tapsSet[float32]{
		lanes: 8, rows: 6,
		taps: [2][maxRows + 1]tapsKernel[float32]{
			{nil, taps256s1x1, taps256s2x1, taps256s3x1, taps256s4x1, taps256s5x1, taps256s6x1},
			{nil, taps256s1x2, taps256s2x2, taps256s3x2, taps256s4x2, taps256s5x2, taps256s6x2},
		},
		runs: [maxRun + 1][]tapRunsKernel[float32]{
			2: {nil, tapRuns256s2x1, tapRuns256s2x2, tapRuns256s2x3, tapRuns256s2x4, tapRuns256s2x5, tapRuns256s2x6},
			3: {nil, tapRuns256s3x1, tapRuns256s3x2, tapRuns256s3x3, tapRuns256s3x4, tapRuns256s3x5, tapRuns256s3x6},
			4: {nil, tapRuns256s4x1, tapRuns256s4x2, tapRuns256s4x3, tapRuns256s4x4, tapRuns256s4x5, tapRuns256s4x6},
		},
		to: transposeTo256s, from: transposeFrom256s,
		correlate: correlateSet[float32]{5, []correlateKernel[float32]{correlate256s1, correlate256s2}},
	}
	taps256d = tapsSet[float64]{
		lanes: 4, rows: 6,
		taps: [2][maxRows + 1]tapsKernel[float64]{
			{nil, taps256d1x1, taps256d2x1, taps256d3x1, taps256d4x1, taps256d5x1, taps256d6x1},
			{nil, taps256d1x2, taps256d2x2, taps256d3x2, taps256d4x2, taps256d5x2, taps256d6x2},
		},
		runs: [maxRun + 1][]tapRunsKernel[float64]{
			2: {nil, tapRuns256d2x1, tapRuns256d2x2, tapRuns256d2x3, tapRuns256d2x4, tapRuns256d2x5, tapRuns256d2x6},
			3: {nil, tapRuns256d3x1, tapRuns256d3x2, tapRuns256d3x3, tapRuns256d3x4, tapRuns256d3x5, tapRuns256d3x6},
			4: {nil, tapRuns256d4x1, tapRuns256d4x2, tapRuns256d4x3, tapRuns256d4x4, tapRuns256d4x5, tapRuns256d4x6},
		},
		to: transposeTo256d, from: transposeFrom256d,
		correlate: correlateSet[float64]{5, []correlateKernel[float64]{correlate256d1, correlate256d2}},
	}
)
