//go:build !amd64 || noasm

package kernel

func lookUpBlocks([]float32, []uint8, []uint8, *uint8) (done int) { return 0 }
