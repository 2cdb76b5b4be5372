package docs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/slurm"
)

// TestSlurmKeys holds the table of keys in cluster.md to the program.
func TestSlurmKeys(t *testing.T) {
	page, err := os.ReadFile("cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, k := range slurm.Keys {
		fmt.Fprintf(&want, "| `%s` | %s |\n", k.Name, k.Doc)
	}
	if !strings.Contains(string(page), "| key | |\n|---|---|\n"+want.String()+"\n") {
		t.Errorf("the table of keys is not\n%s", &want)
	}
}
