package filestore

import (
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestNamesThatWindowsHasTaken(t *testing.T) {
	for _, name := range []string{"CON", "con", "nul", "Aux", "prn", "com1", "LPT9", "nul.txt", "com0.a.b", "netlog.", "a.."} {
		qt.Check(t, isReserved(name), qt.IsTrue, qt.Commentf("%s", name))
	}
	for _, name := range []string{"netlog", "console", "com", "com12", "comx", "lpt", "a.con", "nul-1"} {
		qt.Check(t, isReserved(name), qt.IsFalse, qt.Commentf("%s", name))
	}
}
