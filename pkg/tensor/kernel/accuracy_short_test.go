//go:build !long

package kernel

const accuracyStep = 9973
