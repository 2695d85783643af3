package docs_test

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestEmbeddingQuotes checks that each code block of embedding.md is in the files that the line before it links to.
func TestEmbeddingQuotes(t *testing.T) {
	block := regexp.MustCompile("(?m)^(.*)\n\n```(?:go|diff)\n((?s:.*?))```$")
	links := regexp.MustCompile(`\]\((\.\./[^)]+)\)`)
	blocks := block.FindAllStringSubmatch(read(t, "embedding.md"), -1)
	qt.Assert(t, len(blocks) > 7, qt.IsTrue, qt.Commentf("%d blocks", len(blocks)))
	for _, b := range blocks {
		files := links.FindAllStringSubmatch(b[1], -1)
		qt.Check(t, len(files) > 0, qt.IsTrue, qt.Commentf("no link to a file in %q", b[1]))
		for _, file := range files {
			qt.Check(t, strings.Contains(read(t, file[1]), b[2]), qt.IsTrue, qt.Commentf("%s no longer has:\n%s", file[1], b[2]))
		}
	}
}

// TestEmbeddingLines checks the numbers of lines in embedding.md: those that are neither empty nor comments, and of a diff
// those that it adds.
func TestEmbeddingLines(t *testing.T) {
	number := regexp.MustCompile(`\]\((\.\./[^)]+)\), ([0-9]+) lines`)
	found := number.FindAllStringSubmatch(read(t, "embedding.md"), -1)
	qt.Assert(t, len(found) > 5, qt.IsTrue, qt.Commentf("%q", found))
	for _, f := range found {
		lines := 0
		for line := range strings.Lines(read(t, f[1])) {
			switch line := strings.TrimSpace(line); {
			case filepath.Ext(f[1]) == ".diff" && strings.HasPrefix(line, "+"),
				filepath.Ext(f[1]) == ".go" && line != "" && !strings.HasPrefix(line, "//"):
				lines++
			}
		}
		qt.Check(t, strconv.Itoa(lines), qt.Equals, f[2], qt.Commentf("%s", f[1]))
	}
}
