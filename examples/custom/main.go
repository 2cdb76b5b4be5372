// Command custom is dgn with a layer more, swish, which the file swish.go registers.
package main

import (
	"os"

	"github.com/dualgn/dgn/pkg/cli"
)

func main() { os.Exit(cli.Main("")) }
