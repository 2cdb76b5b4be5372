package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dualgn/dgn/pkg/config"
)

// block matches a code block of the README.
var block = regexp.MustCompile("(?s)```(sh|yaml)\n(.*?)```")

// readmeIn returns the command lines and the configs of a README.
func readmeIn(t *testing.T, path string) (commands, configs []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "yaml" {
			configs = append(configs, m[2])
			continue
		}
		commands = append(commands, strings.Split(strings.TrimSpace(m[2]), "\n")...)
	}
	return commands, configs
}

func TestReadmeConfig(t *testing.T) {
	_, configs := readmeIn(t, "../../README.md")
	if len(configs) == 0 {
		t.Fatal("the README shows no config")
	}
	for _, text := range configs {
		if _, err := config.Parse("README.md", []byte(text), nil); err != nil {
			t.Error(err)
		}
	}
}
