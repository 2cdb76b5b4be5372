//go:build !unix

package interrupt

import "os"

var yieldSignals []os.Signal // there is none
