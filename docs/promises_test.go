// Package docs_test checks that the tests, packages and programs in the documents exist.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// code matches a code span of Markdown.
var code = regexp.MustCompile("`([^`]+)`")

func TestPromisesNameTests(t *testing.T) {
	c := qt.New(t)
	rows := tableRows(read(t, "promises.md"))
	c.Assert(len(rows) > 70, qt.IsTrue, qt.Commentf("%d rows: cannot parse the tables", len(rows)))
	functions := make(map[string]map[string]bool) // by folder
	for _, row := range rows {
		named, folder := 0, ""
		for _, match := range code.FindAllStringSubmatch(row[len(row)-1], -1) {
			switch what := match[1]; {
			case strings.HasPrefix(what, "."):
				folder = what
				if functions[folder] == nil {
					functions[folder] = testFunctions(t, filepath.Join("..", folder))
				}
			case strings.Contains(what, "go run "):
				named++
				checkCommand(c, what)
			default:
				named++
				c.Check(functions[folder][what], qt.IsTrue, qt.Commentf("no %s in %q, for: %s", what, folder, row[0]))
			}
		}
		c.Check(named > 0, qt.IsTrue, qt.Commentf("no test for: %s", row[0]))
	}
}

func TestPromisesCoverREADME(t *testing.T) {
	c := qt.New(t)
	readme, promises := read(t, "../README.md"), read(t, "promises.md")
	var names []string
	for _, row := range tableRows(chapter(readme, "What is promised")) {
		names = append(names, row[0])
	}
	c.Assert(len(names) > 12, qt.IsTrue, qt.Commentf("cannot parse the README: %q", names))
	for _, name := range names {
		c.Check(strings.Contains(promises, "| **"+name+"**: "), qt.IsTrue, qt.Commentf("no row for %q", name))
	}
}

func TestContributingListsLongTests(t *testing.T) {
	c := qt.New(t)
	contributing := read(t, "../CONTRIBUTING.md")
	asked := regexp.MustCompile(`os\.Getenv\("(NETLOG_[A-Z_]+)"\)`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, match := range asked.FindAllStringSubmatch(read(t, path), -1) {
			c.Check(strings.Contains(contributing, "`"+match[1]+"="), qt.IsTrue, qt.Commentf("%s in %s", match[1], path))
		}
		return nil
	})
	c.Assert(err, qt.IsNil)
}

// tableRows returns the cells of all table rows, without headings and rows whose first cell is empty.
func tableRows(text string) (rows [][]string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "| ") || i+1 < len(lines) && strings.HasPrefix(lines[i+1], "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) > 1 && !strings.HasPrefix(cells[0], "---") {
			rows = append(rows, cells)
		}
	}
	return rows
}

// chapter returns the text between a heading and the next one.
func chapter(text, heading string) string {
	_, text, _ = strings.Cut(text, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// testFunctions returns the names of the tests, benchmarks and fuzz targets in a folder.
func testFunctions(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	qt.Assert(t, err, qt.IsNil)
	names := make(map[string]bool)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		qt.Assert(t, err, qt.IsNil)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]`).MatchString(f.Name.Name) {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// checkCommand checks that the folders in a command exist, and the name after -run.
func checkCommand(c *qt.C, command string) {
	c.Helper()
	words := strings.Fields(command)
	for i, word := range words {
		switch {
		case strings.Contains(word, "/"):
			_, err := os.Stat(filepath.Join("..", word))
			c.Check(err, qt.IsNil, qt.Commentf("%s", command))
		case word == "-run":
			c.Check(strings.Contains(read(c, "../internal/bench/main.go"), `{"`+words[i+1]+`",`), qt.IsTrue, qt.Commentf("%s", command))
		}
	}
}

// read returns the content of a file with Unix line endings.
func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	qt.Assert(t, err, qt.IsNil)
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}
