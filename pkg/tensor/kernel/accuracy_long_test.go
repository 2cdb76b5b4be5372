//go:build long

package kernel

const accuracyStep = 1
