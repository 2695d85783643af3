package secrettest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// The search finds what it is for.
func TestFindSecret(t *testing.T) {
	id := secrettest.NewID()
	text, err := id.MarshalText()
	qt.Assert(t, err, qt.IsNil)
	for name, leak := range map[string]string{
		"digits":   string(text),
		"a piece":  "x" + string(text[9:25]),
		"capitals": strings.ToUpper(string(text)),
		"token":    "Bearer " + secrettest.Token,
		"bytes":    string(id[:]),
		"%v":       fmt.Sprint([32]byte(id)),
		"JSON":     strings.ReplaceAll(fmt.Sprint([32]byte(id)), " ", ","),
		"GoString": fmt.Sprintf("%#v", [32]byte(id)),
		"an error": errors.New("post " + string(text)).Error(),
	} {
		qt.Check(t, secrettest.Find([]byte("a line "+leak+" here")), qt.Not(qt.Equals), "", qt.Commentf(name))
	}
	for name, clean := range map[string]string{
		"public": id.Public().String(),
		"String": id.String(),
		"short":  string(text[:15]),
	} {
		qt.Check(t, secrettest.Find([]byte(clean)), qt.Equals, "", qt.Commentf(name))
	}
}
