package docs_test

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// packages has the folders of public packages, and of the modules that they are in.
var packages = map[string]string{
	".": ".", "flowtrack": ".", "tunstats": ".", "logtail": ".", "logtail/spool": ".", "logtail/buffertest": ".",
	"logtail/receiver": ".", "logtail/receiver/page": ".", "record": ".", "wgtun": "wgtun", "netif": "netif", "otel": "otel",
}

func TestPackageDocProgram(t *testing.T) {
	for folder, module := range packages {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			program := firstProgram(t, filepath.Join("..", folder))
			name := "main.go"
			if !strings.HasPrefix(program, "package main\n") {
				name = "program_test.go"
			}
			vet(t, filepath.Join("..", module), name, program)
		})
	}
}

func TestREADMEProgram(t *testing.T) {
	_, body, _ := strings.Cut(firstProgram(t, ".."), "func main() {\n")
	body = strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll("\n"+body, "\n\t", "\n"), "\n"), "}\n")
	qt.Check(t, strings.Contains(read(t, "../README.md"), "```go\n"+body+"```"), qt.IsTrue, qt.Commentf("%s", body))
}

// TestExamplesStandAlone checks that examples use nothing from other files, so that pkg.go.dev shows them
// as complete programs.
func TestExamplesStandAlone(t *testing.T) {
	for folder := range packages {
		if folder == "logtail/buffertest" {
			continue // its program is a test, not an example
		}
		name := filepath.Join("..", folder, "example_test.go")
		t.Run(folder, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			qt.Assert(t, err, qt.IsNil)
			imported := make(map[string]bool)
			for _, spec := range file.Imports {
				p, err := strconv.Unquote(spec.Path.Value)
				qt.Assert(t, err, qt.IsNil)
				imported[path.Base(p)] = true
				if spec.Name != nil {
					imported[spec.Name.Name] = true
				}
			}
			for _, ident := range file.Unresolved {
				if types.Universe.Lookup(ident.Name) == nil && !imported[ident.Name] {
					t.Errorf("%s is declared in another file", ident.Name)
				}
			}
		})
	}
}

// firstProgram returns the first code block in the doc of the package in folder.
func firstProgram(t *testing.T, folder string) string {
	t.Helper()
	for _, block := range new(comment.Parser).Parse(packageDoc(t, folder)).Content {
		if code, ok := block.(*comment.Code); ok {
			return code.Text
		}
	}
	t.Fatal("no code in the package doc")
	return ""
}

// packageDoc returns the doc of the package in folder.
func packageDoc(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	qt.Assert(t, err, qt.IsNil)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
		qt.Assert(t, err, qt.IsNil)
		if file.Doc != nil {
			return file.Doc.Text()
		}
	}
	t.Fatal("no package doc")
	return ""
}

// vet checks a program with go vet, which also compiles it.
func vet(t *testing.T, module, name, program string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	file := filepath.Join(t.TempDir(), name)
	qt.Assert(t, os.WriteFile(file, []byte(program), 0o600), qt.IsNil)
	cmd := exec.CommandContext(t.Context(), "go", "vet", file)
	cmd.Dir = module
	out, err := cmd.CombinedOutput()
	qt.Check(t, err, qt.IsNil, qt.Commentf("%s\n%s", out, program))
}
