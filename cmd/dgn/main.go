// Command dgn runs experiments with dual Gauss-Newton directions.
package main

import (
	"os"

	"github.com/dualgn/dgn/pkg/cli"
)

// version is set by the linker for releases: -ldflags "-X main.version=v1.2.3".
var version string

func main() { os.Exit(cli.Main(version)) }
