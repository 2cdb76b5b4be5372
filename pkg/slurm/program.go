package slurm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// ThisProgram is the path of the program that runs, for elements of a job to begin. That of go run
// is gone when they do.
func ThisProgram() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(path)))), "go-build") {
		return "", errors.New("go run removes the program when it ends, before a job begins: build it (go build -o bin/ ./cmd/dgn), and submit with that, from a folder that the nodes share")
	}
	return path, nil
}
