package embed

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// build compiles a program of this module or its requirements, and returns its path. files are files of the program that
// do not exist, by name below this folder, with their content.
func build(t *testing.T, pkg string, files map[string]string) string {
	t.Helper()
	c := qt.New(t)
	dir := t.TempDir()
	here, err := os.Getwd()
	c.Assert(err, qt.IsNil)
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for name, text := range files {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		c.Assert(os.WriteFile(path, []byte(text), 0o600), qt.IsNil)
		overlay.Replace[filepath.Join(here, name)] = path
	}
	text, err := json.Marshal(overlay)
	c.Assert(err, qt.IsNil)
	list := filepath.Join(dir, "overlay.json")
	c.Assert(os.WriteFile(list, text, 0o600), qt.IsNil)
	program := filepath.Join(dir, "program")
	goCommand(t, "build", "-overlay", list, "-o", program, pkg)
	return program
}

// goCommand runs the go command in this module and returns its output.
func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var stderr []byte
	if exit, ok := err.(*exec.ExitError); ok {
		stderr = exit.Stderr
	}
	qt.Assert(t, err, qt.IsNil, qt.Commentf("go %s: %s", strings.Join(args, " "), stderr))
	return out
}

// buildChanged compiles the program at the root of a module with the changes of folder/main.diff, as a package below
// folder.
func buildChanged(t *testing.T, module, folder string) string {
	t.Helper()
	c := qt.New(t)
	var info struct{ Dir string }
	c.Assert(json.Unmarshal(goCommand(t, "mod", "download", "-json", module), &info), qt.IsNil)
	files := make(map[string]string)
	for _, name := range []string{"main.go", "version.go"} {
		text, err := os.ReadFile(filepath.Join(info.Dir, name))
		c.Assert(err, qt.IsNil)
		files[folder+"/program/"+name] = string(text)
	}
	diff, err := os.ReadFile(filepath.Join(folder, "main.diff"))
	c.Assert(err, qt.IsNil)
	main := folder + "/program/main.go"
	files[main] = apply(t, files[main], string(diff))
	return build(t, "./"+folder+"/program", files)
}

// apply changes text. Empty lines separate the hunks of diff. A line that begins with a space or "-" is in the text, one
// that begins with a space or "+" in the result.
func apply(t *testing.T, text, diff string) string {
	t.Helper()
	for hunk := range strings.SplitSeq(strings.TrimRight(diff, "\n"), "\n\n") {
		var before, after strings.Builder
		for line := range strings.Lines(hunk + "\n") {
			switch line[0] {
			case ' ':
				before.WriteString(line[1:])
				after.WriteString(line[1:])
			case '-':
				before.WriteString(line[1:])
			case '+':
				after.WriteString(line[1:])
			default:
				t.Fatalf("line %q of a diff", line)
			}
		}
		qt.Assert(t, strings.Count("\n"+text, "\n"+before.String()), qt.Equals, 1, qt.Commentf("%s", hunk))
		text = strings.Replace("\n"+text, "\n"+before.String(), "\n"+after.String(), 1)[1:]
	}
	return text
}
