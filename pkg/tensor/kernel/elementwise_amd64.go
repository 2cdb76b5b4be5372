//go:build !noasm

package kernel

var (
	passes32 = [...]*passes[float32]{AVX2: &passes256s, AVX512: &passes512s}
	passes64 = [...]*passes[float64]{AVX2: &passes256d, AVX512: &passes512d}
)

var (
	passes256s = passes[float32]{
		lanes: 8, masks: laneMasks(8),
		axpy:           axpy256s,
		scale:          scale256s,
		multiply:       multiply256s,
		relu:           relu256s,
		dot:            dot256s,
		copySum:        copySum256s,
		exp:            exp256s,
		tanh:           tanh256s,
		sigmoid:        sigmoid256s,
		softplus:       softplus256s,
		gelu:           gelu256s,
		largestOfFour:  largestOfFour256,
		sgdUpdate:      sgdUpdate256s,
		sgdStep:        sgdStep256s,
		momentumUpdate: momentumUpdate256s,
		nesterovUpdate: nesterovUpdate256s,
		momentumStep:   momentumStep256s,
		nesterovStep:   nesterovStep256s,
		adamUpdate:     adamUpdate256s,
		adamStep:       adamStep256s,
	}
	passes256d = passes[float64]{
		lanes: 4, masks: laneMasks(4),
		axpy:           axpy256d,
		scale:          scale256d,
		multiply:       multiply256d,
		relu:           relu256d,
		dot:            dot256d,
		copySum:        copySum256d,
		exp:            exp256d,
		sgdUpdate:      sgdUpdate256d,
		sgdStep:        sgdStep256d,
		momentumUpdate: momentumUpdate256d,
		nesterovUpdate: nesterovUpdate256d,
		momentumStep:   momentumStep256d,
		nesterovStep:   nesterovStep256d,
		adamUpdate:     adamUpdate256d,
		adamStep:       adamStep256d,
	}
	passes512s = passes[float32]{
		lanes: 16, masks: opmasks(16),
		axpy:           axpy512s,
		scale:          scale512s,
		multiply:       multiply512s,
		relu:           relu512s,
		dot:            dot512s,
		copySum:        copySum512s,
		exp:            exp512s,
		tanh:           tanh512s,
		sigmoid:        sigmoid512s,
		softplus:       softplus512s,
		gelu:           gelu512s,
		largestOfFour:  largestOfFour512,
		sgdUpdate:      sgdUpdate512s,
		sgdStep:        sgdStep512s,
		momentumUpdate: momentumUpdate512s,
		nesterovUpdate: nesterovUpdate512s,
		momentumStep:   momentumStep512s,
		nesterovStep:   nesterovStep512s,
		adamUpdate:     adamUpdate512s,
		adamStep:       adamStep512s,
	}
	passes512d = passes[float64]{
		lanes: 8, masks: opmasks(8),
		axpy:           axpy512d,
		scale:          scale512d,
		multiply:       multiply512d,
		relu:           relu512d,
		dot:            dot512d,
		copySum:        copySum512d,
		exp:            exp512d,
		sgdUpdate:      sgdUpdate512d,
		sgdStep:        sgdStep512d,
		momentumUpdate: momentumUpdate512d,
		nesterovUpdate: nesterovUpdate512d,
		momentumStep:   momentumStep512d,
		nesterovStep:   nesterovStep512d,
		adamUpdate:     adamUpdate512d,
		adamStep:       adamStep512d,
	}
)
