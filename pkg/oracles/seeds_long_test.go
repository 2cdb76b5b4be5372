//go:build long

package oracles

const everySeed = true
