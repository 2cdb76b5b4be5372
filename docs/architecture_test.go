package docs_test

import (
	"cmp"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dualgn/dgn/"

// TestImports holds the list of packages in architecture.md to the code: every package
// is in it, and imports only those above it.
func TestImports(t *testing.T) {
	page, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, m := range regexp.MustCompile(`(?m)^((?:pkg|cmd|examples)/[a-z/]+) {2,}\S`).FindAllStringSubmatch(string(page), -1) {
		place[m[1]] = i
	}
	found := map[string]bool{}
	for _, root := range []string{"pkg", "cmd", "examples"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(file string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if e.IsDir() && (e.Name() == "testdata" || e.Name() == "gen") { // of which gen is a module of its own
				return fs.SkipDir
			}
			if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return nil
			}
			own := strings.TrimPrefix(path.Dir(filepath.ToSlash(file)), "../")
			at, ok := place[own]
			if !ok {
				if !found[own] {
					t.Errorf("%s is not in the list", own)
				}
				found[own] = true
				return nil
			}
			found[own] = true
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, i := range f.Imports {
				other, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module)
				if where, ok := place[other]; ours && (!ok || where >= at) {
					t.Errorf("%s imports %s, which is not above it in the list", file, other)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range place {
		if !found[name] {
			t.Errorf("there is no package %s", name)
		}
	}
	if len(place) < 20 {
		t.Errorf("the list has %d packages", len(place))
	}
}

// TestLongTests holds the Makefile to the tests of the tag long, which no other command runs: each is in it.
func TestLongTests(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^\tgo test -tags long -run '\^\(?([\w|]+)\)?\$\$' (.*)$`).FindAllStringSubmatch(string(makefile), -1)
	runs := func(test, dir string) bool {
		return slices.ContainsFunc(commands, func(c []string) bool {
			return slices.Contains(strings.Split(c[1], "|"), test) && slices.Contains(strings.Fields(c[2]), "./"+dir)
		})
	}
	found := 0
	for _, root := range []string{"pkg", "cmd", "examples", "docs", "scripts"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(file string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() && e.Name() == "browser" { // make browser runs all of that package
				return cmp.Or(err, fs.SkipDir)
			}
			if !strings.HasSuffix(file, "_test.go") {
				return nil
			}
			text, err := os.ReadFile(file)
			if err != nil || !regexp.MustCompile(`(?m)^//go:build .*\blong\b`).Match(text) || strings.Contains(string(text), "//go:build !long") {
				return err
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t `).FindAllStringSubmatch(string(text), -1) {
				found++
				if dir := strings.TrimPrefix(path.Dir(filepath.ToSlash(file)), "../"); !runs(m[1], dir) {
					t.Errorf("%s: no command of the Makefile runs %s of %s with -tags long", file, m[1], dir)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 5 {
		t.Errorf("only %d tests of the tag long were found", found)
	}
}
