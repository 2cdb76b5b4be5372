package cli

import (
	"cmp"
	"fmt"

	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and what it runs on",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b, m := experiment.ThisBuild(a.version), experiment.ThisMachine()
			commit := cmp.Or(b.Commit, "unknown")
			if b.Modified {
				commit += " (modified)"
			}
			_, err := fmt.Fprintf(a.stdout, "dgn      %s\ncommit   %s\ngo       %s %s/%s\ncpu      %s\nkernels  %s\n",
				b.Version, commit, b.GoVersion, m.OS, m.Arch, m.CPU, m.ISA)
			return err
		},
	}
}
