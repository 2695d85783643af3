package secrettest

import (
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestASecretIsFoundWhereverItIsCut(t *testing.T) {
	id := NewID()
	text, err := id.MarshalText()
	qt.Assert(t, err, qt.IsNil)
	var out strings.Builder
	long := strings.Repeat("-", 100_000)
	qt.Check(t, copyWatched(&out, strings.NewReader(long+string(text)+long)), qt.Not(qt.Equals), "")
	qt.Check(t, out.Len(), qt.Equals, 200_064)
}
